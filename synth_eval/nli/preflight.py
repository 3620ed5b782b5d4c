"""What is checked with the model's own tokenizer before any inference: the head, the answer words, the context length.

The harness says none of this: a classification checkpoint under ``--model hf`` runs with a random head, answer words
of unequal length favour the short one, a prompt longer than the context loses its beginning.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from synth_eval.errors import InputError
from synth_eval.nli.prompts import Prompt

log = logging.getLogger("synth_eval")
SERVED_BY_CLASSIFIER: set[str] = set()
"""Checkpoints that a ClassifierLM answers for in this evaluation; the harness does not tell a task its backend."""


def has_classification_head(config: Any) -> bool:
    """Whether a transformers config is that of a sequence classification checkpoint."""
    return any(name.endswith("ForSequenceClassification") for name in config.architectures or [])


def check_model(arguments: dict[str, Any], prompt: Prompt) -> None:
    """Refuse a classification checkpoint that a language model backend would answer for, and unusable answer words.

    Args:
        arguments: the harness's ``--model_args`` (``pretrained``, ``tokenizer``, ``revision``, ``peft``).
        prompt: the prompt in use.

    Raises:
        InputError: a classification head under a language model backend; answer words that the tokenizer cannot tell
            apart. Words of unequal length, or with the same first token, are reported as a warning.
    """
    pretrained = arguments.get("pretrained")
    if not isinstance(pretrained, str) or pretrained in SERVED_BY_CLASSIFIER:
        return
    config, tokenizer = _load(pretrained, arguments.get("tokenizer"), str(arguments.get("revision", "main")))
    if has_classification_head(config) or _classifier_adapter(arguments.get("peft")):
        raise InputError(
            f"--model_args pretrained={pretrained}",
            f"a sequence classification checkpoint ({', '.join(config.architectures or [])})",
            "a language model: this backend would answer with a random head",
            "use --model synth-classifier with the same --model_args",
        )
    check_words(tokenizer, prompt, pretrained, bool(getattr(config, "is_encoder_decoder", False)))


@lru_cache(maxsize=64)
def check_words(tokenizer: Any, prompt: Prompt, model: str, encoder_decoder: bool = False) -> None:
    """Check the answer words as the harness encodes them: after a real context, or alone for encoder-decoders."""
    context = prompt.render("Some men sleep.", "Some people sleep.")
    start = len(tokenizer.encode(context))
    if encoder_decoder:
        pieces = [tuple(tokenizer.encode(f" {word}", add_special_tokens=False)) for word in prompt.choices]
    else:
        pieces = [tuple(tokenizer.encode(f"{context} {word}")[start:]) for word in prompt.choices]
    counts = zip(prompt.choices, map(len, pieces), strict=True)
    shown = ", ".join(f"'{word}' = {count} token{'s' * (count != 1)}" for word, count in counts)
    if not all(pieces) or len(set(pieces)) < len(pieces):
        raise InputError(
            f"prompt {prompt.name}",
            f"answer words that the tokenizer of {model} cannot tell apart ({shown})",
            "distinct, non-empty token sequences",
            "choose another prompt: --metadata prompt=true_false",
        )
    if len({len(ids) for ids in pieces}) > 1:
        log.warning(
            "prompt %s: answer words of unequal length for %s (%s); the summed log-likelihood favours the short ones: "
            "read acc_norm and acc_mutual_info beside acc.",
            prompt.name,
            model,
            shown,
        )
    if len({ids[0] for ids in pieces}) < len(pieces):
        log.warning("prompt %s: answer words share their first token for %s (%s).", prompt.name, model, shown)


def check_lengths(arguments: dict[str, Any], texts: Sequence[str], prompt: Prompt) -> None:
    """Refuse documents whose prompt and answer do not fit into the model's context: the harness would cut them.

    With ``truncate`` true among the arguments they are counted in a warning instead.
    """
    pretrained = arguments.get("pretrained")
    if not isinstance(pretrained, str) or pretrained in SERVED_BY_CLASSIFIER:
        return
    config, tokenizer = _load(pretrained, arguments.get("tokenizer"), str(arguments.get("revision", "main")))
    limit = int(arguments.get("max_length") or _context(config) or tokenizer.model_max_length)
    word = max(prompt.choices, key=lambda choice: len(tokenizer.encode(f" {choice}")))
    candidates = [text for text in texts if len(text.encode()) + len(word) + 8 > limit]  # a token has at least a byte
    if candidates:
        encoded = tokenizer([f"{text} {word}" for text in candidates], verbose=False)["input_ids"]
        lengths = [len(ids) for ids in encoded]
        if not arguments.get("truncate"):
            refuse_long(lengths, limit + 1, pretrained)
        over = sum(length > limit + 1 for length in lengths)
        log.warning(
            "%d of %d prompts are cut at their beginning: %s reads %d tokens.", over, len(texts), pretrained, limit
        )


def refuse_long(lengths: Sequence[int], limit: int, model: object) -> None:
    """InputError when any input of ``lengths`` tokens is over ``limit``."""
    over = [length for length in lengths if length > limit]
    if over:
        raise InputError(
            f"context of {model}",
            f"{len(over)} of {len(lengths)} inputs longer than {limit} tokens (the longest has {max(over)})",
            "inputs that fit: nothing is cut silently",
            "take a longer context or a shorter prompt (--metadata prompt=bare); for a language model, --metadata "
            "truncate=true cuts them and marks the run",
        )


def _context(config: Any) -> int | None:
    text = getattr(config, "text_config", None) or config
    names = ("n_positions", "max_position_embeddings", "n_ctx")
    return next((getattr(text, name) for name in names if getattr(text, name, None)), None)


@lru_cache(maxsize=4)
def _load(pretrained: str, tokenizer: str | None, revision: str) -> tuple[Any, Any]:
    from transformers import AutoConfig, AutoTokenizer

    config = AutoConfig.from_pretrained(pretrained, revision=revision, trust_remote_code=False)
    return config, AutoTokenizer.from_pretrained(tokenizer or pretrained, revision=revision, trust_remote_code=False)


def _classifier_adapter(peft: object) -> bool:
    if not isinstance(peft, str):
        return False
    from peft import PeftConfig

    return str(PeftConfig.from_pretrained(peft).task_type) == "SEQ_CLS"
