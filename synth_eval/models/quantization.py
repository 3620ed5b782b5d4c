"""Weights of four bits, with bitsandbytes: what a recipe and the classifier backend load a base model with."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, BitsAndBytesConfig

from synth_eval.errors import InputError


def require_bitsandbytes(setting: str) -> None:
    """InputError unless there are a CUDA device and bitsandbytes, which ``setting`` needs."""
    if not torch.cuda.is_available():
        raise InputError(
            setting, "no CUDA device", "an NVIDIA GPU", "leave the setting out, or run it where there is one"
        )
    if importlib.util.find_spec("bitsandbytes") is None:
        raise InputError(setting, "no package bitsandbytes", "bitsandbytes", "pip install 'synth-eval[gpu]'")


def nf4(whole: Sequence[str] | None = None) -> BitsAndBytesConfig:
    """4-bit NormalFloat without double quantisation, bfloat16 for the products (QLoRA, Dettmers et al. 2023).

    Args:
        whole: modules that keep their precision; by default the output layer.
    """
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=False,
        bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=list(whole) if whole is not None else None,
    )


def head_modules(model: Any) -> list[str]:
    """The parts outside the base model that have weights: all of a classifier's head."""
    return [
        name
        for name, part in model.named_children()
        if name != model.base_model_prefix and any(True for _ in part.parameters())
    ]


def head_of(base_model: str, revision: str | None = None) -> list[str]:
    """`head_modules` of the classifier that a base model makes: what stays whole in four bits, trained or asked.

    Raises:
        OSError, ValueError: no config that loads, or an architecture that makes no classifier.
    """
    config = AutoConfig.from_pretrained(base_model, revision=revision, trust_remote_code=False)
    with torch.device("meta"):
        return head_modules(AutoModelForSequenceClassification.from_config(config))


def loading(quantization: str | None, whole: Sequence[str] | None = None) -> dict[str, Any]:
    """The keywords of ``from_pretrained`` for a recipe's ``quantization``, as `nf4`; each process has its own GPU."""
    if quantization is None:
        return {}
    return {"quantization_config": nf4(whole), "device_map": {"": int(os.environ.get("LOCAL_RANK", "0"))}}
