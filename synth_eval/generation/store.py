"""Samples on disk: one line each, appended by the batch, so that a kill at any moment loses and doubles nothing.

folder/
    samples.jsonl   one sample a line, in the order in which they came
    samples.json    what draws them (model, settings, versions); another source is refused
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from synth_eval.errors import InputError
from synth_eval.files import dump_json, fsync_folder, parse_json, read_json, write_atomic
from synth_eval.provenance import sha256_text

SAMPLES = "samples.jsonl"
IDENTITY = "samples.json"


@dataclass(frozen=True)
class Sample:
    """One text that a model wrote, and all that is needed to ask for it again."""

    key: str
    prompt_id: str
    """What the prompt is called, for example a label."""
    index: int
    """Which sample of this prompt it is, from 0."""
    seed: int
    prompt: str
    prompt_sha256: str
    text: str
    """The continuation, without the prompt."""
    finish_reason: str
    """``stop`` or ``length``."""
    model: str
    revision: str | None
    """Commit, or ``sha256:`` and the digest of the weights."""
    sampling: dict[str, Any]


_TYPES = {"key": str, "prompt_id": str, "index": int, "seed": int, "prompt": str, "text": str, "sampling": dict}


@dataclass(frozen=True)
class Store:
    """The samples of one source in one folder; `opened` makes it."""

    folder: Path
    identity: dict[str, Any]
    """What decides a text beside prompt, seed and index, flat: ``settings.batch_size`` -> 64."""
    digest: str
    """Of the identity; part of every key."""
    samples: dict[str, Sample]
    """By key, in the order of the file."""

    @property
    def path(self) -> Path:
        """The file of samples."""
        return self.folder / SAMPLES

    def key(self, prompt: str, seed: int, index: int) -> str:
        """The sample's name: the same source, prompt, seed and index have the same one, and nothing else has."""
        return sha256_text(f"{self.digest} {sha256_text(prompt)} {seed} {index}")

    def append(self, samples: Iterable[Sample]) -> None:
        """Keep the samples whose key is not there yet, in one write, safe on disk on return.

        Raises:
            OSError: the disk is full or not writable; it names the file, which holds what it held before.
        """
        new = {sample.key: clean(sample) for sample in samples if sample.key not in self.samples}
        if not new:
            return
        lines = "".join(json.dumps(asdict(sample), ensure_ascii=False) + "\n" for sample in new.values())
        _append(self.path, lines.encode("utf-8"))
        self.samples.update(new)


def clean(sample: Sample) -> Sample:
    """The sample with half characters (lone surrogates, from JSON escapes) replaced, so that it is UTF-8."""
    text = sample.text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return sample if text == sample.text else Sample(**{**asdict(sample), "text": text})


def opened(folder: str | Path, identity: Mapping[str, Any], overwrite: bool = False) -> Store:
    """The folder's store, read and mended; the caller holds the folder's lock (`files.lock`).

    Args:
        folder: where the samples are, or will be.
        identity: what decides a text beside prompt, seed and index; nested, as JSON can hold it.
        overwrite: delete samples of another source; those of the same source are kept and used.

    Raises:
        InputError: samples of another source (it names what differs), or a damaged line.
        OSError: not readable or writable.
    """
    folder, here = Path(folder), flat(identity)
    folder.mkdir(parents=True, exist_ok=True)
    there = recorded(folder)
    if there != here:
        if there is None and (folder / SAMPLES).is_file() and not overwrite:
            found = f"{SAMPLES} without {IDENTITY}"
            raise InputError(folder, found, "samples and what drew them", "use another --output_dir, or --overwrite")
        if there is not None and not overwrite:
            raise other(folder, there, here)
        (folder / SAMPLES).unlink(missing_ok=True)
        write_atomic(folder / IDENTITY, dump_json(here))
    return Store(folder, here, sha256_text(dump_json(here)), read(folder / SAMPLES))


def recorded(folder: Path) -> dict[str, Any] | None:
    """What drew the folder's samples; None where nothing was drawn."""
    if not (folder / IDENTITY).is_file():
        return None
    record = read_json(folder / IDENTITY)
    if not isinstance(record, dict):
        raise InputError(folder / IDENTITY, "no mapping", "what drew the samples", "use another folder, or --overwrite")
    return record


def other(folder: Path, there: Mapping[str, Any], here: Mapping[str, Any]) -> InputError:
    """What to say when a folder holds something else than what is asked for: the first keys that differ."""
    changed = sorted(key for key in there.keys() | here.keys() if there.get(key) != here.get(key))
    shown = "; ".join(f"{key}: {there.get(key)!r} there, {here.get(key)!r} here" for key in changed[:5])
    return InputError(
        folder,
        f"samples of another run ({shown})",
        "an empty folder or the same run",
        "use another --output_dir, or --overwrite",
    )


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one: ``{a: {b: 1}}`` -> ``{"a.b": 1}``."""
    if not isinstance(value, Mapping) or not value:
        return {prefix: value}
    inner = (flat(item, f"{prefix}.{name}" if prefix else str(name)) for name, item in value.items())
    return {key: leaf for part in inner for key, leaf in part.items()}


def read(path: str | Path) -> dict[str, Sample]:
    """The samples of a file by key; the line that a kill cut short is cut off, with a warning.

    Raises:
        InputError: a whole line that is no sample, or a key that is there twice.
    """
    path, samples = Path(path), dict[str, Sample]()
    if not path.is_file():
        return samples
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        warnings.warn(
            f"{path}: the last sample was not written to its end ({len(content) - whole:,} bytes cut off); "
            "it is drawn again",
            stacklevel=2,
        )
        os.truncate(path, whole)
    for number, line in enumerate(content[:whole].split(b"\n")[:-1], start=1):
        sample = _sample(line, f"{path}, line {number}")
        if sample.key in samples:
            raise _damaged(f"{path}, line {number}", "a key that an earlier line has")
        samples[sample.key] = sample
    return samples


def _sample(line: bytes, where: str) -> Sample:
    try:
        record = parse_json(line.decode("utf-8"), where)
    except UnicodeDecodeError as error:
        raise _damaged(where, "bytes that are not UTF-8") from error
    names = {field.name for field in fields(Sample)}
    if not isinstance(record, dict) or set(record) != names:
        raise _damaged(where, "no sample")
    for name, kind in _TYPES.items():
        if not isinstance(record[name], kind):
            raise _damaged(where, f"{name}: {record[name]!r:.100}")
    return Sample(**record)


def _damaged(where: str, found: str) -> InputError:
    return InputError(where, found, "one sample a line, as it was written", "delete this line; it is drawn again")


def _append(path: Path, data: bytes) -> None:
    """Append all of ``data`` and bring it to the disk, or leave the file as it was and raise OSError."""
    new = not path.exists()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        before, rest = os.fstat(handle).st_size, memoryview(data)
        try:
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        except OSError as error:
            os.ftruncate(handle, before)
            raise OSError(error.errno, f"{error.strerror}; the samples drawn so far are kept", str(path)) from error
    finally:
        os.close(handle)
    if new:
        fsync_folder(path.parent)
