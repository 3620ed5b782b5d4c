"""Ray Data over a cluster: copies of the model on its nodes, with transformers or with vLLM (`ray.data.llm`).

synth-eval is installed on every node, and a model in a folder lies under the same path there. A node that is lost is
replaced by Ray, and its part is drawn again. Every call of the engine starts its own copies of the model, so callers
pass many requests at once.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from importlib import import_module
from typing import Any

from synth_eval.errors import InputError
from synth_eval.generation import engines, vllm_engine
from synth_eval.generation.engines import Completion, Engine, Request
from synth_eval.generation.settings import GenerationSettings, RaySettings


@contextmanager
def opened(settings: GenerationSettings) -> Iterator[Engine]:
    """Join the cluster, or start one on this machine; yields the engine.

    A cluster that this process has joined already (``ray.init``) is used as it is, and left as it is.

    Raises:
        InputError: Ray is not installed, no cluster at the address, an adapter with the backend vllm.
    """
    if settings.ray.backend == "vllm" and settings.adapter is not None:
        fix = "merge the adapter into the model, or use engine: vllm"
        raise InputError("adapter", settings.adapter, "no adapter with backend: vllm", fix)
    ray, draw = _package(), _by_vllm if settings.ray.backend == "vllm" else _by_transformers
    joined_before = ray.is_initialized()
    if not joined_before:
        _join(ray, settings.ray)
    try:
        data = import_module("ray.data")
        data.DataContext.get_current().enable_progress_bars = False  # the caller has one over all samples
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        yield lambda requests: draw(data, settings, requests)
    finally:
        if not joined_before:
            ray.shutdown()


def identity(settings: GenerationSettings) -> dict[str, Any]:
    """Those of the backend, as this machine has them; see `engines.identity`."""
    return engines.identity(_of_the_backend(settings))


def _of_the_backend(settings: GenerationSettings) -> GenerationSettings:
    """The settings of one copy of the model."""
    return settings.model_copy(update={"engine": settings.ray.backend, "ray": RaySettings()})


def _package() -> Any:
    try:
        return import_module("ray")
    except ImportError as error:
        fix = "pip install 'synth-eval[ray]', or use another engine"
        raise InputError("engine: ray", "no package ray", "Ray", fix) from error


def _join(ray: Any, settings: RaySettings) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # what Ray announces as its next default
    here: dict[str, Any] = {"include_dashboard": False} if settings.address is None else {}
    try:
        ray.init(address=settings.address or "local", logging_level=logging.WARNING, **here)
    except (OSError, ValueError, RuntimeError) as error:
        found = f"no cluster that can be joined ({' '.join(str(error).split())[:300]})"
        fix = "start one with `ray start --head`, correct ray.address, or leave it out"
        raise InputError(f"ray.address: {settings.address}", found, "the address of a Ray cluster", fix) from error


def _by_transformers(data: Any, settings: GenerationSettings, requests: Sequence[Request]) -> Iterator[Completion]:
    """A batch is a row, and drawn as a whole by one copy, so that its texts are those of the engine transformers."""
    batches = [requests[start : start + settings.batch_size] for start in range(0, len(requests), settings.batch_size)]
    if not batches:
        return
    rows = [{"batch": json.dumps([asdict(request) for request in batch])} for batch in batches]
    answers = data.from_items(rows, override_num_blocks=len(rows)).map(
        _Copy,
        fn_constructor_args=(_of_the_backend(settings).model_dump_json(),),
        compute=data.ActorPoolStrategy(size=min(settings.ray.concurrency, len(rows))),
        num_cpus=settings.ray.num_cpus,
        num_gpus=settings.ray.num_gpus,
    )
    for row in answers.iter_rows():
        if row["refusal"]:
            raise InputError(*json.loads(row["refusal"]))
        yield from (Completion(**fields) for fields in json.loads(row["completions"]))


class _Copy:
    """A model in an actor. What a user can mend comes back as a row, with its four parts."""

    def __init__(self, settings: str) -> None:
        self.settings = GenerationSettings.model_validate_json(settings)
        self.open = ExitStack()
        self.engine: Engine | None = None

    def __call__(self, row: Mapping[str, str]) -> dict[str, str]:
        try:
            if self.engine is None:
                self.engine = self.open.enter_context(engines.opened(self.settings))
            completions = list(self.engine([Request(**fields) for fields in json.loads(row["batch"])]))
        except InputError as error:
            refusal = json.dumps([error.where, error.found, error.expected, error.fix])
            return {"completions": "[]", "refusal": refusal}
        return {"completions": json.dumps([asdict(completion) for completion in completions]), "refusal": ""}


def _by_vllm(data: Any, settings: GenerationSettings, requests: Sequence[Request]) -> Iterator[Completion]:
    """Through the processor of `ray.data.llm`; ``num_gpus`` of a copy are its tensor-parallel size.

    The processor does not say why a text ended: one that has all ``max_new_tokens`` counts as ``length``.
    """
    if not requests:
        return
    llm = import_module("ray.data.llm")
    logging.getLogger("ray.llm").setLevel(logging.WARNING)
    config = llm.vLLMEngineProcessorConfig(
        model_source=settings.model,
        engine_kwargs=vllm_engine.engine_arguments(settings)
        | {"tensor_parallel_size": max(1, round(settings.ray.num_gpus))},
        batch_size=settings.batch_size,
        concurrency=settings.ray.concurrency,
        chat_template_stage=False,
        tokenize_stage=False,
        detokenize_stage=False,
        log_engine_metrics=False,
    )
    sampling = vllm_engine.sampling(settings, 0, vllm_engine.model_defaults(settings))
    processor = llm.build_processor(config, preprocess=partial(_asked, sampling), postprocess=_told)
    rows = [asdict(request) for request in requests]
    blocks = -(-len(rows) // settings.batch_size)
    for row in processor(data.from_items(rows, override_num_blocks=blocks)).iter_rows():
        ended = row["tokens"] < settings.sampling.max_new_tokens
        stopped = any(stop in row["text"] for stop in settings.sampling.stop)
        yield Completion(str(row["key"]), str(row["text"]), "stop" if ended or stopped else "length")


def _asked(sampling: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """What the processor wants in a row: the prompt, and how to sample, with the row's own seed."""
    wanted = {**sampling, "seed": int(row["seed"])}
    return {"key": row["key"], "prompt": row["prompt"], "sampling_params": wanted}


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of the processor's answer."""
    return {"key": row["key"], "text": row["generated_text"], "tokens": row["num_generated_tokens"]}
