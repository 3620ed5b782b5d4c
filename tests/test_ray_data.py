"""Ray Data on a real cluster of this machine: the same texts as in this process."""

from __future__ import annotations

import json

import pytest

from synth_eval.errors import InputError
from synth_eval.generation import engines, ray_engine
from synth_eval.generation.engines import Request
from synth_eval.generation.settings import GenerationSettings

ray = pytest.importorskip("ray", reason="needs the extra ray")
# Ray 2.60 sets options of its own context that it calls deprecated, and ray.llm is written for an older pydantic
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:ray.data.context",
    "ignore:`target_shuffle_max",
    "ignore::pydantic.warnings.PydanticDeprecatedSince20",
)


VLLM = """
import json
from dataclasses import dataclass
from types import SimpleNamespace
from vllm import inputs, outputs, sampling_params

SamplingParams = sampling_params.SamplingParams


@dataclass
class AsyncEngineArgs:
    model: str
    revision: str | None
    tokenizer_revision: str | None
    dtype: str
    seed: int
    trust_remote_code: bool
    load_format: str
    tensor_parallel_size: int
    runner: str
    distributed_executor_backend: str
    enable_log_requests: bool

    def create_engine_config(self):
        sizes = {"scheduler_config": {"max_num_seqs": 2}, "parallel_config": {"pipeline_parallel_size": 1}}
        return SimpleNamespace(**{name: SimpleNamespace(**value) for name, value in sizes.items()})


class AsyncLLMEngine:
    @classmethod
    def from_engine_args(cls, arguments, stat_loggers=None):
        self = cls()
        self.arguments = arguments
        return self

    async def generate(self, request_id, prompt, sampling_params, lora_request):
        assert lora_request is None
        told = {"prompt": prompt["prompt"], "sampling": vars(sampling_params), "dtype": self.arguments.dtype}
        tokens = list(range(sampling_params.max_tokens if sampling_params.seed % 2 else 3))
        text = json.dumps(told).encode().hex() + ("." if sampling_params.seed == 5 else "")
        best = SimpleNamespace(text=text, token_ids=tokens, logprobs=None)
        facts = {"prompt_token_ids": [1], "prompt_logprobs": None, "metrics": None, "finished": True}
        yield outputs.RequestOutput(outputs=[best], **facts)

    async def do_log_stats(self):
        pass

    async def check_health(self):
        pass

    def shutdown(self):
        pass
"""
KEEPS = "class {}:\n    def __init__(self, *, structured_outputs=None, **known): vars(self).update(known)\n\n"
VLLM_PARTS = {
    "__init__.py": VLLM,
    "outputs.py": KEEPS.format("RequestOutput") + KEEPS.format("PoolingRequestOutput"),
    "sampling_params.py": KEEPS.format("SamplingParams"),
    "inputs.py": "TextPrompt = TokensPrompt = dict\n",
}
"""The part of vLLM's interface that Ray calls; a sample tells what it was asked with. It is for Ray's workers alone."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages") / "vllm"
    folder.mkdir()
    for name, text in VLLM_PARTS.items():
        (folder / name).write_text(text)
    own = {"env_vars": {"PYTHONPATH": str(folder.parent), "OMP_NUM_THREADS": "1"}}
    ray.init(
        num_cpus=2, num_gpus=1, include_dashboard=False, logging_level="ERROR", log_to_driver=False, runtime_env=own
    )
    yield
    ray.shutdown()


def configured(model, **more):
    sampling = {"max_new_tokens": 16, "stop": ["."]}
    return GenerationSettings(engine="ray", model=str(model), batch_size=4, **{"sampling": sampling} | more)


def batches(count, size=4):
    """Requests as the generation loop makes them: one seed a batch, the last batch smaller."""
    return [Request(f"k{n}", "Once upon a time", 100 + n // size) for n in range(count)]


def test_a_cluster_of_this_machine_is_started_and_stopped():
    assert not ray.is_initialized()
    with engines.opened(configured("model")) as engine:
        assert ray.is_initialized() and list(engine([])) == []
    assert not ray.is_initialized()


def test_the_texts_are_those_of_the_same_batches_in_this_process(cluster, stories):
    settings, requests = configured(stories, ray={"concurrency": 2}), batches(18)
    with engines.opened(settings.model_copy(update={"engine": "transformers"})) as engine:
        here = list(engine(requests))
    with engines.opened(settings) as engine:
        assert list(engine([])) == []
        there = list(engine(requests))
    assert len({c.text for c in here}) > 10
    assert sorted(there, key=lambda c: int(c.key[1:])) == here
    assert ray.is_initialized()  # it was there before
    assert engines.identity(settings) == engines.identity(settings.model_copy(update={"engine": "transformers"}))


def test_what_a_copy_refuses_comes_back_with_the_fix(cluster, tmp_path):
    with (
        engines.opened(configured(tmp_path / "nothing")) as engine,
        pytest.raises(InputError, match="nothing") as caught,
    ):
        list(engine(batches(1)))
    assert caught.value.fix and "Traceback" not in str(caught.value)


def test_vllm_gets_what_the_recipe_says_through_rays_own_processor(cluster, stories):
    sampling = {"max_new_tokens": 9, "temperature": 0.5, "stop": ["the end", "."]}
    settings = configured(stories, sampling=sampling, dtype="float16", ray={"backend": "vllm", "num_gpus": 1})
    requests = [Request(f"k{n}", f"Prompt {n}", n) for n in range(6)]
    with engines.opened(settings) as engine:
        completions = {completion.key: completion for completion in engine(requests)}
    assert len(completions) == 6
    for n in range(6):
        told = json.loads(bytes.fromhex(completions[f"k{n}"].text.removesuffix(".")))
        assert (told["prompt"], told["dtype"]) == (f"Prompt {n}", "float16")
        common = {"n": 1, "max_tokens": 9, "temperature": 0.5, "include_stop_str_in_output": True}
        assert told["sampling"] == common | {"seed": n, "stop": ["the end", "."]}
    ends = {key: completion.finish_reason for key, completion in completions.items()}
    assert ends == {"k0": "stop", "k1": "length", "k2": "stop", "k3": "length", "k4": "stop", "k5": "stop"}


def test_an_adapter_and_a_wrong_address_are_refused_before_anything_starts(monkeypatch):
    with (
        pytest.raises(InputError, match="merge the adapter"),
        engines.opened(configured("m", adapter="a", ray={"backend": "vllm"})),
    ):
        pass
    monkeypatch.setattr(ray, "init", _no_cluster)
    with pytest.raises(InputError, match=r"ray\.address: 10\.0\.0\.1:6379"):
        ray_engine._join(ray, configured("m", ray={"address": "10.0.0.1:6379"}).ray)


def _no_cluster(**_):
    raise ConnectionError("could not connect")
