"""Supervised fine-tuning of a causal language model on prompt -> answer word, with TRL's SFTTrainer.

The steps of recipes/sft.py: rows -> build -> tokenise -> trainer. A row is the text that a task scores: the same
prompt function, a space, the answer word; then the end-of-text token. Only the completion is learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, ProgressCallback, set_seed
from trl import SFTConfig, SFTTrainer

from synth_eval.errors import InputError
from synth_eval.models import quantization
from synth_eval.nli import prompts
from synth_eval.nli.preflight import has_classification_head
from synth_eval.training import scratch
from synth_eval.training.arguments import check_length, require_devices, trainer_arguments
from synth_eval.training.guard import Guard, LossBar
from synth_eval.training.pairs import Pairs, training_order
from synth_eval.training.run import Run
from synth_eval.training.settings import SFTSettings

IGNORED = -100  # the label of a token that is not learnt


def rows(settings: SFTSettings, pairs: Pairs) -> list[dict[str, str]]:
    """Pairs as ``{prompt, completion}``; the completion is a space and the answer word.

    Raises:
        InputError: gold labels that the prompt has no word for, such as HANS' two with a three-label prompt.
    """
    prompt = prompts.get(settings.prompt)
    pairs.require_labels(prompt.labels, f"prompt {prompt.name}")
    return [
        {"prompt": prompt.render(premise, hypothesis), "completion": f" {prompt.words[label]}"}
        for premise, hypothesis, label in pairs.pairs
    ]


def build(settings: SFTSettings, texts: Sequence[dict[str, str]]) -> tuple[Any, Any]:
    """The tokenizer and the causal language model, adapters included.

    Raises:
        InputError: a base model that does not load, an unknown config key, sizes that do not fit.
    """
    require_devices(settings)
    set_seed(settings.seed)
    if settings.from_config is not None:
        corpus = (row["prompt"] + row["completion"] for row in texts)
        longest = scratch.positions(settings)
        tokenizer = scratch.train_tokenizer(settings.tokenizer, corpus, pairs=False, max_length=longest)
        config = scratch.build_config(settings, tokenizer)
        model = scratch.building(settings, lambda: AutoModelForCausalLM.from_config(config))
    else:
        tokenizer = scratch.load_tokenizer(settings)
        model = _load(settings)
    return tokenizer, scratch.with_lora(scratch.agree(model, tokenizer, settings), settings, "CAUSAL_LM")


def _load(settings: SFTSettings) -> Any:
    """The base model; InputError when its language model head would be random."""
    model, info = scratch.loading(
        settings,
        lambda: AutoModelForCausalLM.from_pretrained(
            settings.base_model,
            revision=settings.revision,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
            **quantization.loading(settings.quantization),
        ),
    )
    inside = f"{model.base_model_prefix}."
    random = sorted(key for key in info["missing_keys"] if not key.startswith(inside))
    if random or has_classification_head(model.config):
        kind = ", ".join(model.config.architectures or ["an unknown architecture"])
        raise InputError(
            f"base_model {settings.base_model}",
            f"{kind}" + (f", a checkpoint without {random[0]}" if random else ""),
            "a causal language model with its head (it would be random)",
            "name a language model; train a classifier with recipes/nli_classifier.py",
        )
    return model


def tokenise(
    settings: SFTSettings, texts: Sequence[dict[str, str]], tokenizer: Any
) -> tuple[list[dict[str, list[int]]], int]:
    """Token ids and labels of every row, and how many were cut.

    The ids are those that lm-evaluation-harness scores for (context, continuation): both are encoded together,
    and the continuation begins where the context's own encoding ends. A row that is too long loses the beginning
    of its prompt, as it does in the harness.

    Raises:
        InputError: rows longer than max_length and no ``truncate: true``; a tokenizer without end-of-text token.
    """
    eos = tokenizer.eos_token_id
    if eos is None:
        raise InputError(
            settings.base_model, "a tokenizer without an end-of-text token", "one, to end a row", "add eos_token"
        )
    contexts = tokenizer([row["prompt"] for row in texts])["input_ids"]
    whole = tokenizer([row["prompt"] + row["completion"] for row in texts])["input_ids"]
    result = []
    for context, ids in zip(contexts, whole, strict=True):
        start = len(context) - (context[-1:] == [eos])  # some tokenizers end every text with it
        end = [] if ids[-1] == eos else [eos]
        result.append({"input_ids": ids + end, "labels": [IGNORED] * start + ids[start:] + end})
    too_long = check_length(settings, [len(row["input_ids"]) for row in result])
    if too_long:
        result = [{name: ids[-settings.max_length :] for name, ids in row.items()} for row in result]
    return result, too_long


def trainer(
    settings: SFTSettings, run: Run, encoded: Sequence[dict[str, list[int]]], tokenizer: Any, model: Any
) -> SFTTrainer:
    """TRL's SFTTrainer over the rows in training order; the rows are ready, so it prepares and cuts nothing."""
    lengths = [len(row["input_ids"]) for row in encoded]
    order = training_order(lengths, settings.batch_size, settings.epochs, settings.seed, settings.length_bucketing)
    data = Dataset.from_dict({name: [row[name] for row in encoded] for name in ("input_ids", "labels")})
    result = SFTTrainer(
        model=model,
        args=SFTConfig(
            **trainer_arguments(settings, run),
            completion_only_loss=True,
            dataset_kwargs={"skip_prepare_dataset": True},
            max_length=None,
            pad_to_multiple_of=None,
        ),
        train_dataset=data.select(order),
        processing_class=tokenizer,
        callbacks=[Guard(run.checkpoints)],
    )
    result.remove_callback(ProgressCallback)
    result.add_callback(LossBar)
    return result


def facts(settings: SFTSettings, model: Any, truncated: int) -> dict[str, Any]:
    """What the provenance record says about a fine-tuned language model."""
    return {
        "task": "causal-lm",
        "prompt": settings.prompt,
        "truncated_rows": truncated,
        **scratch.origin(settings, model),
    }
