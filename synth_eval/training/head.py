"""The head of a classifier: a new one on a base model without, or the model's own, brought into our label order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from synth_eval.errors import InputError
from synth_eval.models import quantization
from synth_eval.nli.labels import canonical
from synth_eval.nli.preflight import has_classification_head
from synth_eval.training import inputs, scratch
from synth_eval.training.settings import ClassifierSettings


def settings_of(labels: Sequence[str]) -> dict[str, Any]:
    """The config keys of a head with these labels, ids in their order."""
    return {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: number for number, label in enumerate(labels)},
    }


def load(settings: ClassifierSettings, labels: Sequence[str]) -> Any:
    """The base model with a head whose outputs are ``labels`` in this order.

    A base model without a head gets a random one. A trained head keeps its meaning: where its ``id2label`` names
    the same labels in another order, the rows of its last layer change places.

    Raises:
        InputError: a base model that does not load, or a trained head whose labels are others or have no names, or
            that knows another input of a pair.
    """
    config = scratch.loading(
        settings,
        lambda: AutoConfig.from_pretrained(settings.base_model, revision=settings.revision, trust_remote_code=False),
    )
    if has_classification_head(config):
        model, trained = _load(settings)
        if trained:
            there, where = getattr(config, "synth_eval_input", None), f"base_model {settings.base_model}"
            inputs.require_same(there, settings.synth_eval_input, where)
            return _reorder(model, settings, labels)
    model, trained = _load(settings, ignore_mismatched_sizes=True, **settings_of(labels))
    if trained:
        raise InputError(
            f"base_model {settings.base_model}",
            f"the trained output layer of {', '.join(config.architectures or ['an unknown architecture'])}",
            "a head for sequence classification, or none",
            "name a base_model without a head",
        )
    return model


def _load(settings: ClassifierSettings, **more: Any) -> tuple[Any, bool]:
    """The model, and whether its output layer came from the checkpoint."""
    name = str(settings.base_model)
    whole = quantization.head_of(name, settings.revision) if settings.quantization else []  # the head is trained
    model, info = scratch.loading(
        settings,
        lambda: AutoModelForSequenceClassification.from_pretrained(
            name,
            revision=settings.revision,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
            **quantization.loading(settings.quantization, whole),
            **more,
        ),
    )
    found = _output_layer(model)
    new = {*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])}
    trained = has_classification_head(model.config) if found is None else f"{found[0]}.weight" not in new
    return model, trained


def _output_layer(model: Any) -> tuple[str, torch.nn.Linear] | None:
    """Name and layer of the one linear layer outside the base model with an output a label; None if it is not one."""
    inside = f"{model.base_model_prefix}."
    found = [
        (name, layer)
        for name, layer in model.named_modules()
        if isinstance(layer, torch.nn.Linear)
        and layer.out_features == model.config.num_labels
        and not name.startswith(inside)
    ]
    return found[-1] if found else None


def _reorder(model: Any, settings: ClassifierSettings, labels: Sequence[str]) -> Any:
    """The model with its trained head's outputs in the order of ``labels``."""
    config = model.config
    names = [str(config.id2label[number]) for number in sorted(config.id2label)]
    order = order_of(names, labels, f"base_model {settings.base_model}")
    found = _output_layer(model)
    if order != list(range(len(labels))):
        if found is None:
            raise InputError(
                f"base_model {settings.base_model}",
                f"the label order {', '.join(names)} and no linear output layer",
                f"the order {', '.join(labels)}",
                "name another base_model",
            )
        _permute(found[1], order)
    for name, value in settings_of(labels).items():
        setattr(config, name, value)
    config.problem_type = "single_label_classification"
    return model


def order_of(names: Sequence[str], labels: Sequence[str], where: str) -> list[int]:
    """The number of the output that means each of ``labels``, where a trained head's outputs are called ``names``.

    Raises:
        InputError: names that are not these labels.
    """
    known = [canonical(name) for name in names]
    if set(known) != set(labels) or len(known) != len(labels):
        raise InputError(
            where,
            f"a trained head with the labels {', '.join(names)}",
            f"{', '.join(labels)} as in the data, or no head",
            "name a base_model without a head; or, where the outputs mean these labels, say so under id2label in a "
            "copy's config.json",
        )
    return [known.index(label) for label in labels]


def reorder_adapter(model: Any, names: Sequence[str], labels: Sequence[str], where: str) -> Any:
    """The model with adapters whose head, kept whole beside them, has its outputs in the order of ``labels``.

    Args:
        model: with adapters loaded.
        names: what the outputs mean, from the adapters' provenance.
        labels: what they shall mean.
        where: the setting that names the adapters.

    Raises:
        InputError: other labels, or no linear output layer among the modules kept whole.
    """
    order = order_of(names, labels, where)
    layers = [
        part
        for name, part in model.named_modules()
        if "modules_to_save" in name and isinstance(part, torch.nn.Linear) and part.out_features == len(labels)
    ]
    if not layers:
        raise InputError(where, "adapters without a head", "a head kept beside them", "name another adapter")
    _permute(layers[-1], order)
    return model


def _permute(layer: torch.nn.Linear, order: list[int]) -> None:
    """Put the outputs of a layer into another order."""
    with torch.no_grad():
        for rows in layer.parameters():  # weight of shape (labels, hidden), bias of shape (labels,)
            rows.copy_(rows[order].clone())
