"""The generator: its text and what parses, and its recipe on CPU with tiny models: train, resume, refuse, sample."""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st

from synth_eval import provenance, recipe
from synth_eval.errors import InputError
from synth_eval.nli.generator_text import Drop, Parsed, parse, prefix, training_text
from synth_eval.nli.labels import LABELS
from synth_eval.training import generator, sft
from synth_eval.training import run as training
from synth_eval.training.pairs import load_pairs
from synth_eval.training.settings import GeneratorSettings

RECIPES = Path(__file__).resolve().parent.parent / "recipes"
LLAMA = {
    "model_type": "llama",
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "initializer_range": 0.1,
    "tie_word_embeddings": True,
    "max_position_embeddings": 128,
}
HYPOTHESES = {"entailment": "It rains.", "neutral": "It's late, isn't it?", "contradiction": 'Nobody "knows" -- no .'}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


# The text

WHOLE = (
    "This is an example where the relationship between the premise and the hypothesis is neutral. "
    "Premise: A dog runs. Hypothesis: A cat sleeps. -- This is the end of the example."
)
PAIR = Parsed("A dog runs.", "A cat sleeps.")


def test_the_text_is_the_papers():
    assert training_text("A dog runs.", "A cat sleeps.", "neutral") == WHOLE
    assert WHOLE.startswith(prefix("neutral") + ".")


MARKERS = ("Premise:", "Hypothesis:", "-- This is the end of the example.")
SIDE = st.text(min_size=1).map(str.strip).filter(lambda text: text and not any(mark in text for mark in MARKERS))


@given(SIDE, SIDE, st.sampled_from(LABELS))
def test_a_training_text_parses_back(premise, hypothesis, label):
    text = training_text(premise, hypothesis, label)
    assert parse(text, label) == Parsed(premise, hypothesis)
    assert {parse(text, other) for other in LABELS if other != label} == {Drop.OTHER_LABEL}


PIECES = st.sampled_from([*WHOLE.split(" "), *MARKERS, *LABELS, prefix("neutral"), WHOLE, "  ", "\n"])


@given(st.lists(PIECES).map(" ".join), st.sampled_from(LABELS))
def test_whatever_is_sampled_is_a_pair_from_the_text_or_a_reason(text, label):
    match parse(text, label):
        case Parsed(premise, hypothesis):
            assert premise and hypothesis
            assert all(part in text for part in (label, "Hypothesis: ", "-- This is the end of the example."))
            assert text.index(premise) < text.rindex(hypothesis)
        case reason:
            assert reason in Drop


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (WHOLE, PAIR),
        ("Before. " + WHOLE, PAIR),
        (WHOLE + " Premise: and Hypothesis: more", PAIR),
        (WHOLE + WHOLE.replace("dog", "cow"), PAIR),
        (WHOLE.replace("A dog runs.", "\n A dog runs.\t "), PAIR),
        (WHOLE.replace("neutral", "neutral, not entailment"), PAIR),
        (WHOLE.replace("neutral. ", "neutral\n"), PAIR),
        (WHOLE.replace("A dog runs.", "A cat sleeps."), Parsed("A cat sleeps.", "A cat sleeps.")),
        ("", Drop.NO_PREFIX),
        (WHOLE.replace("relationship", "relation"), Drop.NO_PREFIX),
        (WHOLE.replace("This is an", "this is an"), Drop.NO_PREFIX),
        (prefix("neutral"), Drop.NO_PREMISE),
        (WHOLE.replace("Premise:", "premise:"), Drop.NO_PREMISE),
        (WHOLE.replace("neutral", "unclear"), Drop.NO_LABEL),
        (WHOLE.replace("is neutral. ", "is. ").replace("dog", "neutral"), Drop.NO_LABEL),
        (WHOLE.replace("neutral", "entailment, not neutral"), Drop.OTHER_LABEL),
        (WHOLE.replace("Hypothesis: ", ""), Drop.NO_HYPOTHESIS),
        ("Hypothesis: x " + WHOLE.replace("Hypothesis: ", ""), Drop.NO_HYPOTHESIS),
        (WHOLE.replace("Hypothesis: ", "Hypothesis:"), Drop.NO_HYPOTHESIS),
        (WHOLE[:-1], Drop.NO_END),
        (WHOLE.replace(" A cat sleeps. -- This is the end of the example.", " ") + "A cat", Drop.NO_END),
        (WHOLE.replace("A dog runs. ", " "), Drop.EMPTY_PREMISE),
        (WHOLE.replace("A cat sleeps. ", " "), Drop.EMPTY_HYPOTHESIS),
    ],
)
def test_damaged_texts(text, expected):
    assert parse(text, "neutral") == expected


def test_real_pairs_parse_back(real_data):
    from synth_eval.data.sources import load

    for record in load("multinli_matched"):
        premise, hypothesis, label = (record[key] for key in ("premise", "hypothesis", "gold_label"))
        assert parse(training_text(premise, hypothesis, label), label) == Parsed(premise.strip(), hypothesis.strip())


# The recipe


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """One hypothesis for each label, with punctuation and letter case to be kept; 24 premises."""
    people = ["Ann", "the man", "Bo", "a dog", "Mr. X", "Zoë", "the poet", "I"]
    path = tmp_path_factory.mktemp("data") / "pairs.jsonl"
    rows = [
        {
            "pairID": f"t{number}{label}",
            "premise": f"{who} {verb} .",
            "hypothesis": HYPOTHESES[label],
            "gold_label": label,
        }
        for number, (who, verb) in enumerate((who, verb) for who in people for verb in ("ran", "sat", "saw B."))
        for label in LABELS
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def config(folder, data, **more):
    content = {
        "data": {"name": str(data)},
        "from_config": LLAMA,
        "tokenizer": {"kind": "bpe", "vocab_size": 500},
        "batch_size": 8,
        "learning_rate": 0.01,
        "log_every": 10,
        "max_length": 96,
    } | more
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))
    return path


def run(path, output_dir, *more):
    """Run the recipe in this process; returns its exit code."""
    before = sys.argv
    sys.argv = ["nli_generator.py", "--config", str(path), "--output_dir", str(output_dir), *more]
    try:
        runpy.run_path(str(RECIPES / "nli_generator.py"), run_name="__main__")
    except SystemExit as stop:
        return stop.code
    finally:
        sys.argv = before
    return None


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    """A finished run of 225 steps: (recipe file, output folder)."""
    folder = tmp_path_factory.mktemp("generator")
    path = config(folder, data, epochs=25, save_every=60)
    assert run(path, folder / "out") == 0
    return path, folder / "out"


def sampled(model, tokenizer, label, number):
    """``number`` sampled texts after the label's prefix, special tokens removed."""
    torch.manual_seed(5)
    asked = tokenizer([prefix(label)] * number, return_tensors="pt")
    with torch.inference_mode():
        ids = model.eval().generate(**asked, do_sample=True, top_k=0, max_new_tokens=70)
    return tokenizer.batch_decode(ids, skip_special_tokens=True)


def test_a_generator_writes_pairs_of_the_label_that_it_is_asked_for(finished, capsys):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path, output = finished
    tokenizer = AutoTokenizer.from_pretrained(output / "model")
    model = AutoModelForCausalLM.from_pretrained(output / "model")
    for label in LABELS:
        parsed = [parse(text, label) for text in sampled(model, tokenizer, label, 20)]
        good = [pair for pair in parsed if isinstance(pair, Parsed) and pair.hypothesis == HYPOTHESES[label]]
        assert len(good) >= 14, parsed
    assert run(path, output) == 0
    said = capsys.readouterr().out
    assert "already done" in said
    assert f"generate_nli.py --config YOUR_GENERATE.yaml --set model={output / 'model'}" in said
    assert "eval" not in said


def test_what_a_run_leaves(finished):
    _, output = finished
    record = provenance.read(output)
    assert record["task"] == "nli-generator"
    assert record["labels"] == list(LABELS)
    assert record["text"].startswith(prefix("{label}") + ". Premise: {premise} Hypothesis: {hypothesis} --")
    assert record["training_rows"] == 72 and record["training_labels"] == dict.fromkeys(sorted(LABELS), 24)
    assert record["losses"][-1]["loss"] < record["losses"][0]["loss"] / 3
    assert record["model_sha256"] == provenance.sha256_folder(output / "model")
    assert sorted(item.name for item in output.iterdir()) == ["model", "provenance.json"]


def test_a_stopped_run_goes_on_to_the_same_weights(finished, tmp_path, capsys, monkeypatch):
    path, output = finished
    whole = sft.trainer

    def stopping(*arguments):
        from transformers import TrainerCallback

        class Stop(TrainerCallback):
            def on_step_end(self, args, state, control, **_):
                if state.global_step == 150:
                    raise KeyboardInterrupt

        result = whole(*arguments)
        result.add_callback(Stop)
        return result

    monkeypatch.setattr(sft, "trainer", stopping)
    assert run(path, tmp_path / "out") == 130
    assert not (tmp_path / "out/model").exists()
    monkeypatch.undo()
    capsys.readouterr()
    assert run(path, tmp_path / "out") == 0
    assert "checkpoint-120" in capsys.readouterr().out
    assert provenance.read(tmp_path / "out")["model_sha256"] == provenance.read(output)["model_sha256"]


def test_lora_on_a_real_language_model(stories, data, tmp_path, capsys):
    lora = {"r": 4, "target_modules": ["q_proj", "v_proj"]}
    more = {"from_config": None, "tokenizer": None, "base_model": str(stories), "lora": lora, "max_length": 200}
    path = config(tmp_path, data, **more, epochs=0.3)
    assert run(path, tmp_path / "out") == 0
    assert (tmp_path / "out/model/adapter_model.safetensors").is_file()
    said = capsys.readouterr().out
    assert f"--set model={stories} --set adapter={tmp_path / 'out/model'}" in said
    record = provenance.read(tmp_path / "out")
    assert record["base_model"] == str(stories) and len(record["base_model_sha256"]) == 64


@pytest.mark.parametrize(
    ("recipe_name", "beside", "expected"),
    [
        ("recipe.yaml", "", "YOUR_GENERATE.yaml"),
        ("recipe.yaml", "generate_nli_fresh.yaml", "YOUR_GENERATE.yaml"),
        ("recipe.yaml", "generate.yaml", "HERE/generate.yaml"),
        ("nli_generator_fresh.yaml", "generate_nli_fresh.yaml", "HERE/generate_nli_fresh.yaml"),
        ("nli_generator_fresh.yaml", "", "YOUR_GENERATE.yaml"),
    ],
)
def test_the_command_that_comes_next(data, tmp_path, recipe_name, beside, expected):
    path = config(tmp_path, data).rename(tmp_path / recipe_name)
    if beside:
        (tmp_path / beside).touch()
    this = recipe.read(path, GeneratorSettings)
    opened = training.open_run(tmp_path / "out", this, load_pairs(this.settings))
    command = f"python recipes/generate_nli.py --config {expected} --set model=HERE/out/model"
    assert generator.generation_command(opened) == command.replace("HERE", str(tmp_path))


@pytest.mark.parametrize(
    ("recipe_name", "expected"),
    [
        ("nli_generator_fresh.yaml", "generate_nli_fresh.yaml"),
        ("zhang_pavlick_2025/generator.yaml", "zhang_pavlick_2025/generate.yaml"),
    ],
)
def test_the_settings_that_belong_to_a_shipped_recipe(data, tmp_path, recipe_name, expected):
    this = recipe.read(RECIPES / recipe_name, GeneratorSettings, [f"data={data}", "evaluation_data=[]"])
    opened = training.open_run(tmp_path / "out", this, load_pairs(this.settings))
    assert f"--config {RECIPES / expected} --set model=" in generator.generation_command(opened)


# What is learnt


def settings_of(path, *overrides):
    return recipe.read(path, GeneratorSettings, overrides).settings


@pytest.mark.parametrize("kind", ["from_config", "base_model"])
def test_every_token_is_learnt_and_the_end_of_text_once(kind, stories, data, tmp_path):
    more = {} if kind == "from_config" else {"from_config": None, "tokenizer": None, "base_model": str(stories)}
    settings = settings_of(config(tmp_path, data, **more, max_length=200 if more else 96))
    pairs = load_pairs(settings)
    rows = generator.rows(pairs)
    tokenizer, _ = generator.build(settings, rows)
    encoded, cut = generator.tokenise(settings, rows, tokenizer)
    assert cut == 0 and len(encoded) == 72
    for row, (premise, hypothesis, label) in zip(encoded, pairs.pairs, strict=True):
        assert row["labels"] == row["input_ids"]
        assert row["input_ids"].index(tokenizer.eos_token_id) == len(row["input_ids"]) - 1
        text = tokenizer.decode(row["input_ids"], skip_special_tokens=True)
        assert parse(text, label) == Parsed(premise, hypothesis)
    begun = tokenizer(prefix("neutral"))["input_ids"]
    assert (
        next(row["input_ids"] for row, pair in zip(encoded, pairs.pairs, strict=True) if pair[2] == "neutral")[
            : len(begun)
        ]
        == begun
    )


def test_a_text_that_is_too_long_stops_the_run_or_loses_its_end(data, tmp_path):
    path = config(tmp_path, data, max_length=30)
    settings = settings_of(path)
    rows = generator.rows(load_pairs(settings))
    tokenizer, _ = generator.build(settings_of(path, "max_length=96"), rows)
    with pytest.raises(InputError, match="72 of 72 rows longer than 30 tokens"):
        generator.tokenise(settings, rows, tokenizer)
    encoded, cut = generator.tokenise(settings_of(path, "truncate=true"), rows, tokenizer)
    assert cut == 72 and {len(row["input_ids"]) for row in encoded} == {30}
    assert tokenizer.decode(encoded[0]["input_ids"]).startswith("This is an example where")


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("epoch=3", "the unknown key 'epoch'.*did you mean 'epochs'"),
        ("prompt=bare", "prompt: 'bare'"),
        ("epochs=0", "epochs: 0"),
        ("tokenizer.kind=word", "tokenizer.kind: found 'word', whose decoded texts.*set kind: bpe"),
        ("from_config.hiden_size=8", "the unknown key 'hiden_size'.*did you mean 'hidden_size'"),
    ],
)
def test_mistakes_end_with_one_line_and_status_2(override, says, data, tmp_path, capsys):
    import re

    assert run(config(tmp_path, data), tmp_path / "out", "--set", override) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1
    assert re.search(says, said)
    assert not (tmp_path / "out").exists()


def test_pairs_with_the_two_labels_of_hans_are_refused(data, tmp_path, capsys):
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    changed = tmp_path / "two.jsonl"
    changed.write_text("".join(json.dumps(row | {"gold_label": "non_entailment"}) + "\n" for row in rows))
    assert run(config(tmp_path, changed), tmp_path / "out") == 2
    assert "only entailment, neutral, contradiction" in capsys.readouterr().err


def test_a_dry_run_writes_nothing(data, tmp_path, capsys):
    assert run(config(tmp_path, data), tmp_path / "out", "--dry-run") == 0
    assert "72 rows (contradiction 24, entailment 24, neutral 24)" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", sorted(RECIPES.glob("nli_generator_*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_recipe_is_valid(path):
    settings = settings_of(path)
    assert settings.evaluation_data and settings.drop_overlap
