"""Low-rank adapters: new ones on a base model, or those of an earlier run, trained on."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from transformers.pytorch_utils import Conv1D

from synth_eval import provenance
from synth_eval.errors import InputError, nearest
from synth_eval.files import read_json
from synth_eval.provenance import sha256_file, sha256_folder
from synth_eval.training.settings import LoraSettings, TrainingSettings

CONFIG = "adapter_config.json"


def new(model: Any, lora: LoraSettings, task_type: str, whole: list[str]) -> Any:
    """The model with fresh adapters; ``whole`` and ``modules_to_save`` are modules trained and saved in full.

    Raises:
        InputError: a name in ``target_modules`` or ``modules_to_save`` that the model does not have.
    """
    from peft import LoraConfig, TaskType, get_peft_model

    _check_targets(model, lora)
    names = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    for name in lora.modules_to_save:
        if name not in names:
            raise InputError("lora.modules_to_save", f"'{name}'", "the name of a module", nearest(name, names))
    config = LoraConfig(
        task_type=TaskType(task_type),
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target_modules,
        modules_to_save=list(dict.fromkeys([*whole, *lora.modules_to_save])) or None,
    )
    return get_peft_model(model, config)


def _check_targets(model: Any, lora: LoraSettings) -> None:
    """InputError unless each of the adapters' ``target_modules`` names a linear or embedding layer of the model."""
    if lora.target_modules == "all-linear":
        return
    kinds = (torch.nn.Linear, torch.nn.Embedding, Conv1D)
    names = {name.rpartition(".")[2] for name, layer in model.named_modules() if isinstance(layer, kinds)}
    for target in lora.target_modules:
        matched = [part for name, part in model.named_modules() if name == target or name.endswith(f".{target}")]
        if not matched or not all(isinstance(part, kinds) for part in matched):
            raise InputError(
                "lora.target_modules", f"'{target}'", "the name of linear or embedding layers", nearest(target, names)
            )


def is_adapter(folder: str | Path) -> bool:
    """Whether the folder holds adapters, not a whole model."""
    return (Path(folder) / CONFIG).is_file()


def record(folder: str | Path, where: str) -> dict[str, Any]:
    """The provenance record of adapters; it alone says what their base model is and what the outputs mean.

    Raises:
        InputError: no adapters in the folder, or no such record; ``where`` is the setting that names the folder.
    """
    if not is_adapter(folder):
        raise InputError(where, f"no {CONFIG} in it", "a folder with adapters", "name the model/ folder of a run")
    found = provenance.near(folder)
    if "base_model" not in found:
        raise InputError(
            where,
            f"no {provenance.FILE_NAME} that says what they were trained on",
            "adapters that a recipe made",
            f"keep {provenance.FILE_NAME} beside {CONFIG}",
        )
    return found


def resume(model: Any, settings: TrainingSettings, task_type: str) -> Any:
    """The base model with the adapters of an earlier run, ready to be trained on.

    Raises:
        InputError: adapters that do not fit, that are for another task or base model, or that have no provenance.
    """
    where = f"adapter {settings.adapter}"
    there = record(str(settings.adapter), where)
    kind = read_json(Path(str(settings.adapter)) / CONFIG).get("task_type")
    if kind != task_type:
        raise InputError(where, f"adapters for {kind}", task_type, "name adapters that the same recipe made")
    _require_base(there, str(settings.base_model), where)
    return attach(model, str(settings.adapter), where, trainable=True)


def _require_base(there: dict[str, Any], base: str, where: str) -> None:
    """InputError unless ``base`` is what the adapters were trained on: by digest for folders, else by name."""
    known = there.get("base_model_sha256")
    if Path(base).is_dir() and known:
        same = sha256_folder(Path(base)) == known
    else:
        same = base == there["base_model"] or Path(base).is_dir() or bool(known)  # a folder against a name: not told
    if not same:
        found = f"adapters of {there['base_model']}"
        raise InputError(where, found, f"adapters of {base}", "name their base_model, unchanged")


def attach(model: Any, folder: str, where: str, trainable: bool = False) -> Any:
    """The model with the adapters of a folder; InputError where they do not fit it."""
    from peft import PeftModel

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Found missing adapter keys")
            return PeftModel.from_pretrained(model, folder, is_trainable=trainable)
    except (OSError, RuntimeError, ValueError, KeyError, UserWarning) as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(
            where, f"adapters that do not load ({reason})", "adapters of this base model", "check both"
        ) from error


def origin(settings: TrainingSettings) -> dict[str, Any]:
    """Provenance of the adapters that a run went on with; empty without."""
    if settings.adapter is None:
        return {}
    folder = Path(settings.adapter)
    parent = provenance.near_file(folder)
    return {
        "adapter": settings.adapter,
        "adapter_sha256": sha256_folder(folder),
        "parent_provenance_sha256": sha256_file(parent) if parent else None,
    }
