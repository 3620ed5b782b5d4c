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
        InputError: adapters that do not fit, that are for another task, base model, revision or precision of it, or
            that have no provenance.
    """
    where = f"adapter {settings.adapter}"
    there = record(str(settings.adapter), where)
    kind = read_json(Path(str(settings.adapter)) / CONFIG).get("task_type")
    if kind != task_type:
        raise InputError(where, f"adapters for {kind}", task_type, "name adapters that the same recipe made")
    _require_base(there, settings, getattr(model.config, "_commit_hash", None), where)
    return attach(model, str(settings.adapter), where, trainable=True)


def _require_base(there: dict[str, Any], settings: TrainingSettings, commit: str | None, where: str) -> None:
    """InputError unless the recipe's base model is what the adapters were trained on, in as many bits.

    Folders are compared by digest, names of the Hub by name and revision. A warning where it cannot be told.

    Args:
        there: the adapters' provenance.
        settings: the recipe.
        commit: of the base model that was loaded from the Hub.
        where: the setting that names the adapters.
    """
    bits = (there.get("settings") or {}).get("quantization")
    if bits != settings.quantization:
        found, fix = f"adapters trained with quantization {bits}", f"set quantization: {bits or 'null'}"
        raise InputError(where, found, f"quantization {settings.quantization}", fix)
    base, name = str(settings.base_model), str(there["base_model"])
    here, revision = commit or settings.revision, there.get("revision")
    digest, is_folder = there.get("base_model_sha256"), Path(base).is_dir()
    told = True
    if is_folder and digest:
        same = sha256_folder(Path(base)) == digest
    elif is_folder or digest:  # a folder against a name, or a folder without a digest
        same, told = True, False
    else:
        same = base == name and (here == revision or None in (here, revision))
        told = None not in (here, revision)
        base, name = f"{base}, revision {here}", f"{name}, revision {revision}"
    if not same:
        raise InputError(where, f"adapters of {name}", f"adapters of {base}", "name their base_model, unchanged")
    if not told:
        warnings.warn(f"{where}: adapters of {name}; whether {base} is the same is not known", stacklevel=2)


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
