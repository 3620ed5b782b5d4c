"""Weighted losses: the formulas against plain numpy, the trainer around them, the checkers that they ask."""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import pytest
import torch
import yaml

from synth_eval import provenance
from synth_eval.errors import InputError
from synth_eval.nli.labels import LABELS
from synth_eval.training import checkers, guard
from synth_eval.training.weighting import (
    distribution,
    label_log_probabilities,
    weighted_cross_entropy,
    weights,
)

RECIPES = Path(__file__).resolve().parent.parent / "recipes"
BERT = {
    "model_type": "bert",
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "initializer_range": 0.1,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


# The formulas


@pytest.fixture
def batch():
    """Logits in float64, labels, log P' and log Q of 40 rows."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(40, 3, generator=generator, dtype=torch.float64) * 3
    labels = torch.randint(3, (40,), generator=generator)
    quality, diversity = torch.rand(2, 40, generator=generator, dtype=torch.float64).log()
    return logits, labels, quality, diversity


def plain(logits, labels):
    """log p of the labels, in numpy."""
    z = logits.numpy()
    return np.log(np.exp(z) / np.exp(z).sum(1, keepdims=True))[np.arange(len(z)), labels.numpy()]


@pytest.mark.parametrize(("smoothing", "clip"), [(None, None), (0.1, None), (None, 1.5), (0.01, 3.0)])
def test_both_losses_are_the_papers_formulas(batch, smoothing, clip):
    logits, labels, quality, diversity = batch
    log_p, add, most = plain(logits, labels), smoothing or 0, clip or np.inf
    for other in (diversity.numpy(), log_p):
        by_hand = np.minimum((np.exp(quality.numpy()) + add) / (np.exp(other) + add), most)
        ours = weights(quality, torch.from_numpy(other), smoothing, clip)
        np.testing.assert_allclose(ours.numpy(), by_hand, rtol=1e-12)
        loss = weighted_cross_entropy(logits, labels, ours)
        np.testing.assert_allclose(loss.item(), -(by_hand * log_p).sum() / len(log_p), rtol=1e-12)
    np.testing.assert_allclose(label_log_probabilities(logits, labels).numpy(), log_p, rtol=1e-12)


def test_the_gradient_is_that_of_constant_weights(batch):
    logits, labels, quality, _ = batch
    logits = logits[:6].clone().requires_grad_()
    labels, quality = labels[:6], quality[:6]
    frozen = weights(quality, label_log_probabilities(logits, labels)).detach()
    weighted_cross_entropy(logits, labels, weights(quality, label_log_probabilities(logits, labels))).backward()
    step = 1e-6
    for row, column in np.ndindex(6, 3):
        moved = [logits.detach().clone() for _ in range(2)]
        moved[0][row, column] += step
        moved[1][row, column] -= step
        up, down = (weighted_cross_entropy(one, labels, frozen).item() for one in moved)
        assert logits.grad[row, column].item() == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-7)


def test_equal_checkers_give_the_plain_cross_entropy(batch):
    logits, labels, quality, _ = batch
    ones = weights(quality, quality)
    assert torch.equal(ones, torch.ones(40, dtype=torch.float64))
    for dtype in (torch.float64, torch.float32):
        expected = torch.nn.functional.cross_entropy(logits.to(dtype), labels)
        assert weighted_cross_entropy(logits.to(dtype), labels, ones.to(dtype)).item() == pytest.approx(
            expected.item(), rel=1e-6
        )


def test_a_checker_that_is_the_model_gives_weight_1(batch):
    logits, labels, _, _ = batch
    said = label_log_probabilities(logits.float(), labels)
    assert torch.equal(weights(said, label_log_probabilities(logits.float(), labels)), torch.ones(40))


def test_improbable_labels_have_finite_weights():
    logits = torch.tensor([[1e4, -1e4, 0.0], [-3e38, 3e38, 0.0]])
    log_p = label_log_probabilities(logits, torch.tensor([1, 0]))
    found = weights(torch.tensor([-0.1, -1e4]), log_p)
    assert torch.isfinite(found).all()
    assert found[0] > 1e30
    assert weights(torch.tensor([-1e4]), torch.tensor([-0.1])).item() == 0
    assert weights(torch.tensor([-0.1]), log_p[:1], clip=5.0).item() == 5
    assert weights(torch.tensor([0.0]), log_p[:1], smoothing=0.1).item() == pytest.approx(11, rel=1e-5)


def test_the_distribution_of_weights():
    found = distribution(torch.tensor([0.0, 1.0, 2.0, 3.0, 14.0]))
    assert list(found.values()) == [0, 1, 2, 3, 14, 4, 0.2]


# Runs


def pairs_of(people, mislabelled=0):
    """Pairs whose hypothesis gives the label away; of 10 neutral ones so many are called entailment."""
    marks = {"entailment": "surely", "neutral": "perhaps", "contradiction": "never"}
    rows = []
    for one in people:
        for other in people:
            for label, mark in marks.items():
                wrong = label == "neutral" and (len(rows) // 3) % 10 < mislabelled
                rows.append(
                    {
                        "pairID": f"t{len(rows)}",
                        "premise": f"The {one} saw the {other} .",
                        "hypothesis": f"The {other} {mark} saw the {one} .",
                        "gold_label": "entailment" if wrong else label,
                    }
                )
    return rows


PEOPLE = ["man", "woman", "dog", "child", "doctor", "judge", "clerk", "poet", "actor", "nurse"]


def recipe_file(folder, rows, **more):
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "pairs.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    content = {
        "data": str(data),
        "from_config": BERT,
        "tokenizer": {"kind": "word", "vocab_size": 100},
        "batch_size": 16,
        "learning_rate": 0.005,
        "log_every": 4,
        "max_length": 64,
    } | more
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def run(path, output_dir, *more):
    """Run the recipe in this process; returns its exit code."""
    before = sys.argv
    sys.argv = ["nli_classifier.py", "--config", str(path), "--output_dir", str(output_dir), *more]
    try:
        runpy.run_path(str(RECIPES / "nli_classifier.py"), run_name="__main__")
    except SystemExit as stop:
        return stop.code
    finally:
        sys.argv = before
    return None


@pytest.fixture(scope="module")
def checker(tmp_path_factory):
    """A good quality checker: trained on all people, labels right."""
    folder = tmp_path_factory.mktemp("checker")
    assert run(recipe_file(folder, pairs_of(PEOPLE[:6]), epochs=12), folder / "out") == 0
    return folder / "out" / "model"


def ask(folder, rows, truncate=False):
    pairs = [(row["premise"], row["hypothesis"], row["gold_label"]) for row in rows]
    asked = checkers.ask(checkers.describe(checkers.QUALITY, str(folder)), pairs, LABELS, truncate)
    return np.array(asked.log_probabilities)


def accuracy(folder, rows):
    """How often the right label has the largest probability."""
    said = np.stack([ask(folder, [row | {"gold_label": label} for row in rows]) for label in LABELS])
    np.testing.assert_allclose(np.exp(said).sum(0), 1, atol=1e-5)
    return np.mean(said.argmax(0) == [LABELS.index(row["gold_label"]) for row in rows])


def test_with_wrong_labels_dimp_and_a_good_checker_beat_plain_cross_entropy(checker, tmp_path):
    """7 of 10 neutral pairs are called entailment: plain training learns that, weighted training does not."""
    path = recipe_file(tmp_path, pairs_of(PEOPLE, mislabelled=7), epochs=4, seed=1)
    right = pairs_of(PEOPLE)
    assert run(path, tmp_path / "plain") == 0
    weighting = ["--set", f"weighting={{loss: dimp, quality_checker: {checker}}}"]
    assert run(path, tmp_path / "dimp", *weighting) == 0
    plainly, weighted = (accuracy(tmp_path / name / "model", right) for name in ("plain", "dimp"))
    assert plainly < 0.75
    assert weighted > 0.95
    record = provenance.read(tmp_path / "dimp")
    said = record["weighting"]
    assert (said["loss"], said["clip"], said["smoothing"]) == ("dimp", None, None)
    asked = said["checkers"]["quality"]
    assert asked["sha256"] == provenance.sha256_folder(checker)
    assert (asked["labels"], asked["synth_eval_input"]) == (list(LABELS), "pair")
    assert record["steps"] == 75
    assert [entry["step"] for entry in said["weights"]] == [*range(4, 75, 4), 75]  # the last steps too
    assert [entry["weight_rows"] for entry in said["weights"]] == [64] * 18 + [48]
    for entry in said["weights"]:
        ordered = [entry[f"weight_{name}"] for name in ("min", "q1", "median", "q3", "max")]
        assert ordered == sorted(ordered)
        assert 0 <= ordered[0] <= entry["weight_mean"] <= ordered[-1]
    assert min(entry["weight_min"] for entry in said["weights"]) < 0.1  # a wrong label
    assert record["identity"]["parents.quality_checker"] == provenance.read(checker)["model_sha256"]
    assert "weighting" not in provenance.read(tmp_path / "plain")


def test_the_weights_of_a_run_that_is_shorter_than_a_log_step(checker, tmp_path):
    path = recipe_file(tmp_path, pairs_of(PEOPLE[:5])[:64], epochs=1, log_every=20)
    assert run(path, tmp_path / "out", "--set", f"weighting={{loss: dimp, quality_checker: {checker}}}") == 0
    record = provenance.read(tmp_path / "out")
    assert (record["steps"], record["losses"]) == (4, [])
    (entry,) = record["weighting"]["weights"]
    assert (entry["step"], entry["weight_rows"]) == (4, 64)
    assert 0 < entry["weight_min"] < entry["weight_mean"] < entry["weight_max"]


def assert_same_run(first, second):
    """The same losses at every log, and the same answers: weights without influence are moved by rounding alone."""
    losses = [[entry["loss"] for entry in provenance.read(folder)["losses"]] for folder in (first, second)]
    assert len(losses[0]) >= 2
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    rows = pairs_of(PEOPLE[3:9])
    np.testing.assert_allclose(ask(first / "model", rows), ask(second / "model", rows), atol=2e-3)


@pytest.mark.parametrize("accumulation", [1, 4])
def test_imp_with_equal_checkers_trains_as_plain_cross_entropy_does(checker, tmp_path, accumulation):
    path = recipe_file(tmp_path, pairs_of(PEOPLE[:5]), batch_size=16 // accumulation, log_every=1)
    more = ["--set", f"gradient_accumulation_steps={accumulation}"]
    assert run(path, tmp_path / "plain", *more) == 0
    weighting = f"weighting={{loss: imp, quality_checker: {checker}, diversity_checker: {checker}}}"
    assert run(path, tmp_path / "imp", *more, "--set", weighting) == 0
    assert_same_run(tmp_path / "plain", tmp_path / "imp")
    logged = provenance.read(tmp_path / "imp")["weighting"]["weights"]
    assert all(entry["weight_min"] == entry["weight_max"] == 1 for entry in logged)


@pytest.mark.parametrize("loss", ["plain", "dimp"])
def test_the_layout_of_a_step_does_not_change_it(checker, tmp_path, loss):
    rows = pairs_of(PEOPLE[:6], mislabelled=3)[:96]
    path = recipe_file(tmp_path, rows, length_bucketing=False, learning_rate=0.002)
    weighting = [] if loss == "plain" else ["--set", f"weighting={{loss: dimp, quality_checker: {checker}, clip: 20}}"]
    for name, batch_size, accumulation in (("wide", 8, 1), ("deep", 1, 8)):
        layout = ["--set", f"batch_size={batch_size}", "--set", f"gradient_accumulation_steps={accumulation}"]
        assert run(path, tmp_path / name, *weighting, *layout) == 0
        assert provenance.read(tmp_path / name)["steps"] == 12
    assert_same_run(tmp_path / "wide", tmp_path / "deep")


def test_a_stopped_run_goes_on_and_asks_its_checker_no_more(checker, tmp_path, monkeypatch):
    path = recipe_file(tmp_path, pairs_of(PEOPLE[:6]), save_every=2)
    weighting = ["--set", f"weighting={{loss: dimp, quality_checker: {checker}}}"]
    assert run(path, tmp_path / "whole", *weighting) == 0
    asked, seal = [], guard.seal

    def interrupted(folder, checkpoints):
        if folder.name == "checkpoint-4":
            raise KeyboardInterrupt
        return seal(folder, checkpoints)

    def counted(*arguments, ask=checkers.ask):
        asked.append(1)
        return ask(*arguments)

    monkeypatch.setattr(checkers, "ask", counted)
    with monkeypatch.context() as patch:
        patch.setattr(guard, "seal", interrupted)
        assert run(path, tmp_path / "out", *weighting) == 130
    assert len(asked) == 1
    assert run(path, tmp_path / "out", *weighting) == 0
    assert len(asked) == 1
    assert (tmp_path / "out/model/model.safetensors").read_bytes() == (
        tmp_path / "whole/model/model.safetensors"
    ).read_bytes()
    assert sorted(item.name for item in (tmp_path / "out").iterdir()) == ["model", "provenance.json"]


def test_after_a_resume_the_weights_are_those_since_the_checkpoint(checker, tmp_path, monkeypatch):
    path = recipe_file(tmp_path, pairs_of(PEOPLE[:6])[:96], save_every=2, log_every=20)
    weighting = ["--set", f"weighting={{loss: dimp, quality_checker: {checker}}}"]
    seal = guard.seal

    def interrupted(folder, checkpoints):
        if folder.name == "checkpoint-4":
            raise KeyboardInterrupt
        return seal(folder, checkpoints)

    with monkeypatch.context() as patch:
        patch.setattr(guard, "seal", interrupted)
        assert run(path, tmp_path / "out", *weighting) == 130
    assert run(path, tmp_path / "out", *weighting) == 0
    said = provenance.read(tmp_path / "out")["weighting"]
    (entry,) = said["weights"]
    assert (entry["step"], entry["weight_rows"]) == (6, 64)  # 4 of 6 steps of 16 rows
    assert "after a resume, since the checkpoint" in said["weights_cover"]


# Checkers


def test_a_checker_answers_by_the_names_of_its_labels(checker, tmp_path):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    rows = pairs_of(PEOPLE[4:8], mislabelled=5)
    model, tokenizer = (
        AutoModelForSequenceClassification.from_pretrained(checker),
        AutoTokenizer.from_pretrained(checker),
    )
    order = [2, 0, 1]
    model.classifier.weight.data = model.classifier.weight.data[order]
    model.classifier.bias.data = model.classifier.bias.data[order]
    model.config.id2label = {number: LABELS[old].upper() for number, old in enumerate(order)}
    model.config.label2id = {name: number for number, name in model.config.id2label.items()}
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    said = ask(checker, rows)
    np.testing.assert_allclose(ask(tmp_path, rows), said, atol=1e-6)
    model = AutoModelForSequenceClassification.from_pretrained(checker).eval()
    with torch.no_grad():
        for row, expected in list(zip(rows, said, strict=True))[:6]:
            logits = model(**tokenizer(row["premise"], row["hypothesis"], return_tensors="pt")).logits
            alone = torch.log_softmax(logits, -1)[0, LABELS.index(row["gold_label"])].item()
            assert alone == pytest.approx(expected, abs=1e-5)


def test_a_hypothesis_only_checker_sees_no_premise(tmp_path):
    rows = pairs_of(PEOPLE[:4])
    path = recipe_file(tmp_path, rows, input_format="hypothesis", epochs=1)
    assert run(path, tmp_path / "out") == 0
    found = checkers.describe(checkers.QUALITY, str(tmp_path / "out" / "model"))
    assert found.input == "hypothesis"
    other = [row | {"premise": "The poet slept ."} for row in rows]
    assert np.array_equal(ask(found.folder, rows), ask(found.folder, other))


def test_a_checker_whose_pairs_are_too_long(checker):
    long = [pairs_of(PEOPLE[:1])[0] | {"premise": "The man saw the man . " * 20}]
    with pytest.raises(InputError, match=r"quality_checker .*1 pairs longer than its 64 tokens.*truncate: true"):
        ask(checker, long)
    assert np.isfinite(ask(checker, long, truncate=True)).all()


def test_pairs_that_are_cut_for_a_checker_are_counted(checker, tmp_path, monkeypatch):
    """The run itself cuts nothing: its model takes 128 tokens, the checker 64."""
    rows = pairs_of(PEOPLE[:4])
    for row in rows[:5]:
        row["premise"] = "The man saw the man . " * 15
    path = recipe_file(tmp_path, rows, max_length=128, truncate=True, save_every=1)
    weighting = ["--set", f"weighting={{loss: dimp, quality_checker: {checker}}}"]
    with monkeypatch.context() as patch:
        patch.setattr(guard, "seal", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert run(path, tmp_path / "out", *weighting) == 130
    assert run(path, tmp_path / "out", *weighting) == 0  # what it said is read from the run's folder
    record = provenance.read(tmp_path / "out")
    assert record["truncated_rows"] == 0
    assert record["weighting"]["checkers"]["quality"]["truncated_rows"] == 5


def change_config(folder, target, **changes):
    import shutil

    shutil.copytree(folder, target)
    config = json.loads((target / "config.json").read_text())
    (target / "config.json").write_text(json.dumps(config | changes))
    return target


def test_checkers_that_cannot_be_asked(checker, tmp_path, capsys):
    path = recipe_file(tmp_path, pairs_of(PEOPLE[:3]))
    two = change_config(checker, tmp_path / "two", id2label={"0": "entailment", "1": "non_entailment"}, label2id={})
    nameless = change_config(checker, tmp_path / "nameless", id2label={str(i): f"LABEL_{i}" for i in range(3)})
    headless = change_config(checker, tmp_path / "headless", architectures=["BertModel"])
    blind = change_config(checker, tmp_path / "blind", model_type="llama", synth_eval_input=None)
    bare = tmp_path / "adapter"
    bare.mkdir()
    (bare / "adapter_config.json").write_text("{}")
    for weighting, says in [
        (f"{{loss: dimp, quality_checker: {tmp_path / 'none'}}}", "found no checkpoint"),
        (f"{{loss: dimp, quality_checker: {two}}}", "labels entailment, non_entailment"),
        (f"{{loss: dimp, quality_checker: {nameless}}}", "labels LABEL_0"),
        (f"{{loss: dimp, quality_checker: {headless}}}", "found ['BertModel']"),
        (f"{{loss: dimp, quality_checker: {blind}}}", "no synth_eval_input"),
        (f"{{loss: dimp, quality_checker: {bare}}}", "no provenance.json that says"),
        (f"{{loss: imp, quality_checker: {checker}}}", "a diversity_checker with loss: imp"),
        (f"{{loss: dimp, quality_checker: {checker}, diversity_checker: {checker}}}", "none with dimp"),
        ("{loss: dimp}", "no key 'weighting.quality_checker'"),
        (f"{{loss: imq, quality_checker: {checker}}}", "'imq'"),
        (f"{{loss: dimp, quality_checker: {checker}, clip: 0}}", "clip: 0"),
    ]:
        assert run(path, tmp_path / "out", "--set", f"weighting={weighting}") == 2
        said = capsys.readouterr().err
        error = [line for line in said.splitlines() if line.startswith("error:")]
        assert len(error) == 1 and says in error[0], said
        assert not (tmp_path / "out" / "model").exists()
