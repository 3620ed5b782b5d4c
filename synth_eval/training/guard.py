"""What stands between a training run and a bad checkpoint: the non-finite stop and verified checkpoints.

A checkpoint counts only when its manifest, written last, lists the digest of every file in it. A missing
optimizer state or one flipped byte otherwise resumes without an error and ends in other weights.
"""

from __future__ import annotations

import math
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import ProgressCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from synth_eval.errors import DivergedError
from synth_eval.files import dump_json, fsync_folder, parse_json, write_atomic
from synth_eval.provenance import sha256_file
from synth_eval.training.processes import barrier

MANIFEST = "manifest.json"
WRITING = ".writing"
PICKLES = ("training_args.bin",)  # a pickle that nothing reads; can hold a token
KEEP = 2
_WRITER = ("PytorchStreamWriter", "inline_container.cc", "iostream")  # in the RuntimeErrors of torch.save


def require_finite(value: float, what: str, step: int) -> None:
    """Raise DivergedError unless ``value`` is a finite number."""
    if not math.isfinite(value):
        raise DivergedError(f"{what} is {value} at step {step}. Fix: a lower learning_rate or a longer warmup")


def require_finite_files(folder: Path, step: int) -> None:
    """Read every tensor of the safetensors files under ``folder`` back and raise DivergedError at a non-finite one."""
    for path in sorted(folder.rglob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - no mapping
                tensor = file.get_tensor(name)
                if tensor.is_floating_point() and not torch.isfinite(tensor).all():
                    raise DivergedError(
                        f"the weight {name} is not finite at step {step}. Fix: a lower learning_rate or a longer warmup"
                    )


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what torch and safetensors raise when a disk is full, read-only or broken into an OSError with the path."""
    try:
        yield
    except (SafetensorError, RuntimeError) as error:
        written = isinstance(error, SafetensorError) or any(word in str(error) for word in _WRITER)
        if not written:
            raise
        raise OSError(f"{folder}: not written ({' '.join(str(error).split())[:200]}). Is the disk full?") from error


class Guard(TrainerCallback):  # type: ignore[misc]
    """Stops at the first non-finite loss or gradient, and seals each checkpoint when it is whole."""

    def __init__(self, checkpoints: Path) -> None:
        self.checkpoints = checkpoints

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Check what the trainer measured."""
        for name in ("loss", "grad_norm", "train_loss"):
            if logs and name in logs:
                require_finite(
                    float(logs[name]), {"grad_norm": "the gradient norm"}.get(name, "the loss"), state.global_step
                )

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Check and seal the checkpoint that was just written."""
        barrier()
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        require_finite_files(folder, state.global_step)
        if state.is_world_process_zero:
            seal(folder, self.checkpoints)
        barrier()


class LossBar(ProgressCallback):  # type: ignore[misc]
    """The trainer's progress bar with the loss on it instead of a line for every log."""

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Show the loss."""
        if self.training_bar is not None and logs and "loss" in logs:
            self.training_bar.set_postfix(loss=f"{float(logs['loss']):.4f}")


def seal(folder: Path, checkpoints: Path) -> Path:
    """Move a whole checkpoint to ``checkpoints`` with a manifest of digests, and keep the newest ones only."""
    for name in PICKLES:
        (folder / name).unlink(missing_ok=True)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        with open(path, "rb") as file:
            os.fsync(file.fileno())
    write_atomic(
        folder / MANIFEST, dump_json({path.relative_to(folder).as_posix(): sha256_file(path) for path in files})
    )
    target = checkpoints / folder.name
    if target.exists():
        shutil.rmtree(target)
    os.replace(folder, target)
    fsync_folder(checkpoints)
    for old in _by_step(checkpoints)[KEEP:]:
        shutil.rmtree(old)
    return target


def fault(checkpoint: Path) -> str | None:
    """What is wrong with a checkpoint, or None when every file is as it was sealed."""
    manifest = checkpoint / MANIFEST
    if not manifest.is_file():
        return "it was not written to its end"
    try:
        listed = parse_json(manifest.read_text(encoding="utf-8"), manifest)
    except ValueError:
        return "its manifest is damaged"
    for name, digest in listed.items():
        path = checkpoint / name
        if not path.is_file():
            return f"{name} is missing"
        if sha256_file(path) != digest:
            return f"{name} has changed"
    return None


def newest_verified(checkpoints: Path) -> Path | None:
    """The newest checkpoint that is whole; damaged newer ones are named in a warning."""
    for checkpoint in _by_step(checkpoints):
        problem = fault(checkpoint)
        if problem is None:
            return checkpoint
        warnings.warn(f"ignoring the checkpoint {checkpoint}: {problem}", stacklevel=2)
    return None


def _by_step(checkpoints: Path) -> list[Path]:
    """Checkpoints, newest first."""
    found = [path for path in checkpoints.glob("checkpoint-*") if path.name.removeprefix("checkpoint-").isdigit()]
    return sorted(found, key=lambda path: int(path.name.removeprefix("checkpoint-")), reverse=True)
