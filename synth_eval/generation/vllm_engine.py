"""vLLM in this process: many prompts at once on a GPU, every one with its own seed.

vLLM batches as it likes, so that the same seed can give another text once in a while on another batch; what the store
holds is not drawn again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from synth_eval.errors import InputError
from synth_eval.files import read_json
from synth_eval.generation.engines import Completion, Engine, Request, checkpoint, not_loaded
from synth_eval.generation.settings import GenerationSettings

_DECIDING = ("vllm", "torch", "transformers", "tokenizers")
_OF_THE_MODEL = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")
_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What ``max_lora_rank`` can be (vllm/config/lora.py)."""


@contextmanager
def opened(settings: GenerationSettings) -> Iterator[Engine]:
    """The model in this process's vLLM; see `engines.opened`."""
    vllm = package()
    adapter = None if settings.adapter is None else adapter_folder(settings.adapter)
    defaults = model_defaults(settings)
    try:
        model = vllm.LLM(model=settings.model, **engine_arguments(settings, adapter))
    except (OSError, ValueError, KeyError) as error:
        raise not_loaded("model", settings.model, error) from error
    lora = None if adapter is None else import_module("vllm.lora.request").LoRARequest("adapter", 1, str(adapter))

    def engine(requests: Sequence[Request]) -> Iterator[Completion]:
        for start in range(0, len(requests), settings.batch_size):
            part = requests[start : start + settings.batch_size]
            prompts = [request.prompt for request in part]
            wanted = [vllm.SamplingParams(**sampling(settings, request.seed, defaults)) for request in part]
            outputs = model.generate(prompts, wanted, use_tqdm=False, lora_request=lora)
            for request, output in zip(part, outputs, strict=True):
                yield _completion(request, output)

    yield engine


def identity(settings: GenerationSettings) -> dict[str, Any]:
    """Weights and versions; see `engines.identity`."""
    return checkpoint(settings) | {"versions": versions()}


def versions() -> dict[str, str]:
    """The versions that decide the texts.

    Raises:
        InputError: vLLM is not installed.
    """
    try:
        return {name: version(name) for name in _DECIDING}
    except PackageNotFoundError as error:
        raise _missing() from error


def package() -> Any:
    """The vLLM module; InputError where it is not installed."""
    try:
        return import_module("vllm")
    except ImportError as error:
        raise _missing() from error


def _missing() -> InputError:
    return InputError(
        "engine: vllm",
        "no package vllm",
        "vLLM, on Linux with a GPU",
        "pip install 'synth-eval[vllm]', or use another engine: transformers, or openai with a server",
    )


def engine_arguments(settings: GenerationSettings, adapter: Path | None = None) -> dict[str, Any]:
    """Arguments of vLLM's engine beside ``model`` (docs.vllm.ai, Engine Arguments).

    Args:
        settings: revision, precision and seed.
        adapter: a LoRA folder, see `adapter_folder`.
    """
    arguments: dict[str, Any] = {
        "revision": settings.revision,
        "tokenizer_revision": settings.revision,
        "dtype": settings.dtype,
        "seed": settings.seed,
        "trust_remote_code": False,
    }
    if settings.load_in_4bit:
        arguments["quantization"] = "bitsandbytes"
    else:
        arguments["load_format"] = "safetensors"
    if adapter is not None:
        arguments |= {"enable_lora": True, "max_lora_rank": _rank(adapter)}
    return arguments


def adapter_folder(adapter: str) -> Path:
    """The folder of an adapter, from the Hub where it is none; InputError where there is nothing of that name."""
    if Path(adapter).is_dir():
        return Path(adapter)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(adapter))
    except (OSError, ValueError) as error:
        raise not_loaded("adapter", adapter, error) from error


def _rank(adapter: Path) -> int:
    """The smallest rank that vLLM can make room for and the adapter fits in."""
    config = read_json(adapter / "adapter_config.json")
    rank = config.get("r") if isinstance(config, dict) else None
    if not isinstance(rank, int) or rank > _RANKS[-1]:
        where = adapter / "adapter_config.json"
        raise InputError(where, f"r: {rank!r}", f"a LoRA rank up to {_RANKS[-1]}", "use engine: transformers")
    return next(size for size in _RANKS if size >= rank)


def model_defaults(settings: GenerationSettings) -> dict[str, Any]:
    """What the model's own ``generation_config.json`` says about sampling; empty without such a file."""
    from transformers import GenerationConfig

    try:
        config = GenerationConfig.from_pretrained(settings.model, revision=settings.revision).to_diff_dict()
    except OSError:
        return {}
    return {name: config[name] for name in _OF_THE_MODEL if config.get(name) is not None}


def sampling(settings: GenerationSettings, seed: int, defaults: dict[str, Any]) -> dict[str, Any]:
    """Arguments of vLLM's ``SamplingParams`` for one sample.

    Args:
        settings: what the recipe says; it goes before the model's defaults.
        seed: the sample's own.
        defaults: of the model, see `model_defaults`.
    """
    named = {name: getattr(settings.sampling, name) for name in ("temperature", "top_p", "top_k")}
    return {
        **defaults,
        **{name: value for name, value in named.items() if value is not None},
        "n": 1,
        "seed": seed,
        "max_tokens": settings.sampling.max_new_tokens,
        "stop": list(settings.sampling.stop) or None,
        "include_stop_str_in_output": True,
    }


def _completion(request: Request, output: Any) -> Completion:
    (best,) = output.outputs
    if best.finish_reason not in ("stop", "length"):
        raise RuntimeError(f"vLLM ended a sample with '{best.finish_reason}'")
    return Completion(request.key, best.text, best.finish_reason)
