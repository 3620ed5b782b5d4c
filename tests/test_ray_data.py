"""Ray Data on a real cluster of this machine: the same texts as in this process."""

from __future__ import annotations

import pytest

from synth_eval.errors import InputError
from synth_eval.generation import engines
from synth_eval.generation.engines import Request
from synth_eval.generation.settings import GenerationSettings

ray = pytest.importorskip("ray", reason="needs the extra ray")


@pytest.fixture(scope="module")
def cluster():
    ray.init(num_cpus=2, num_gpus=1, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    yield
    ray.shutdown()


def configured(model, **more):
    sampling = {"max_new_tokens": 16, "stop": ["."]}
    return GenerationSettings(engine="ray", model=str(model), batch_size=4, sampling=sampling, **more)


def batches(count, size=4):
    """Requests as the store's loop makes them: one seed a batch, the last batch smaller."""
    return [Request(f"k{n}", "Once upon a time", 100 + n // size) for n in range(count)]


def test_the_texts_are_those_of_the_same_batches_in_this_process(cluster, stories):
    settings, requests = configured(stories, ray={"concurrency": 2}), batches(18)
    with engines.opened(settings.model_copy(update={"engine": "transformers"})) as engine:
        here = list(engine(requests))
    with engines.opened(settings) as engine:
        there = list(engine(requests))
        again = list(engine(requests[8:12]))  # a batch alone
        assert list(engine([])) == []
    assert len({c.text for c in here}) > 10
    assert sorted(there, key=lambda c: int(c.key[1:])) == here
    assert again == here[8:12]
    assert ray.is_initialized()  # the cluster was there before
