"""Sampling in this process: a causal language model from transformers, a batch at a time, seeded by the batch.

The same batch (prompts, order, seed) gives the same texts on the same kind of hardware and versions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, StoppingCriteria, StoppingCriteriaList, logging

from synth_eval.errors import InputError
from synth_eval.generation.engines import Completion, Engine, Request, checkpoint, not_loaded
from synth_eval.generation.settings import GenerationSettings
from synth_eval.nli.preflight import has_classification_head

_DECIDING = ("torch", "transformers", "tokenizers")


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to continue prompts."""

    model: Any
    tokenizer: Any
    settings: GenerationSettings


def identity(settings: GenerationSettings) -> dict[str, Any]:
    """Weights and versions; see `engines.identity`."""
    return checkpoint(settings) | {"versions": {name: version(name) for name in _DECIDING}}


@contextmanager
def opened(settings: GenerationSettings) -> Iterator[Engine]:
    """The model in this process, on the GPU where there is one; see `engines.opened`."""
    loaded = load(settings)

    def engine(requests: Sequence[Request]) -> Iterator[Completion]:
        for start in range(0, len(requests), settings.batch_size):
            yield from batch(loaded, requests[start : start + settings.batch_size])

    yield engine


def load(settings: GenerationSettings) -> Loaded:
    """Model, adapter and tokenizer, from safetensors only and without running code that comes with them.

    Raises:
        InputError: a model or adapter that does not load, 4 bits without a GPU, a tokenizer without any end token.
    """
    if settings.load_in_4bit and not torch.cuda.is_available():
        raise InputError("load_in_4bit", "no GPU", "a CUDA device", "set load_in_4bit: false")
    logging.disable_progress_bar()
    source: dict[str, Any] = {"revision": settings.revision, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(settings.model, padding_side="left", **source)
        model, info = AutoModelForCausalLM.from_pretrained(
            settings.model,
            use_safetensors=True,
            dtype=settings.dtype,
            output_loading_info=True,
            **source,
            **_placement(settings),
        )
    except (OSError, ValueError, KeyError, ImportError, SafetensorError) as error:
        raise not_loaded("model", settings.model, error) from error
    _require_writer(settings, tokenizer, model, info["missing_keys"])
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if settings.adapter is not None:
        model = _with_adapter(model, settings.adapter)
    return Loaded(model.eval(), tokenizer, settings)


def _require_writer(settings: GenerationSettings, tokenizer: Any, model: Any, random: Collection[str]) -> None:
    """InputError unless this is a whole language model with the tokenizer that belongs to it."""
    where = f"model {settings.model}"
    if random or has_classification_head(model.config):
        kind = ", ".join(model.config.architectures or ["an unknown architecture"])
        found = f"{kind}" + (f", a checkpoint without {min(random)}" if random else "")
        raise InputError(where, found, "a causal language model (its weights would be random)", "name another one")
    if tokenizer.eos_token_id is None:
        raise InputError(where, "a tokenizer without an end-of-text token", "one", "add eos_token")
    embeddings = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > embeddings:
        raise InputError(where, f"{len(tokenizer)} tokens in the tokenizer", f"at most {embeddings}", "use its own")


def _placement(settings: GenerationSettings) -> dict[str, Any]:
    """Where the weights go, and in how many bits."""
    if not torch.cuda.is_available():
        return {}
    if not settings.load_in_4bit:
        return {"device_map": "auto"}
    from transformers import BitsAndBytesConfig

    bits = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )  # as in QLoRA (Dettmers et al. 2023), without double quantisation as in Zhang & Pavlick 2025
    return {"device_map": "auto", "quantization_config": bits}


def _with_adapter(model: Any, adapter: str) -> Any:
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(model, adapter, use_safetensors=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:  # RuntimeError: shapes of another base model
        raise not_loaded("adapter", adapter, error) from error


@torch.inference_mode()
def batch(loaded: Loaded, requests: Sequence[Request]) -> list[Completion]:
    """Continue one batch, with the seed of its first request.

    Args:
        loaded: the model.
        requests: at most ``batch_size``, in the batch's order.

    Returns:
        one completion a request, in the same order. No text runs over the positions that the model has.

    Raises:
        InputError: a prompt that is empty or fills all positions.
    """
    tokenizer, settings = loaded.tokenizer, loaded.settings
    encoded = _encode(loaded, [request.prompt for request in requests])
    length = encoded["input_ids"].shape[1]
    starts = tokenizer.batch_decode(encoded["input_ids"], skip_special_tokens=True)
    ends = StoppingCriteriaList([Ended(tokenizer, settings.sampling.stop, length)])
    torch.manual_seed(requests[0].seed)
    arguments = _sampling(loaded, length) | {"stopping_criteria": ends, "pad_token_id": tokenizer.pad_token_id}
    ids = _generate(loaded, encoded | arguments)
    texts = tokenizer.batch_decode(ids, skip_special_tokens=True)
    stopped = _stopped(loaded, ids[:, length:], ends[0])
    rows = zip(requests, starts, texts, ids[:, length:], stopped, strict=True)
    return [
        Completion(request.key, _continuation(tokenizer, start, text, new), "stop" if stop else "length")
        for request, start, text, new, stop in rows
    ]


def _encode(loaded: Loaded, prompts: Sequence[str]) -> dict[str, torch.Tensor]:
    """Token ids and mask of shape (batch, seq), padded on the left, without the end token that some tokenizers add."""
    eos = loaded.tokenizer.eos_token_id
    ids = {prompt: loaded.tokenizer(prompt)["input_ids"] for prompt in set(prompts)}
    rows = [ids[prompt][:-1] if ids[prompt][-1:] == [eos] else ids[prompt] for prompt in prompts]
    length = max(map(len, rows))
    pad = loaded.tokenizer.pad_token_id
    padded = torch.tensor([[pad] * (length - len(row)) + row for row in rows], dtype=torch.long)
    mask = torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in rows], dtype=torch.long)
    return {"input_ids": padded.to(loaded.model.device), "attention_mask": mask.to(loaded.model.device)}


def _generate(loaded: Loaded, arguments: dict[str, Any]) -> torch.Tensor:
    """Token ids of shape (batch, seq), prompts included."""
    try:
        ids: torch.Tensor = loaded.model.generate(**arguments)
    except torch.OutOfMemoryError as error:
        size = loaded.settings.batch_size
        raise InputError("batch_size", f"{size}, too many for the GPU's memory", "fewer", "halve it") from error
    except RuntimeError as error:
        if "probability tensor" not in str(error):
            raise
        where = f"model {loaded.settings.model}"
        raise InputError(where, "probabilities that are not finite", "a sound model", "train it again") from error
    return ids


def _sampling(loaded: Loaded, length: int) -> dict[str, Any]:
    """Arguments of ``generate`` for prompts of ``length`` tokens; what the settings leave open stays the model's."""
    sampling = loaded.settings.sampling
    positions = getattr(loaded.model.config, "max_position_embeddings", None)
    room = sampling.max_new_tokens if positions is None else min(sampling.max_new_tokens, positions - length)
    if length == 0 or room < 1:
        found = f"a prompt of {length} tokens"
        raise InputError("prompt", found, f"1 to {(positions or 2) - 1} tokens", "use another prompt or model")
    if sampling.temperature == 0:
        return {"max_new_tokens": room, "do_sample": False}
    given = {name: getattr(sampling, name) for name in ("temperature", "top_p", "top_k")}
    return {"max_new_tokens": room, "do_sample": True} | {k: value for k, value in given.items() if value is not None}


def _stopped(loaded: Loaded, new: torch.Tensor, ended: Ended) -> list[bool]:
    """Whether each row met an end-of-text token or a stop string, for new token ids of shape (batch, new)."""
    eos = loaded.model.generation_config.eos_token_id
    ends = torch.tensor([eos] if isinstance(eos, int) else eos or [], device=new.device)
    met = torch.isin(new, ends).any(dim=1)
    return (met | ended.holds(new)).tolist()


def _continuation(tokenizer: Any, start: str, text: str, new: torch.Tensor) -> str:
    """What comes after the prompt, with the space between both that only the whole text shows."""
    if text.startswith(start):
        return text[len(start) :]
    decoded: str = tokenizer.decode(new, skip_special_tokens=True)
    return decoded


class Ended(StoppingCriteria):  # type: ignore[misc]
    """Stops a row once its new text holds a stop string.

    It looks at decoded text: matching token by token, as transformers does, misses a stop string where a tokenizer
    writes the spaces between words only while decoding. Only rows whose newest token can end one are decoded.
    """

    def __init__(self, tokenizer: Any, stop: Sequence[str], length: int) -> None:
        self.tokenizer, self.stop, self.length = tokenizer, stop, length
        self.last = {string[-1] for string in stop} | {"\ufffd"}  # or a part of a character's bytes
        self.ending: dict[int, bool] = {}

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        """For token ids of shape (batch, seq), whether the newest token ended a row."""
        done = torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)
        if self.stop:
            rows = [row for row, token in enumerate(input_ids[:, -1].tolist()) if self._can_end(token)]
            done[rows] = self.holds(input_ids[rows, self.length :])
        return done

    def _can_end(self, token: int) -> bool:
        if token not in self.ending:
            self.ending[token] = not self.last.isdisjoint(self.tokenizer.decode([token]))
        return self.ending[token]

    def holds(self, new: torch.Tensor) -> torch.Tensor:
        """Whether the text of each row of new token ids holds a stop string."""
        texts = self.tokenizer.batch_decode(new, skip_special_tokens=True) if len(new) else []
        found = [any(stop in text for stop in self.stop) for text in texts]
        return torch.tensor(found, dtype=torch.bool, device=new.device)
