"""`synth-eval demo`, in its quick form: recipes, harness, boards, figure; and again without doing it twice."""

import json
import os
import subprocess
import sys

import pytest


def demo(folder, *flags):
    done = subprocess.run(
        [sys.executable, "-m", "synth_eval.cli", "demo", "--quick", "--output_dir", str(folder), *flags],
        env={key: value for key, value in os.environ.items() if key != "SYNTH_EVAL_DATA"},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder / "quick", demo(folder)


def test_it_trains_evaluates_and_draws(first):
    folder, done = first
    for name in ("classifier", "classifier-no-cue", "language-model"):
        assert (folder / name / "model" / "model.safetensors").is_file()
        assert (folder / name / "provenance.json").is_file() and list((folder / name).rglob("provenance_*.json"))
    for board in ("nli_fresh", "hans_fresh"):
        rows = [json.loads(line) for line in (folder / "leaderboards" / f"{board}.jsonl").read_text().splitlines()]
        assert len(rows) == 3 and {row["status"] for row in rows} == {"settings"}
        assert {row["checkpoint"]["recipe_name"] for row in rows} > {"sft_nli_fresh"}
    assert (folder / "hans_fresh.png").read_bytes().startswith(b"\x89PNG") and (folder / "hans_fresh.svg").is_file()
    assert "the numbers mean nothing" in done.stdout and "No real data at hand" in done.stdout


def test_the_same_command_does_nothing_twice(first):
    folder, _ = first
    models = {path: path.stat().st_mtime_ns for path in folder.rglob("model.safetensors")}
    runs = set(folder.rglob("provenance_*.json"))
    report = json.loads(demo(folder.parent, "--json").stdout)
    assert models == {path: path.stat().st_mtime_ns for path in folder.rglob("model.safetensors")}
    assert runs == set(folder.rglob("provenance_*.json"))
    assert set(report["scores"]) == {"classifier", "classifier-no-cue", "language-model"}
