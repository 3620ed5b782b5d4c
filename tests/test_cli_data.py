"""``synth-eval data``: the published counts, duplicates that were put there, and messages that help."""

import json
import sys

import pytest

from synth_eval import cli
from synth_eval.data import sources
from synth_eval.data.records import write_records

PAPER = {  # the paper's rule; entailment, neutral, contradiction
    "supergen_mnli": (1_883, 0, 2),
    "fewgen_mnli_13": (333, 0, 6),
    "multinli_train": (468, 15, 45),
    "multinli_matched": (54, 0, 5),
    "multinli_mismatched": (63, 0, 4),
}
WORDS = {"supergen_mnli": (1_922, 0, 7), "fewgen_mnli_13": (1_253, 4, 43), "multinli_train": (588, 18, 48)}
ROWS = {"multinli_train": (8_192, 7_598, 8_720), "supergen_mnli": (2_000,) * 3, "fewgen_mnli_13": (5_000,) * 3}


@pytest.fixture
def command(monkeypatch, capfd):
    """Run ``synth-eval data ARGS`` in this process; returns exit code, stdout, stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["synth-eval", "data", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as done:
            code = int(done.code or 0)
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return run


def pair(name, premise, hypothesis, label="neutral"):
    return {"pairID": name, "premise": premise, "hypothesis": hypothesis, "gold_label": label}


@pytest.fixture
def files(tmp_path):
    """A training file with one exact and one near copy inside and one exact and one near copy of evaluation pairs."""
    words = " ".join(f"word{number}" for number in range(18))
    train = [
        pair("a", f"{words} end", "It is so."),
        pair("b", f"{words.upper()}  end!", "it is so", "entailment"),
        pair("c", f"{words} finish", "It is so."),
        pair("d", "Nothing like the others at all", "Indeed not"),
    ]
    held_out = [pair("x", "nothing like the others at all.", "indeed not"), pair("y", f"{words} stop", "it is so")]
    train_file, held_out_file = tmp_path / "train.jsonl", tmp_path / "held_out.jsonl"
    write_records(train_file, train)
    write_records(held_out_file, held_out)
    return train_file, held_out_file


@pytest.mark.parametrize("name", ["list", "overlap", "duplicates"])
def test_every_help_shows_an_example_and_json(command, name):
    code, out, _ = command(name, "--help")
    assert code == 0 and "Example" in out and "--json" in out


def test_overlap_gives_the_counted_numbers(command, real_data, monkeypatch):
    monkeypatch.setenv("SYNTH_EVAL_DATA", str(real_data))
    code, out, err = command("overlap", *PAPER, "--json")
    found = json.loads(out)["overlap"]
    assert code == 0 and err == "" and len(found) == 10
    for rule, expected in (("paper", PAPER), ("words", WORDS)):
        by_source = {one["source"]: one for one in found if one["rule"] == rule}
        for name, counts in expected.items():
            assert tuple(by_source[name]["overlap"].values()) == counts, (rule, name)
            assert list(by_source[name]["overlap"]) == ["entailment", "neutral", "contradiction"]
        for name, rows in ROWS.items():
            assert tuple(by_source[name]["by_label"].values()) == rows and by_source[name]["rows"] == sum(rows)


def test_overlap_table_names_the_rule(command, real_data, monkeypatch):
    monkeypatch.setenv("SYNTH_EVAL_DATA", str(real_data))
    code, out, _ = command("overlap", "supergen_mnli", "hans")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert ["supergen_mnli", "6,000", "paper", "1,883/2,000", "0/2,000", "2/2,000", "–"] in lines
    assert ["supergen_mnli", "6,000", "words", "1,922/2,000", "0/2,000", "7/2,000", "–"] in lines
    assert [line[1:3] for line in lines if line[:1] == ["hans"]] == [["30,000", "paper"], ["30,000", "words"]]


def test_overlap_takes_files_and_options(command, files):
    code, out, _ = command("overlap", files[0], "nli_fresh:size=30,cue=0", "nli_fresh:size=60,seed=2", "--json")
    assert code == 0 and [one["rows"] for one in json.loads(out)["overlap"]] == [4, 4, 30, 30, 60, 60]


def test_duplicates_are_found_counted_and_written(command, files, tmp_path):
    train, held_out = files
    output = tmp_path / "new" / "duplicates.jsonl"
    code, out, err = command("duplicates", train, "--against", held_out, "--output", output, "--json")
    report = json.loads(out)
    counts = {one["against"]: (one["rows"], one["exact"], one["near"], one["other_label"]) for one in report["counts"]}
    assert code == 0 and counts == {str(train): (4, 1, 1, 1), str(held_out): (4, 1, 3, 1)}
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert len(rows) == 6 and "6 duplicates" in err
    found = {(row["against"], row["pairID"]): (row["kind"], row["other_pairID"]) for row in rows}
    assert found[str(train), "b"] == ("exact", "a") and found[str(train), "c"] == ("near", "a")
    assert found[str(held_out), "d"] == ("exact", "x") and found[str(held_out), "a"] == ("near", "y")
    assert all((row["jaccard"] == 1) if row["kind"] == "exact" else 0.8 <= row["jaccard"] < 1 for row in rows)


def test_duplicates_table_and_examples(command, files):
    train, held_out = files
    code, out, _ = command("duplicates", train, "--against", held_out, "--examples", 1)
    assert code == 0 and "itself, earlier" in out and "Nothing like the others at all → Indeed not" in out
    assert out.count("exact, Jaccard 1.00") == 2 and out.count(": near, Jaccard") == 2
    inside = json.loads(command("duplicates", train, "--against", "", "--threshold", 1, "--json")[1])
    assert [(one["exact"], one["near"]) for one in inside["counts"]] == [(1, 0)]


def test_a_set_is_not_held_against_itself(command, files):
    train, _ = files
    report = json.loads(command("duplicates", train, "--against", train, "--json")[1])
    assert [one["exact"] for one in report["counts"]] == [1]


def test_against_takes_sources_with_options(command, files):
    against = "nli_fresh:size=30,cue=0,hans_fresh:per_subcase=2"
    report = json.loads(command("duplicates", files[0], "--against", against, "--json")[1])
    wanted = [str(files[0]), "nli_fresh:size=30,cue=0", "hans_fresh:per_subcase=2"]
    assert [one["against"] for one in report["counts"]] == wanted


def test_copies_inside_a_published_synthetic_set(command, real_data, monkeypatch):
    monkeypatch.setenv("SYNTH_EVAL_DATA", str(real_data))
    code, out, _ = command("duplicates", "fewgen_mnli_13", "--against", "", "--json")
    counts = {(one["train"], one["against"]): (one["exact"], one["near"]) for one in json.loads(out)["counts"]}
    assert code == 0 and counts["fewgen_mnli_13", "fewgen_mnli_13"][0] == 64
    assert 355 <= counts["fewgen_mnli_13", "fewgen_mnli_13"][1] <= 360  # 360 when every pair is compared


def test_list_says_where_and_how_many(command, real_data, monkeypatch):
    monkeypatch.setenv("SYNTH_EVAL_DATA", str(real_data))
    found = {one["name"]: one for one in json.loads(command("list", "--json")[1])["data"]}
    assert tuple(found) == sources.names() and found["hans"]["rows"] == 30_000
    assert found["multinli_train"]["rows"] == 24_510 and found["nli_fresh"]["where"] == "generated"
    assert "supergen_mnli" in command("list")[1]


def test_list_without_data_says_what_to_do(command, monkeypatch, tmp_path):
    monkeypatch.delenv("SYNTH_EVAL_DATA", raising=False)
    found = {one["name"]: one for one in json.loads(command("list", "--json")[1])["data"]}
    assert found["supergen_mnli"]["where"] is None and "SYNTH_EVAL_DATA" in found["supergen_mnli"]["detail"]
    assert found["hans"]["where"] == "hub" and found["hans"]["rows"] == 30_000
    broken = tmp_path / "supergen_mnli" / "train.json"
    broken.parent.mkdir()
    broken.write_text("{")
    monkeypatch.setenv("SYNTH_EVAL_DATA", str(tmp_path))
    code, out, _ = command("list", "--json")
    one = next(one for one in json.loads(out)["data"] if one["name"] == "supergen_mnli")
    assert code == 0 and one["where"] == "SYNTH_EVAL_DATA" and one["rows"] is None and "Fix:" in one["detail"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("overlap", "nli_frsh"), "did you mean 'nli_fresh'"),
        (("overlap", "nli_fresh:size"), "option=value"),
        (("overlap", "nli_fresh:size=x"), "a whole number"),
        (("overlap", "nli_fresh:sise=3"), "did you mean 'size'"),
        (("duplicates", "nli_fresh", "--against", "hnas_fresh"), "did you mean 'hans_fresh'"),
        (("duplicates", "nli_fresh", "--threshold", "0.1"), "from 0.5 to 1"),
        (("duplicates", "nli_fresh", "--threshold", "nan"), "from 0.5 to 1"),
        (("duplicates", "nli_fresh", "--output", "."), "a file"),
        (("duplicates",), "Missing argument"),
    ],
)
def test_bad_input_is_told_with_its_fix(command, arguments, words):
    code, _, err = command(*arguments)
    assert code == 2 and words in err and "Traceback" not in err
