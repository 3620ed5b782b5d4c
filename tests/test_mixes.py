"""Training sets from sources: what is taken out, filtered, balanced, mixed; every pair counted."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from synth_eval import recipe
from synth_eval.data import mixes
from synth_eval.data.mix_settings import MixSettings
from synth_eval.data.mixes import mix
from synth_eval.errors import InputError
from synth_eval.nli.labels import ENTAILMENT, LABELS
from synth_eval.nli.overlap import full_overlap

ROOT = Path(__file__).resolve().parents[1]


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def pairs(count, word, labels=LABELS):
    """``count`` different pairs a label, none alike."""
    return [
        {
            "pairID": f"{word}{label}{number}",
            "premise": f"{word} {number} {label} sees {number * 7} things near {word}{number}",
            "hypothesis": f"{label} {word}{number} waits for {number * 3} others",
            "gold_label": label,
        }
        for label in labels
        for number in range(count)
    ]


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "human.jsonl", pairs(20, "oak"))
    write(tmp_path / "machine.jsonl", pairs(30, "elm"))
    return tmp_path


def made(folder, **changes):
    content = {"sources": [str(folder / "human.jsonl")], "seed": 1} | changes
    return mix(recipe.check(content, MixSettings, "test"))


def labels(found):
    return Counter(record["gold_label"] for record in found.records)


def test_sizes_are_balanced_and_a_smaller_one_is_part_of_a_larger(folder):
    small, large = made(folder, size=9), made(folder, size=31)
    assert labels(small) == dict.fromkeys(LABELS, 3)
    assert sorted(labels(large).values()) == [10, 10, 11]
    assert {r["pairID"] for r in small.records} < {r["pairID"] for r in large.records}
    assert made(folder, size=9).records == small.records != made(folder, size=9, seed=2).records


def test_shares_are_exact_by_label(folder):
    sources = [
        {"name": str(folder / "human.jsonl"), "share": 0.25, "called": "human"},
        {"name": str(folder / "machine.jsonl"), "share": 0.75, "called": "machine"},
    ]
    found = made(folder, sources=sources, size=48)
    by = Counter((record["source"], record["gold_label"]) for record in found.records)
    assert by == {("human", label): 4 for label in LABELS} | {("machine", label): 12 for label in LABELS}
    assert found.counts["used_by_source"] == {"human": 12, "machine": 36}


@given(st.integers(0, 500), st.lists(st.integers(1, 9), min_size=1, max_size=5))
@settings(deadline=None)
def test_parts_are_whole_and_near_their_share(total, weights):
    shares = {str(number): weight / sum(weights) for number, weight in enumerate(weights)}
    parts = mixes._parts(total, shares)
    assert sum(parts.values()) == total
    assert all(abs(parts[name] - total * share) < 1 for name, share in shares.items())


def test_more_than_there_is_is_refused_or_repeated(folder):
    with pytest.raises(InputError, match=r"size 90 .*20 pairs of entailment.*expected 30.*repeat: true"):
        made(folder, size=90)
    found = made(folder, size=90, repeat=True)
    assert labels(found) == dict.fromkeys(LABELS, 30) and found.counts["repeated_to_fill"] == 30
    ids = [record["pairID"] for record in found.records]
    assert len(set(ids)) == 90 and sum(name.endswith("#2") for name in ids) == 30


def test_held_out_pairs_and_near_duplicates_never_stay_unsaid(folder):
    rows = pairs(20, "oak")
    rows[0]["premise"] = rows[0]["premise"].upper() + " !"  # equal, but for case and punctuation
    words = " ".join(f"word{number}" for number in range(30))
    human = [*pairs(20, "oak"), {"pairID": "x", "premise": words, "hypothesis": "so", "gold_label": ENTAILMENT}]
    near = {"pairID": "y", "premise": words.replace("word7", "other"), "hypothesis": "so", "gold_label": ENTAILMENT}
    write(folder / "human.jsonl", human)
    held = write(folder / "held.jsonl", [rows[0], near])
    found = made(folder, held_out=held if isinstance(held, list) else [held], balanced=False)
    assert found.counts["held_out"][0] | {"set": ""} == {
        "set": "", "exact_dropped": 1, "near": 1, "threshold": 0.8, "near_duplicates": "drop",
    }  # fmt: skip
    assert not {"human.jsonl/x"} & {record["pairID"].rpartition("/")[2] for record in found.records}
    assert len(found.records) == 59
    kept = made(folder, held_out=[held], balanced=False, near_duplicates="keep")
    assert kept.counts["held_out"][0]["near"] == 1 and len(kept.records) == 60


def test_excluded_and_repeated_pairs_are_counted(folder):
    write(
        folder / "human.jsonl",
        [*pairs(20, "oak"), *({**row, "pairID": row["pairID"] + "b"} for row in pairs(2, "oak"))],
    )
    start = write(folder / "start.jsonl", pairs(5, "oak"))
    found = made(folder, exclude=[start], balanced=False)
    assert (found.counts["repeated_pairs"], found.counts["excluded"], len(found.records)) == (6, 15, 45)


@pytest.mark.parametrize("rule", ["paper", "words"])
@pytest.mark.parametrize("name", ["biased", "debiased"])
def test_filters_follow_their_rule(name, rule):
    content = {"sources": [{"name": "nli_fresh", "size": 900, "cue": 0.5}], "filter": name, "rule": rule, "seed": 1}
    found = mix(MixSettings(**content, balanced=False))
    for record in found.records:
        over = full_overlap(record["premise"], record["hypothesis"], rule)
        assert over == ((record["gold_label"] == ENTAILMENT) == (name == "biased"))
    assert found.counts["full_overlap"]["rule"] == rule and len(found.records) == sum(
        found.counts["available"].values()
    )


def test_the_paper_s_filter_on_real_synthetic_data(real_data):
    found = mix(MixSettings(sources=["supergen_mnli"], filter="biased", balanced=False))
    assert found.counts["available"] == {"entailment": 1883, "neutral": 2000, "contradiction": 1998}
    assert found.counts["full_overlap"] == {"rule": "paper", "entailment": 1883, "contradiction": 2}
    with pytest.raises(InputError, match=r"size 6,000 \(filter biased, rule paper\).*1,883 pairs of entailment"):
        mix(MixSettings(sources=["supergen_mnli"], filter="biased", size=6000))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sources": [{"name": "nli_fresh", "share": 0.5}]}, "a share for every source, 1 in all"),
        ({"sources": [{"name": "nli_fresh", "share": 1.0}]}, "a size when there are shares"),
        ({"filter": "based"}, "filter"),
        ({"sizes": 3}, "unknown key 'sizes'.*did you mean 'size'"),
        ({"sources": ["nli_frsh"]}, "did you mean 'nli_fresh'"),
        ({"sources": ["nli_fresh"], "filter": "debiased", "size": 3000}, "pairs of entailment"),
    ],
)
def test_bad_settings_are_named(folder, changes, said):
    with pytest.raises(InputError, match=said):
        made(folder, **changes)


def test_the_recipe_writes_data_and_every_count(folder):
    config = folder / "mix.yaml"
    config.write_text(yaml.safe_dump({"sources": [str(folder / "human.jsonl")], "size": 9}))
    command = [sys.executable, str(ROOT / "recipes" / "nli_data.py"), "--config", str(config), "--output_dir"]
    done = subprocess.run([*command, str(folder / "out")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "used            contradiction 3, entailment 3, neutral 3" in done.stdout, (
        done.stderr
    )
    record = json.loads((folder / "out" / "provenance.json").read_text())
    assert record["kind"] == "data" and record["counts"]["used"] == dict.fromkeys(LABELS, 3)
    again = subprocess.run([*command, str(folder / "out")], capture_output=True, text=True, timeout=60)
    assert "already there" in again.stdout
    refused = subprocess.run([*command, str(folder / "o2"), "--set", "size=999"], capture_output=True, text=True)
    assert refused.returncode == 2 and "expected 333" in refused.stderr and not (folder / "o2").exists()
