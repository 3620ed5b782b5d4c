"""Generation: the store under kills, NLI pairs out of samples, a real small model in process."""

from __future__ import annotations

import errno
import json
import os
import random
import runpy
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth_eval import recipe
from synth_eval.data.records import read_records
from synth_eval.errors import InputError
from synth_eval.generation import engines, nli, run, store
from synth_eval.generation.engines import Completion, Request
from synth_eval.generation.settings import GenerationSettings, NliGenerationSettings
from synth_eval.nli.generator_text import END, prefix, training_text
from synth_eval.nli.labels import LABELS
from synth_eval.provenance import sha256_file, sha256_text

ROOT = Path(__file__).resolve().parents[1]
WORDS = ("cat", "dog", "owl", "fox", "hen", "cow")


# The store ------------------------------------------------------------------------------------------------------------


def sample(there, index, text="t"):
    key = there.key("p", 1, index)
    return store.Sample(key, "x", index, 1, "p", sha256_text("p"), text, "stop", "m", None, {"top_k": 0})


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=6),
    cut=st.floats(0, 1),
    sizes=st.lists(st.integers(1, 3), min_size=6, max_size=6),
)
def test_a_kill_at_any_byte_loses_and_doubles_nothing(tmp_path_factory, texts, cut, sizes):
    folder = tmp_path_factory.mktemp("store")
    there = store.opened(folder, {"model": "m"})
    everything = [sample(there, index, text) for index, text in enumerate(texts)]
    for size in sizes:  # in groups of any size
        left = [one for one in everything if one.key not in there.samples]
        there.append(left[:size])
    there.append(everything)
    content = there.path.read_bytes()
    end = round(cut * len(content))
    there.path.write_bytes(content[:end])  # what a kill in the middle of a write leaves
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        again = store.opened(folder, {"model": "m"})
    whole = content[:end].count(b"\n")
    assert list(again.samples.values()) == everything[:whole]
    assert bool(caught) == (content[:end] != content[: content[:end].rfind(b"\n") + 1])
    again.append(everything)
    assert again.path.read_bytes() == content
    assert list(store.read(again.path).values()) == everything


def test_what_is_there_is_not_stored_again(tmp_path):
    there = store.opened(tmp_path, {"model": "m"})
    there.append([sample(there, 0, "first")])
    there.append([sample(there, 0, "second"), sample(there, 1)])
    assert [one.text for one in store.read(there.path).values()] == ["first", "t"]


def test_half_characters_become_utf_8(tmp_path):
    there = store.opened(tmp_path, {"model": "m"})
    there.append([sample(there, 0, json.loads('"a\\ud83d b \\ud83d\\ude00"'))])
    assert [one.text for one in store.read(there.path).values()] == ["a\ufffd b \U0001f600"]


def test_another_source_is_refused_by_name_and_overwritten_on_demand(tmp_path):
    there = store.opened(tmp_path, {"model": "m", "settings": {"seed": 1, "top_k": None}})
    there.append([sample(there, 0)])
    with pytest.raises(InputError, match=r"settings.seed: 1 there, 2 here\)"):
        store.opened(tmp_path, {"model": "m", "settings": {"seed": 2, "top_k": None}})
    kept = store.opened(tmp_path, {"model": "m", "settings": {"seed": 1, "top_k": None}}, overwrite=True)
    assert len(kept.samples) == 1
    other = store.opened(tmp_path, {"model": "m", "settings": {"seed": 2, "top_k": None}}, overwrite=True)
    assert not other.samples
    assert not store.opened(tmp_path, {"model": "m", "settings": {"seed": 2, "top_k": None}}).samples


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{}", "line 2: found no sample"),
        ("x", "line 2: found invalid JSON"),
        ('{"key": NaN}', "line 2: found invalid JSON"),
        ("", "line 2: found invalid JSON"),
        (b"\xff", "line 2: found bytes that are not UTF-8"),
        (None, "line 2: found a key that an earlier line has"),
    ],
)
def test_a_damaged_line_is_named(tmp_path, line, says):
    there = store.opened(tmp_path, {"model": "m"})
    there.append([sample(there, 0)])
    first = there.path.read_bytes()
    damaged = first[:-1] if line is None else line if isinstance(line, bytes) else line.encode()
    there.path.write_bytes(first + damaged + b"\n")
    with pytest.raises(InputError, match=says):
        store.opened(tmp_path, {"model": "m"})


def fills_up(monkeypatch, room):
    """Let os.write take ``room`` more bytes, then say that the disk is full."""
    write, left = os.write, [room]

    def limited(handle, data):
        if left[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = write(handle, bytes(data)[: left[0]])
        left[0] -= taken
        return taken

    monkeypatch.setattr(store.os, "write", limited)


def test_a_full_disk_keeps_what_is_whole(tmp_path, monkeypatch):
    there = store.opened(tmp_path, {"model": "m"})
    there.append([sample(there, 0)])
    before = there.path.read_bytes()
    with monkeypatch.context() as patch:
        fills_up(patch, len(before) + 10)
        with pytest.raises(OSError, match="No space left") as raised:
            there.append([sample(there, 1), sample(there, 2)])
    assert raised.value.filename == str(there.path)
    assert there.path.read_bytes() == before
    there.append([sample(there, 1), sample(there, 2)])
    assert [one.index for one in store.read(there.path).values()] == [0, 1, 2]


# Settings -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"engine": "openai"}, "base_url"),
        ({"openai": {"base_url": "http://localhost"}}, "openai only with"),
        ({"engine": "openai", "openai": {"base_url": "localhost:8000"}}, "an address such as"),
        ({"engine": "openai", "openai": {"base_url": "http://user:key@host/v1"}}, "without a key"),
        ({"engine": "openai", "openai": {"base_url": "http://host"}, "adapter": "a"}, "no adapter with"),
        ({"engine": "openai", "openai": {"base_url": "http://host"}, "dtype": "float32"}, "no dtype with"),
        ({"ray": {"concurrency": 2}}, "ray only with"),
        ({"sampling": {"temperature": -1}}, "greater than or equal to 0"),
        ({"sampling": {"top_p": 0}}, "greater than 0"),
        ({"sampling": {"stop": [""]}}, "at least 1 character"),
        ({"labels": ["neutral", "neutral"]}, "each label once"),
        ({"labels": ["non_entailment"]}, "Input should be"),
        ({"per_label": 0}, "greater than or equal to 1"),
        ({"temperature": 1}, "Extra inputs"),
    ],
)
def test_settings_that_make_no_sense(more, says):
    with pytest.raises(ValueError, match=says):
        NliGenerationSettings(**{"model": "m", "per_label": 1} | more)


def test_speed_and_number_are_no_part_of_what_decides_a_text():
    http = {"engine": "openai", "model": "m", "per_label": 3}
    slow = NliGenerationSettings(**http, openai={"base_url": "http://h/v1", "concurrency": 1, "retries": 0})
    fast = NliGenerationSettings(**http | {"per_label": 9}, openai={"base_url": "http://h/v1/", "timeout_s": 3})
    other = NliGenerationSettings(**http, openai={"base_url": "http://h/v1", "chat": True})
    assert slow.deciding() == fast.deciding() != other.deciding()


# The loop, with an engine that needs no model -------------------------------------------------------------------------


def written(request, rate=0.5):
    """A text that follows from the request's seed; a share ``rate`` of them parses."""
    dice = random.Random(f"{request.seed}")
    label = request.prompt.rsplit(" ", 1)[1]
    premise, hypothesis = (f"The {dice.choice(WORDS)} saw a {dice.choice(WORDS)} ." for _ in range(2))
    text = training_text(premise, hypothesis, label).removeprefix(request.prompt)
    if dice.random() < rate:
        return text
    return dice.choice([text.replace(END, ""), text.replace("Hypothesis", "Hypo"), "", " "])


class Scripted:
    """An engine that answers in a shuffled order, counts what it is asked, and can fail on the way."""

    def __init__(self, rate=0.5, order=0, fail_after=None, error=KeyboardInterrupt):
        self.rate, self.order, self.left, self.error, self.asked = rate, random.Random(order), fail_after, error, []

    def __call__(self, requests):
        self.asked += [request.key for request in requests]
        for request in self.order.sample(requests, len(requests)):
            if self.left == 0:
                raise self.error
            self.left = None if self.left is None else self.left - 1
            yield Completion(request.key, written(request, self.rate), "stop")


def http_recipe(folder, **more):
    values = {
        "engine": "openai",
        "model": "m",
        "openai": {"base_url": "http://localhost:1/v1"},
        "per_label": 40,
        "batch_size": 8,
        "give_up_after": 20,
    }
    path = folder / "some.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values | more))
    return recipe.read(path, NliGenerationSettings)


def generate(folder, engine, overwrite=False, **more):
    this = run.open_run(folder / "out", http_recipe(folder, **more), overwrite)
    with run.hold(this) as samples:
        tallies = nli.draw(this, samples, engine)
        pairs = [pair for tally in tallies for pair in tally.pairs]
        run.finish(this, samples, pairs, {"counts": {tally.label: tally.counts for tally in tallies}})
    return this


def test_pairs_are_the_first_that_parse_whatever_order_the_answers_have(tmp_path):
    first = generate(tmp_path / "a", Scripted(order=1))
    second = generate(tmp_path / "b", Scripted(order=2))
    assert first.data.read_bytes() == second.data.read_bytes()
    samples = store.read(first.folder / store.SAMPLES)
    pairs = read_records(first.data)
    for label in LABELS:
        mine = [pair for pair in pairs if pair["gold_label"] == label]
        indices = [int(pair["pairID"][1:]) for pair in mine]
        whole = [
            one.index
            for one in sorted(samples.values(), key=lambda one: one.index)
            if one.prompt_id == label and END in one.text and "Hypothesis: " in one.text
        ]
        assert indices == whole[:40]
    assert all(samples[pair["key"]].text.count(pair["hypothesis"]) for pair in pairs)
    assert {pair["source"] for pair in pairs} == {"m"}


def test_every_drop_is_counted_by_its_reason(tmp_path):
    this = generate(tmp_path, Scripted())
    record = json.loads((this.folder / "provenance.json").read_text())
    samples = sorted(store.read(this.folder / store.SAMPLES).values(), key=lambda one: one.index)
    for label in LABELS:
        counts = record["counts"][label]
        used = [one.text for one in samples if one.prompt_id == label][: counts["drawn"]]
        assert counts["drops"] == {
            "empty": sum(not text.strip() for text in used),
            "no_end": sum(bool(text.strip()) and "Hypothesis: " in text and END not in text for text in used),
            "no_hypothesis": sum("Hypo: " in text for text in used),
        }
        assert counts["pairs"] == 40 == counts["drawn"] - sum(counts["drops"].values())
    assert record["rows"] == 120
    assert record["data_sha256"] == sha256_file(this.data)
    assert record["samples_sha256"] == sha256_file(this.folder / store.SAMPLES)


def test_what_no_file_of_pairs_may_hold_is_dropped_too(tmp_path):
    def damaged(requests):
        for completion in Scripted(rate=1)(requests):
            broken = completion.text.replace("saw", random.Random(completion.key).choice(["saw", "s\0w", "s\ud800w"]))
            yield Completion(completion.key, broken, "stop")

    this = generate(tmp_path, damaged, labels=["neutral"])
    counts = json.loads((this.folder / "provenance.json").read_text())["counts"]["neutral"]
    assert counts["drops"] == {"nul": counts["drawn"] - 40}
    assert counts["drawn"] > 40
    assert any("s\ufffdw" in pair["premise"] for pair in read_records(this.data))


def test_repeats_are_dropped_and_counted_only_on_demand(tmp_path):
    kept = generate(tmp_path / "a", Scripted(rate=1), labels=["neutral"], per_label=300)
    dropped = generate(tmp_path / "b", Scripted(rate=1), labels=["neutral"], per_label=300, distinct=True)

    def pairs(this):
        return [(pair["premise"], pair["hypothesis"]) for pair in read_records(this.data)]

    def counts(this):
        return json.loads((this.folder / "provenance.json").read_text())["counts"]["neutral"]

    assert counts(kept)["repeats_kept"] == 300 - len(set(pairs(kept))) > 0
    assert counts(kept)["drawn"] == 300
    assert counts(dropped)["drops"]["repeated"] == counts(dropped)["drawn"] - 300 > 0
    assert len(set(pairs(dropped))) == 300


@pytest.mark.parametrize("error", [KeyboardInterrupt, ConnectionError])
def test_a_stopped_run_asks_only_for_what_is_missing(tmp_path, error):
    whole = generate(tmp_path / "whole", Scripted())
    asked = []
    for after in (3, 17, 40):
        engine = Scripted(order=after, fail_after=after, error=error)
        with pytest.raises(error):
            generate(tmp_path / "stopped", engine)
        kept = set(store.read(tmp_path / "stopped" / "out" / store.SAMPLES))
        assert len(kept) == len(asked) + after
        assert not set(asked) & set(engine.asked)
        asked = list(kept)
    last = Scripted()
    this = generate(tmp_path / "stopped", last)
    assert not set(asked) & set(last.asked)
    assert this.data.read_bytes() == whole.data.read_bytes()
    assert set(store.read(this.folder / store.SAMPLES)) == set(store.read(whole.folder / store.SAMPLES))


def test_a_full_disk_stops_the_run_and_the_same_command_goes_on(tmp_path, monkeypatch):
    whole = generate(tmp_path / "whole", Scripted())
    with monkeypatch.context() as patch:
        fills_up(patch, 20_000)
        with pytest.raises(OSError, match="the samples drawn so far are kept"):
            generate(tmp_path / "full", Scripted())
    assert len(store.read(tmp_path / "full" / "out" / store.SAMPLES)) % 8 == 0
    assert generate(tmp_path / "full", Scripted()).data.read_bytes() == whole.data.read_bytes()


@pytest.mark.parametrize(("rate", "pairs"), [(0, "found 0 pairs in 24 samples"), (0.1, "found [1-9] pairs in 24")])
def test_a_generator_that_does_not_parse_is_given_up_with_the_reasons(tmp_path, rate, pairs):
    engine = Scripted(rate)
    with pytest.raises(InputError, match=rf"{pairs} .*'entailment' \(dropped: .*empty \d+.*at least 50%"):
        generate(tmp_path, engine, min_parsed=0.5, give_up_after=20)
    assert set(store.read(tmp_path / "out" / store.SAMPLES)) == set(engine.asked)
    assert len(engine.asked) == 24
    assert not (tmp_path / "out" / run.DATA).exists()


def test_a_generator_that_writes_one_pair_does_not_go_on_for_ever(tmp_path):
    engine = Scripted(rate=1)
    one = "The cat saw a dog ."

    def same(requests):
        for completion in engine(requests):
            yield Completion(completion.key, training_text(one, one, "neutral").removeprefix(prefix("neutral")), "stop")

    with pytest.raises(InputError, match=r"found 1 pairs in .*repeated "):
        generate(tmp_path, same, labels=["neutral"], distinct=True)
    assert len(engine.asked) < 4000


def test_an_engine_that_forgets_a_request_is_caught(tmp_path):
    with pytest.raises(RuntimeError, match="left 1 of 24 requests"):
        generate(tmp_path, lambda requests: list(Scripted()(requests))[1:])


def test_a_finished_run_is_done_and_another_one_is_refused(tmp_path):
    this = generate(tmp_path, Scripted())
    assert run.open_run(this.folder, this.recipe).done
    with pytest.raises(InputError, match=r"pairs.per_label: 40 there, 50 here"):
        run.open_run(this.folder, http_recipe(tmp_path, per_label=50))
    with pytest.raises(InputError, match=r"settings.seed: 0 there, 3 here"):
        run.open_run(this.folder, http_recipe(tmp_path, seed=3))
    engine = Scripted()
    more = generate(tmp_path, engine, overwrite=True, per_label=50)
    assert len(read_records(more.data)) == 150
    assert 0 < len(engine.asked) < len(store.read(more.folder / store.SAMPLES)) / 2  # the others were there
    with more.data.open("a") as file:
        file.write("\n")
    assert not more.done


def test_pairs_of_unknown_origin_are_not_overwritten(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / run.DATA).write_text("mine")
    with pytest.raises(InputError, match="pairs without what made them"):
        run.open_run(tmp_path / "out", http_recipe(tmp_path))


def test_one_process_generates_in_a_folder_at_a_time(tmp_path):
    this = run.open_run(tmp_path / "out", http_recipe(tmp_path))
    with run.hold(this), pytest.raises(InputError, match="another process"), run.hold(this):
        pass


# The transformers engine, with real models ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    """A small language model that learns six pairs a label by heart, within seconds."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from synth_eval.training.scratch import train_tokenizer
    from synth_eval.training.settings import TokenizerSettings

    texts = [
        training_text(f"The {word} saw the {other} .", f"The {other} was {seen} .", label)
        for label, seen in zip(LABELS, ("seen", "old", "unseen"), strict=True)
        for word, other in zip(WORDS, WORDS[1:] + WORDS[:1], strict=True)
    ]
    tokenizer = train_tokenizer(TokenizerSettings(kind="bpe", vocab_size=400), texts, pairs=False, max_length=128)
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=64, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=128, max_position_embeddings=128, tie_word_embeddings=True,
            pad_token_id=0, bos_token_id=None, eos_token_id=tokenizer.eos_token_id,
        )
    )  # fmt: skip
    ids = tokenizer([text + tokenizer.eos_token for text in texts], padding=True, return_tensors="pt")["input_ids"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(90):
        loss = model(input_ids=ids, labels=ids.masked_fill(ids == 0, -100)).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    folder = tmp_path_factory.mktemp("writer") / "small_writer"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def requests(prompts, seed=7):
    return [Request(f"k{number}", prompt, seed) for number, prompt in enumerate(prompts)]


def continued(model, prompts, batch_size=8, seed=7, **sampling):
    these = GenerationSettings(model=str(model), batch_size=batch_size, sampling={"max_new_tokens": 24} | sampling)
    with engines.opened(these) as engine:
        return list(engine(requests(prompts, seed)))


def test_a_batch_is_drawn_again_to_the_letter(stories):
    prompts = ["Once upon a time"] * 8
    first, again, other = (continued(stories, prompts, seed=seed, temperature=1.0) for seed in (7, 7, 8))
    assert first == again
    assert [one.text for one in first] != [one.text for one in other]
    assert len({one.text for one in first}) > 4
    assert [one.key for one in first] == [f"k{number}" for number in range(8)]


def test_greedy_continuations_do_not_depend_on_the_padding_beside_them(stories):
    prompts = ["Once upon a time, there was a little girl named", "The dog", "One day, a big bear saw"]
    together = continued(stories, prompts, temperature=0)
    alone = [continued(stories, [prompt], temperature=0)[0] for prompt in prompts]
    assert [one.text for one in together] == [one.text for one in alone]


def test_greedy_is_what_the_model_itself_says(stories):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(stories), AutoModelForCausalLM.from_pretrained(stories)
    ids = tokenizer("Once upon a time", return_tensors="pt")["input_ids"]
    for _ in range(24):
        with torch.no_grad():
            ids = torch.cat([ids, model(ids).logits[:, -1:].argmax(-1)], dim=1)
    answer = continued(stories, ["Once upon a time"], temperature=0)[0]
    assert "Once upon a time" + answer.text == tokenizer.decode(ids[0], skip_special_tokens=True).lstrip()
    assert answer.finish_reason == "length"


def test_a_row_ends_at_its_stop_string(stories):
    free = continued(stories, ["Once upon a time"] * 8, temperature=1.0, max_new_tokens=60)
    cut = continued(stories, ["Once upon a time"] * 8, temperature=1.0, max_new_tokens=60, stop=[". She", "."])
    assert any("." in one.text for one in cut)
    for one, whole in zip(cut, free, strict=True):
        assert one.finish_reason == ("stop" if "." in one.text else "length")
        assert whole.text.startswith(one.text[: one.text.find(".") + 1 or None])
        assert one.text.endswith(".") or "." not in one.text


def test_no_text_runs_over_the_model_s_positions(writer):
    text = continued(writer, [prefix("neutral")], temperature=1.0, max_new_tokens=5000)
    assert len(text) == 1
    with pytest.raises(InputError, match=r"a prompt of .* tokens"):
        continued(writer, ["the cat saw " * 100])


def test_an_adapter_changes_the_text(writer, tmp_path):
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    adapted = get_peft_model(
        AutoModelForCausalLM.from_pretrained(writer), LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj"])
    )
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=3.0)
    adapted.save_pretrained(tmp_path)
    with engines.opened(GenerationSettings(model=str(writer), adapter=str(tmp_path), sampling={"temperature": 0})) as e:
        texts = [one.text for one in e(requests([prefix("neutral")]))]
    assert texts != [one.text for one in continued(writer, [prefix("neutral")], temperature=0, max_new_tokens=512)]
    plain, with_adapter = (
        engines.identity(GenerationSettings(model=str(writer), adapter=adapter)) for adapter in (None, str(tmp_path))
    )
    assert with_adapter.keys() - plain.keys() == {"adapter", "adapter_sha256"}
    assert all(with_adapter[name] == plain[name] for name in plain)


def test_a_model_that_is_not_there(tmp_path):
    for name in ("no/such-model", str(tmp_path)):
        with pytest.raises(InputError, match="no model that loads"), engines.opened(GenerationSettings(model=name)):
            pass
    with pytest.raises(InputError, match="no model that loads"):
        engines.identity(GenerationSettings(model="runs/nothing/model"))


def test_a_classifier_writes_nothing(encoder):
    with (
        pytest.raises(InputError, match="a causal language model"),
        engines.opened(GenerationSettings(model=str(encoder))),
    ):
        pass


def test_a_folder_is_known_by_its_weights_not_its_place(writer, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for path in writer.iterdir():
        (tmp_path / "elsewhere" / path.name).write_bytes(path.read_bytes())
    first, second = (engines.identity(GenerationSettings(model=str(p))) for p in (writer, tmp_path / "elsewhere"))
    assert first["model_sha256"] == second["model_sha256"]
    weights = tmp_path / "elsewhere" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\x80?")
    assert engines.identity(GenerationSettings(model=str(tmp_path / "elsewhere"))) != second


# The recipe -----------------------------------------------------------------------------------------------------------


def command(monkeypatch, *words):
    """The recipe's exit status."""
    script = ROOT / "recipes" / "generate_nli.py"
    monkeypatch.setattr(sys, "argv", [str(script), *map(str, words)])
    return recipe.run_main(runpy.run_path(str(script))["main"])


def recipe_file(folder, model, **more):
    sampling = {"temperature": 1.0, "top_k": 0, "max_new_tokens": 60, "stop": [END]}
    path = folder / "small.yaml"
    path.write_text(json.dumps({"model": str(model), "per_label": 50, "batch_size": 4, "sampling": sampling} | more))
    return path


KILLED = textwrap.dedent(
    """
    import os, random, runpy, signal, sys, time
    from pathlib import Path

    script, config, whole, killed = sys.argv[1:]
    main = runpy.run_path(script)["main"]

    def run(folder):
        sys.argv = [script, "--config", config, "--output_dir", folder]
        return main()

    def start():
        process = os.fork()
        if process:
            return process
        os._exit(run(killed))

    def size():
        path = Path(killed, "samples.jsonl")
        return path.stat().st_size if path.exists() else 0

    run(whole)  # also loads all modules, so that each of the others begins at once
    everything, dice, seen = Path(whole, "samples.jsonl").stat().st_size, random.Random(4), []
    for attempt in range(10):
        process, goal = start(), size() + dice.randrange(everything // 9)
        ended = (0, 0)
        while size() < goal and ended == (0, 0):
            time.sleep(dice.uniform(0.002, 0.02))
            ended = os.waitpid(process, os.WNOHANG)
        if ended == (0, 0):
            time.sleep(dice.uniform(0, 0.1))
            os.kill(process, signal.SIGKILL)
            ended = os.waitpid(process, 0)
        seen.append(f"{size()}:{ended[1]}")
    assert os.waitpid(start(), 0)[1] == 0
    print("seen", *seen)
    """
)


def test_killed_ten_times_it_ends_byte_for_byte_the_same(writer, tmp_path, monkeypatch, capsys):
    config = recipe_file(tmp_path, writer)
    words = [sys.executable, "-c", KILLED, ROOT / "recipes" / "generate_nli.py", config, tmp_path / "a", tmp_path / "b"]
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False, timeout=200, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen = [word.split(":") for word in done.stdout.split("seen ")[1].split()[:10]]
    total = (tmp_path / "a" / store.SAMPLES).stat().st_size
    assert sum(status == "9" and 0 < int(size) < total for size, status in seen) >= 5, seen  # killed on the way
    for name in (run.DATA, store.SAMPLES):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    pairs = read_records(tmp_path / "b" / run.DATA)
    assert [sum(pair["gold_label"] == label for pair in pairs) for label in LABELS] == [50, 50, 50]
    assert {pair["source"] for pair in pairs} == {"small_writer"}
    assert command(monkeypatch, "--config", config, "--output_dir", tmp_path / "b") == 0
    assert "already done" in capsys.readouterr().out


@pytest.mark.parametrize("part", [0.1, 0.45, 0.8])
def test_the_rest_of_a_batch_is_drawn_with_the_whole_batch(writer, tmp_path, monkeypatch, part):
    words = ["--config", recipe_file(tmp_path, writer, per_label=12, batch_size=8), "--output_dir", tmp_path / "out"]
    assert command(monkeypatch, *words) == 0
    whole = {name: (tmp_path / "out" / name).read_bytes() for name in (run.DATA, store.SAMPLES)}
    for name in (run.DATA, "provenance.json"):
        (tmp_path / "out" / name).unlink()
    (tmp_path / "out" / store.SAMPLES).write_bytes(whole[store.SAMPLES][: int(part * len(whole[store.SAMPLES]))])
    with pytest.warns(UserWarning, match="the last sample was not written to its end"):
        assert command(monkeypatch, *words) == 0
    assert whole == {name: (tmp_path / "out" / name).read_bytes() for name in whole}


def test_a_language_model_that_was_never_taught_is_given_up_with_exit_2(stories, tmp_path, monkeypatch, capsys):
    config = recipe_file(tmp_path, stories, give_up_after=12, batch_size=8)
    assert command(monkeypatch, "--config", config, "--output_dir", tmp_path / "out") == 2
    assert "0 pairs in 16 samples for 'entailment' (dropped: no_premise 16" in capsys.readouterr().err
    assert len(store.read(tmp_path / "out" / store.SAMPLES)) == 16


def test_a_dry_run_writes_nothing_and_a_mistake_is_named(writer, tmp_path, monkeypatch, capsys):
    config = recipe_file(tmp_path, writer)
    assert command(monkeypatch, "--config", config, "--output_dir", tmp_path / "out", "--dry-run") == 0
    assert "50 for each of entailment, neutral, contradiction" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
    assert command(monkeypatch, "--config", config, "--set", "per_labl=3") == 2
    assert "the unknown key 'per_labl'" in (said := capsys.readouterr().err)
    assert "did you mean 'per_label'?" in said


def test_the_shipped_recipe_is_whole():
    this = recipe.read(ROOT / "recipes" / "generate_nli_fresh.yaml", NliGenerationSettings)
    assert END in this.settings.sampling.stop
    assert set(this.settings.labels) == set(LABELS)
