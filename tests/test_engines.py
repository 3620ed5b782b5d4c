"""Endpoints that fail in every way they know, and vLLM by the calls that it gets."""

from __future__ import annotations

import logging
import os
import random
import signal
import socket
import subprocess
import sys
import time
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib.metadata import PackageNotFoundError
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import pytest
from openai_standin import OpenAIStandIn

from synth_eval.errors import InputError
from synth_eval.generation import engines, openai_engine, openai_messages, store, vllm_engine
from synth_eval.generation.engines import Completion, Request
from synth_eval.generation.settings import GenerationSettings

END = "-- This is the end of the example."
KEY = "sk-thisIsTheSecretKey0123456789"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(openai_engine, "FIRST_WAIT_S", 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def configured(url, model="standin", sampling=None, **openai):
    own = {"base_url": url, "timeout_s": 5, "retries": 4, "concurrency": 8} | openai
    return GenerationSettings(engine="openai", model=model, openai=own, sampling=sampling or {"max_new_tokens": 20})


def asked(count):
    return [Request(f"k{number}", f"Prompt {number % 3}", number) for number in range(count)]


def drawn(server, requests, **settings):
    with engines.opened(configured(server.url, **settings)) as engine:
        return list(engine(requests))


def right(server, requests):
    return {Completion(request.key, server.text(request.prompt, request.seed), "stop") for request in requests}


def test_every_text_is_that_of_its_prompt_and_seed_in_any_order():
    requests = asked(40)
    with OpenAIStandIn(lambda body, asked: "late") as server:
        first = drawn(server, requests)
        shuffled = random.Random(0).sample(requests, len(requests))
        second = drawn(server, shuffled, concurrency=3)
    assert [c.key for c in first] != [r.key for r in requests]  # answers really came out of order
    assert set(first) == set(second) == right(server, requests)
    assert len(first) == len(second) == 40


FAULTS = ["429", "500", "503", "drop", "cut", "malformed", "no choices", "two choices", "unfinished"]


def test_all_keys_come_exactly_once_whatever_fails_now_and_then():
    requests = asked(60)

    def fault(body, asked):
        return FAULTS[(body["seed"] + asked) % len(FAULTS)] if asked < body["seed"] % 4 else None

    with OpenAIStandIn(fault) as server:
        completions = drawn(server, requests)
    assert sorted(c.key for c in completions) == sorted(r.key for r in requests)
    assert set(completions) == right(server, requests)
    assert {seed: times for (_, seed), times in server.asked.items()} == {r.seed: 1 + r.seed % 4 for r in requests}


def test_a_slow_answer_is_asked_again():
    with OpenAIStandIn(lambda body, asked: None if asked else "slow") as server:
        assert set(drawn(server, asked(3), timeout_s=1)) == right(server, asked(3))
    assert set(server.asked.values()) == {2}


@pytest.mark.parametrize("concurrency", [1, 5])
def test_as_many_requests_in_flight_as_the_recipe_says(concurrency):
    with OpenAIStandIn(slow_s=0.02) as server:
        assert len(drawn(server, asked(30), concurrency=concurrency)) == 30
    assert server.most_in_flight == concurrency


def test_a_server_that_stays_broken_is_given_up_with_its_words():
    with OpenAIStandIn(lambda body, asked: "503") as server, pytest.raises(ConnectionError) as caught:
        drawn(server, asked(1), retries=2)
    assert "503" in str(caught.value) and "out of order" in str(caught.value) and "3 times" in str(caught.value)
    assert len(server.bodies) == 3


def test_answers_before_the_failure_are_kept():
    with OpenAIStandIn(lambda body, asked: "500" if body["seed"] == 20 else None) as server:
        got = []
        with engines.opened(configured(server.url, retries=1)) as engine, pytest.raises(ConnectionError):
            for completion in engine(asked(40)):
                got.append(completion)
    assert len(got) >= 13  # eight are in flight at a time, so the one that fails comes after 13 answers
    assert set(got) <= right(server, asked(40))


def test_the_server_says_how_long_to_wait():
    with OpenAIStandIn(lambda body, asked: "429" if asked < 3 else None) as server:
        start = time.monotonic()
        assert len(drawn(server, asked(1))) == 1
    assert time.monotonic() - start >= 3 * 0.05
    with OpenAIStandIn(lambda body, asked: "429 for long") as server, pytest.raises(ConnectionError, match="86400"):
        drawn(server, asked(1))
    assert len(server.bodies) == 1


def test_retry_after_is_a_number_or_a_date():
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert openai_messages.seconds(soon) == pytest.approx(30, abs=2)
    assert openai_messages.seconds("2.5") == 2.5 and openai_messages.seconds("-3") == 0
    assert openai_messages.seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert openai_messages.seconds(None) is None and openai_messages.seconds("soon") is None


def test_a_refused_key_stops_at_once_and_is_shown_nowhere(monkeypatch, caplog):
    monkeypatch.setenv("OTHER_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    with OpenAIStandIn(key="sk-another") as server, pytest.raises(InputError) as caught:
        drawn(server, asked(5), api_key_variable="OTHER_KEY")
    assert "Incorrect API key provided: <redacted>" in str(caught.value) and "OTHER_KEY" in str(caught.value)
    whole = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert KEY not in whole and KEY[:12] not in whole
    assert server.bodies == []  # the list of models was refused already


def test_a_key_is_sent_and_a_missing_one_named(monkeypatch):
    with OpenAIStandIn(key=KEY) as server:
        with pytest.raises(InputError, match=r"OPENAI_API_KEY \(there is none\)"):
            drawn(server, asked(1))
        monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")
        assert set(drawn(server, asked(2))) == right(server, asked(2))
        monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\r\nX-Other: 1")
        with pytest.raises(InputError, match="environment variable OPENAI_API_KEY") as caught:
            drawn(server, asked(1))
    assert KEY not in str(caught.value)


def test_a_key_echoed_by_a_failing_server_is_not_shown(monkeypatch, caplog):
    monkeypatch.setenv("OPENAI_API_KEY", "plain-key-77")
    with (
        OpenAIStandIn(lambda body, asked: "echo") as server,
        pytest.raises(ConnectionError, match="no quota for Bearer <redacted>") as caught,
    ):
        drawn(server, asked(2), retries=1)
    assert "plain-key-77" not in caplog.text + "".join(traceback.format_exception(caught.value))
    assert "asked again in" in caplog.text


@pytest.mark.parametrize(("fault", "found"), [("400", "temperature must be between 0 and 2"), ("307", "status 307")])
def test_what_the_server_refuses_is_not_asked_again(fault, found):
    with OpenAIStandIn(lambda body, asked: fault) as server, pytest.raises(InputError, match=found):
        drawn(server, asked(1))
    assert len(server.bodies) == 1


def test_a_wrong_model_is_answered_with_the_nearest_one():
    with OpenAIStandIn(model="llama-2-7b") as server, pytest.raises(InputError, match="did you mean 'llama-2-7b'"):
        drawn(server, asked(1), model="lama-2-7b")


def test_no_server_is_an_error_with_the_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(ConnectionError, match="no answer") as caught, engines.opened(configured(url, retries=1)):
            pass
    assert url in str(caught.value)


@pytest.mark.parametrize("url", ["http://sk-secret@host/v1", "http://user:sk-secret@host/v1"])
def test_a_key_in_the_address_is_refused(url):
    with pytest.raises(ValueError, match="api_key_variable"):
        configured(url)


def test_a_key_in_the_query_is_refused():
    settings = configured("http://127.0.0.1:1/v1?api_key=sk-secret")
    with pytest.raises(InputError) as caught, engines.opened(settings):
        pass
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize(("owner", "sent"), [("vllm", True), ("sglang", True), ("openai", False)])
@pytest.mark.parametrize("chat", [False, True])
def test_a_text_keeps_its_stop_string_on_every_server(owner, sent, chat):
    request = Request("k", "Prompt", 3)
    sampling = {"max_new_tokens": 100, "stop": [END]}
    with OpenAIStandIn(owner=owner, end=f" {END} More text") as server:
        (completion,) = drawn(server, [request], sampling=sampling, chat=chat)
        whole = server.text("Prompt", 3)
    assert completion == Completion("k", whole.removesuffix(" More text"), "stop")
    assert ("stop" in server.bodies[0]) == sent


def test_a_text_that_ends_by_itself_gets_no_stop_string():
    request = Request("k", "Prompt", 3)
    for owner in ("vllm", "sglang", "openai"):
        with OpenAIStandIn(owner=owner) as server:
            (completion,) = drawn(server, [request], sampling={"stop": [END]})
            assert completion.text == server.text("Prompt", 3)
            (short,) = drawn(server, [request], sampling={"max_new_tokens": 4, "stop": [END]})
        assert short.finish_reason == "length" and completion.text.startswith(short.text)


def test_what_is_sent_is_what_the_recipe_says():
    everything = {"temperature": 0.7, "top_p": 0.9, "top_k": 0, "max_new_tokens": 7}
    with OpenAIStandIn() as server:
        drawn(server, [Request("k", "One ", 5)], sampling=everything)
        drawn(server, [Request("k", "One ", 5)], chat=True)
    bodies, paths = server.bodies, server.paths
    assert paths == ["/v1/completions", "/v1/chat/completions"]
    own = {"model": "standin", "n": 1, "seed": 5}
    assert bodies[0] == own | {"prompt": "One ", "temperature": 0.7, "top_p": 0.9, "top_k": -1, "max_tokens": 7}
    assert bodies[1] == own | {"messages": [{"role": "user", "content": "One "}], "max_tokens": 20}


def test_a_caller_that_stops_early_leaves_nothing_behind(caplog):
    with OpenAIStandIn(slow_s=0.05) as server:
        with engines.opened(configured(server.url, concurrency=4)) as engine:
            first = next(engine(asked(50)))
            again = list(engine(asked(3)))  # the engine still works
        assert first.key in {f"k{number}" for number in range(4)} and len(again) == 3
        assert len(server.bodies) <= 4 + 3 + 1
    assert caplog.text == ""


CTRL_C = """
import sys
from synth_eval.generation import engines
from synth_eval.generation.settings import GenerationSettings
from synth_eval.recipe import run_main

settings = GenerationSettings.model_validate_json(sys.argv[1])

def main():
    with engines.opened(settings) as engine:
        for completion in engine([engines.Request(f"k{n}", "Prompt", n) for n in range(1000)]):
            print(completion.key, flush=True)
    return 0

sys.exit(run_main(main))
"""


def test_ctrl_c_ends_at_once_although_answers_are_slow():
    with OpenAIStandIn(lambda body, asked: "stuck" if body["seed"] >= 8 else None) as server:
        settings = configured(server.url, concurrency=4, timeout_s=60).model_dump_json()
        process = subprocess.Popen(
            [sys.executable, "-c", CTRL_C, settings], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"NO_PROXY": "127.0.0.1"},
        )  # fmt: skip
        lines = [process.stdout.readline() for _ in range(8)]
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)  # the answers take 60 s
    assert sorted(lines) == sorted(f"k{number}\n" for number in range(8))
    assert process.returncode == 130 and "Traceback" not in err and "never retrieved" not in err, err


def test_identity_needs_no_server():
    assert engines.identity(configured("http://127.0.0.1:1/v1", model="m")) == {"model": "m", "versions": {}}


@pytest.mark.parametrize(
    "answer",
    ["", "null", "[]", '{"choices": null}', '{"choices": []}', '{"choices": [1]}', '{"choices": [{}]}',
     '{"choices": [{"text": 1, "finish_reason": "stop"}]}', '{"choices": [{"text": "a", "finish_reason": "abort"}]}',
     '{"choices": [{"text": "a", "finish_reason": []}]}', '{"choices": [{"message": {"content": "a"}}]}',
     '{"error": {"message": "busy"}}', "[" * 100_000],
)  # fmt: skip
def test_answers_that_hold_no_completion(answer):
    with pytest.raises(openai_messages.UnreadableError):
        openai_messages.completion(configured("http://host/v1"), "k", answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [('{"error": {"message": "no"}}', "no"), ('{"error": "no"}', "no"), ('{"detail": "no"}', "no"),
     ('{"message": "no"}', "no"), ("<html>no</html>", "<html>no</html>"), ('{"error": {"code": 3}}',) * 2, ("[]",) * 2],
)  # fmt: skip
def test_the_servers_own_words(answer, words):
    assert openai_messages.complaint(answer) == words


def test_after_a_failure_only_what_the_store_misses_is_asked(tmp_path):
    requests, identity = asked(40), {"model": "standin"}

    def go_on(server, samples):
        with engines.opened(configured(server.url, retries=0, concurrency=4)) as engine:
            for completion in engine([request for request in requests if request.key not in samples.samples]):
                samples.append([sample(completion)])

    with (
        OpenAIStandIn(lambda body, asked: "503" if body["seed"] == 20 else None) as server,
        pytest.raises(OSError, match="503"),
    ):
        go_on(server, store.opened(tmp_path, identity))
    samples = store.opened(tmp_path, identity)
    kept = set(samples.samples)
    assert 17 <= len(kept) < 40
    with OpenAIStandIn() as server:
        go_on(server, samples)
    assert {f"k{seed}": times for (_, seed), times in server.asked.items()} == dict.fromkeys(
        {request.key for request in requests} - kept, 1
    )
    texts = {key: kept.text for key, kept in store.opened(tmp_path, identity).samples.items()}
    assert texts == {completion.key: completion.text for completion in right(server, requests)}


def sample(completion):
    number, known = int(completion.key[1:]), {"prompt_id": "p", "prompt": "p", "prompt_sha256": "", "sampling": {}}
    own = {"key": completion.key, "text": completion.text, "finish_reason": completion.finish_reason}
    return store.Sample(index=number, seed=number, model="standin", revision=None, **known, **own)


# --- vLLM in process. It needs a GPU; here a module with the signatures of vLLM 0.15 (vllm/entrypoints/llm.py,
# vllm/sampling_params.py, vllm/lora/request.py) answers, and tells how it was called.


class SamplingParams:
    def __init__(
        self, n=1, temperature=1.0, top_p=1.0, top_k=0, min_p=0.0, repetition_penalty=1.0, seed=None, stop=None,
        max_tokens=16, include_stop_str_in_output=False,
    ):  # fmt: skip
        self.told = {name: value for name, value in locals().items() if name != "self"}


class LoRARequest:
    def __init__(self, lora_name, lora_int_id, lora_path):
        self.told = (lora_name, lora_int_id, lora_path)


class LLM:
    made: ClassVar[list] = []

    def __init__(
        self, model, *, tokenizer=None, trust_remote_code=False, tensor_parallel_size=1, dtype="auto",
        quantization=None, revision=None, tokenizer_revision=None, seed=0, gpu_memory_utilization=0.9, **engine,
    ):  # fmt: skip
        assert set(engine) <= {"load_format", "enable_lora", "max_lora_rank"}  # of EngineArgs
        self.told = {name: value for name, value in locals().items() if name not in ("self", "engine")} | engine
        self.calls = []
        LLM.made.append(self)

    def generate(self, prompts, sampling_params=None, *, use_tqdm=True, lora_request=None, priority=None):
        assert len(prompts) == len(sampling_params)
        self.calls.append((prompts, [params.told for params in sampling_params], use_tqdm, lora_request))
        pairs = zip(prompts, sampling_params, strict=True)
        return [self._output(prompt, params.told["seed"]) for prompt, params in pairs]

    @staticmethod
    def _output(prompt, seed):
        end = {13: "abort"}.get(seed, "length" if seed % 2 else "stop")
        return SimpleNamespace(outputs=[SimpleNamespace(text=f"{prompt} {seed}", finish_reason=end, stop_reason=None)])


@pytest.fixture
def vllm(monkeypatch):
    module, inner = ModuleType("vllm"), ModuleType("vllm.lora.request")
    module.LLM, module.SamplingParams, inner.LoRARequest = LLM, SamplingParams, LoRARequest
    monkeypatch.setitem(sys.modules, "vllm", module)
    monkeypatch.setitem(sys.modules, "vllm.lora", ModuleType("vllm.lora"))
    monkeypatch.setitem(sys.modules, "vllm.lora.request", inner)
    monkeypatch.setattr(LLM, "made", [])
    return module


def test_vllm_is_called_as_its_documentation_says(vllm, tmp_path):
    (tmp_path / "generation_config.json").write_text('{"temperature": 0.6, "top_p": 0.9, "do_sample": true}')
    sampling = {"temperature": 0.8, "top_k": 5, "stop": [END], "max_new_tokens": 30}
    settings = GenerationSettings(
        engine="vllm", model=str(tmp_path), dtype="bfloat16", seed=7, batch_size=4, sampling=sampling
    )
    with engines.opened(settings) as engine:
        completions = list(engine(asked(6)))
    assert completions == [Completion(f"k{n}", f"Prompt {n % 3} {n}", "length" if n % 2 else "stop") for n in range(6)]
    (llm,) = LLM.made
    own = {"model": str(tmp_path), "dtype": "bfloat16", "seed": 7, "load_format": "safetensors"}
    assert own.items() <= llm.told.items() and llm.told["trust_remote_code"] is False
    assert [len(prompts) for prompts, *_ in llm.calls] == [4, 2]
    (_, params, use_tqdm, lora), _ = llm.calls
    common = {"n": 1, "temperature": 0.8, "top_p": 0.9, "top_k": 5, "max_tokens": 30, "stop": [END]}
    expected = common | {"include_stop_str_in_output": True, "min_p": 0.0, "repetition_penalty": 1.0}
    assert params == [expected | {"seed": seed} for seed in range(4)]
    assert (use_tqdm, lora) == (False, None)


def test_vllm_with_an_adapter_in_4_bits(vllm, tmp_path):
    (tmp_path / "adapter_config.json").write_text('{"r": 48}')
    settings = GenerationSettings(
        engine="vllm", model=str(tmp_path), adapter=str(tmp_path), load_in_4bit=True, revision="abc"
    )
    with engines.opened(settings) as engine:
        list(engine(asked(1)))
    (llm,) = LLM.made
    expected = {"quantization": "bitsandbytes", "enable_lora": True, "max_lora_rank": 64, "revision": "abc"}
    assert expected.items() <= llm.told.items() and "load_format" not in llm.told
    assert llm.calls[0][3].told == ("adapter", 1, str(tmp_path))
    (tmp_path / "adapter_config.json").write_text('{"r": 1024}')
    with pytest.raises(InputError, match="1024"), engines.opened(settings):
        pass


def test_a_sample_that_vllm_gave_up_is_no_text(vllm, tmp_path):
    settings = GenerationSettings(engine="vllm", model=str(tmp_path))
    with engines.opened(settings) as engine, pytest.raises(RuntimeError, match="abort"):
        list(engine([Request("k", "p", 13)]))


def test_without_vllm_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    settings = GenerationSettings(engine="vllm", model="m")
    with pytest.raises(InputError, match=r"pip install 'synth-eval\[vllm\]'"), engines.opened(settings):
        pass
    monkeypatch.setattr(vllm_engine, "version", missing)
    with pytest.raises(InputError, match=r"synth-eval\[vllm\]"):
        vllm_engine.versions()


def missing(name):
    raise PackageNotFoundError(name)
