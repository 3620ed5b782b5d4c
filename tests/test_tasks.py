"""The NLI tasks as the harness runs them: the label rule, the published numbers, balance, prompts, bad answers."""

import json
import math
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from fakes import RuleLM, run

from synth_eval.data.records import read_predictions
from synth_eval.errors import InputError
from synth_eval.nli import docs, prompts, scoring
from synth_eval.nli.hans import HEURISTICS
from synth_eval.nli.labels import LABELS

PUBLISHED = Path(__file__).parent.parent / "leaderboards" / "published_hans.json"
LEAVES = [f"{heuristic}_{side}" for heuristic in HEURISTICS for side in ("entailed", "non_entailed")]


@pytest.mark.parametrize("prompt", ["paper", "two_label"])
@pytest.mark.parametrize("answer", LABELS)
def test_constant_models_score_one_and_zero_on_every_leaf(answer, prompt):
    metadata = {"per_subcase": 3, "seed": 5, "prompt": prompt}
    results = run(RuleLM(lambda doc: answer), ["hans_fresh"], metadata, log_samples=False)["results"]
    for leaf in LEAVES:
        entailed = not leaf.endswith("non_entailed")
        assert results[f"hans_fresh_{leaf}"]["acc,none"] == float(entailed == (answer == "entailment"))
    assert results["hans_fresh"]["acc,none"] == 0.5
    assert results["hans_fresh"]["predicted_entailment,none"] == float(answer == "entailment")


@pytest.mark.parametrize(
    ("file", "model"),
    [
        ("bert_preds.txt", "BERT-base-uncased"),
        ("decomp_attn_heur_preds.txt", "DA (decomposable attention)"),
        ("esim_heur_preds.txt", "ESIM"),
    ],
)
def test_released_predictions_through_the_harness_give_the_published_numbers(real_data, file, model):
    predictions = read_predictions(real_data / "hans" / file)
    results = run(RuleLM(lambda doc: predictions[doc["pairID"]]), ["hans_heuristics"], log_samples=False)["results"]
    published = next(row for row in json.loads(PUBLISHED.read_text())["models"] if row["name"] == model)
    for cell, value in published["scores"].items():
        heuristic, _, label = cell.partition("/")
        if not label:
            continue
        side = "entailed" if label == "entailment" else "non_entailed"
        assert results[f"hans_{heuristic}_{side}"]["acc,none"] == pytest.approx(value, abs=1e-12)
    for subcase, value in published["subcases"].items():
        leaf = next(results[f"hans_{leaf}"] for leaf in LEAVES if f"{subcase},none" in results[f"hans_{leaf}"])
        assert leaf[f"{subcase},none"] == pytest.approx(value, abs=1e-12)
    assert results["hans_heuristics"]["acc,none"] == pytest.approx(published["scores"]["overall"], abs=5e-6)
    assert len(published["subcases"]) == 30


def test_gold_answers_score_one_on_all_of_multinli(real_data):
    results = run(RuleLM(lambda doc: doc["gold_label"]), ["multinli"], log_samples=False)
    for name, count in (("multinli_matched", 9_815), ("multinli_mismatched", 9_832)):
        assert results["n-samples"][name] == {"original": count, "effective": count}
        assert results["results"][name]["acc,none"] == results["results"][name]["acc_2label,none"] == 1.0


def test_two_label_accuracy_forgives_neutral_for_contradiction_only():
    answers = {"entailment": "entailment", "neutral": "contradiction", "contradiction": "neutral"}
    results = run(RuleLM(lambda doc: answers[doc["gold_label"]]), ["nli_fresh"], {"size": 30}, log_samples=False)
    assert results["results"]["nli_fresh"]["acc,none"] == pytest.approx(1 / 3)
    assert results["results"]["nli_fresh"]["acc_2label,none"] == 1.0


def test_ties_count_by_chance_and_are_reported():
    results = run(RuleLM(None, certain=False), ["hans_fresh"], {"per_subcase": 2}, log_samples=False)["results"]
    assert results["hans_fresh_subsequence_entailed"]["acc,none"] == pytest.approx(1 / 3)
    assert results["hans_fresh_subsequence_non_entailed"]["acc,none"] == pytest.approx(2 / 3)
    assert results["hans_fresh"]["tie,none"] == 1.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_non_finite_answers_stop_the_run(bad):
    doc = {"pairID": "ex1", "prompt": "paper", "gold_label": "entailment", "subcase": "le_passive"}
    with pytest.raises(InputError, match=r"document ex1.*one finite number each.*diverged"):
        scoring.hans(doc, [(bad, False), (-1.0, False), (-2.0, False)])


def test_argmax_comes_before_the_two_labels():
    doc = {"pairID": "ex1", "prompt": "paper", "gold_label": "entailment", "subcase": "le_passive"}
    answer = [(math.log(p), False) for p in (0.40, 0.35, 0.25)]  # entailment wins, though the other two sum to .60
    assert scoring.hans(doc, answer)["acc"] == 1.0


def test_length_normalised_and_mutual_information_accuracies():
    doc = {"pairID": "1", "prompt": "true_false", "gold_label": "contradiction", "subcase": ""}
    given = [(-4.0, False), (-7.0, False), (-4.5, False)]  # True (4 letters), Neither (7), False (5)
    alone = [(-2.0, False), (-5.0, False), (-6.0, False)]
    metrics = scoring.nli(doc, given + alone)
    assert (metrics["acc"], metrics["acc_norm"], metrics["acc_mutual_info"]) == (0.0, 1.0, 1.0)


@pytest.mark.parametrize("limit", [10, 25])
def test_limit_stays_balanced_over_subcases(limit):
    results = run(RuleLM(lambda doc: "neutral"), ["hans_fresh"], {"per_subcase": 10}, limit=limit, log_samples=True)
    for leaf in LEAVES:
        counts = Counter(sample["doc"]["subcase"] for sample in results["samples"][f"hans_fresh_{leaf}"])
        assert set(counts.values()) == {limit // 5} and len(counts) == 5


def test_interleave_keeps_every_record_once_and_the_same_order_each_time():
    records = [{"pairID": str(i), "gold_label": "entailment", "subcase": s} for i, s in enumerate("aaabbc")]
    once = docs.interleave(records)
    assert sorted(record["pairID"] for record in once) == sorted(record["pairID"] for record in records)
    assert once == docs.interleave(list(records)) and len({record["subcase"] for record in once[:3]}) == 3


def test_metadata_changes_seed_size_and_prompt():
    def prompts_of(**metadata):
        results = run(RuleLM(lambda doc: "neutral"), ["nli_fresh"], metadata, log_samples=True)
        return [sample["arguments"][0][0] for sample in results["samples"]["nli_fresh"]]

    first, again, other = prompts_of(size=12, seed=3), prompts_of(size=12, seed=3), prompts_of(size=12, seed=4)
    assert first == again != other and len(first) == 12
    assert first[0].startswith("Please indicate the relationship")
    assert "True, False or Neither?" in prompts_of(size=3, prompt="true_false")[0]


def test_an_unknown_prompt_is_refused_with_the_nearest_name():
    with pytest.raises(InputError, match=r"did you mean 'true_false'"):
        run(RuleLM(lambda doc: "neutral"), ["nli_fresh"], {"prompt": "true-false"})


def test_true_false_is_the_harness_own_mnli_prompt(real_data):
    from lm_eval.tasks.glue.mnli.utils import doc_to_text

    from synth_eval.data.sources import load

    prompt = prompts.get("true_false")
    for record in load("multinli_matched")[:500]:
        assert prompt.render(record["premise"], record["hypothesis"]) == doc_to_text(record)


def test_every_task_file_is_found_by_the_index():
    from lm_eval.tasks import TaskManager

    from synth_eval.paths import folder

    files = {path.stem for path in folder("tasks").rglob("*.yaml")}
    assert files == set(TaskManager(include_defaults=False, include_path=str(folder("tasks"))).all_tasks)


def test_the_literal_command_of_the_harness(stories, tmp_path):
    """No flag, no path of ours: `lm_eval --tasks hans_heuristics`, from another folder."""
    command = [Path(sys.executable).with_name("lm_eval"), "--tasks", "hans_heuristics", "--model", "hf"]
    command += ["--model_args", f"pretrained={stories}", "--limit", "5", "--batch_size", "16", "--device", "cpu"]
    command += ["--output_path", tmp_path]
    done = subprocess.run([str(part) for part in command], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "lexical_overlap non-entailed" in done.stdout and "ln_subject/object_swap" in done.stdout
    assert "unequal length" in done.stderr and "same number of documents" not in done.stderr
    results = json.loads(next(tmp_path.rglob("results_*.json")).read_text())
    assert set(results["groups"]) == {"hans_heuristics", *(f"hans_{heuristic}" for heuristic in HEURISTICS)}
