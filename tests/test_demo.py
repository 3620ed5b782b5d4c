"""`synth-eval demo`, in its quick form: arms, harness, board, figure; and again without doing it twice."""

import json
import os
import subprocess
import sys

import pytest

from synth_eval import demonstration
from synth_eval.leaderboard import board_rows
from synth_eval.leaderboard.boards import EXPERIMENT_BOARDS
from synth_eval.leaderboard.robustness import points
from synth_eval.paths import folder

BOARD = demonstration.BOARD


def demo(output, *flags):
    done = subprocess.run(
        [sys.executable, "-m", "synth_eval.cli", "demo", "--quick", "--output_dir", str(output), *flags],
        env={key: value for key, value in os.environ.items() if key != "SYNTH_EVAL_DATA"},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    output = tmp_path_factory.mktemp("demo")
    return output, demo(output)


def test_it_trains_evaluates_and_draws(first):
    output, done = first
    rows = [json.loads(line) for line in (output / "quick" / f"{BOARD}.jsonl").read_text().splitlines()]
    assert [row["cell"]["arm"] for row in rows] == ["none", "original", "biased"]
    assert {row["status"] for row in rows} == {"settings"}
    assert (output / "quick" / f"{BOARD}.png").read_bytes().startswith(b"\x89PNG")
    assert "the numbers mean nothing" in done.stdout and "(start itself)" in done.stdout
    for name in ("train", "evaluate", "data"):
        assert list((output / "stages").glob(f"{name}-*/job.json"))


def test_the_same_command_does_nothing_twice(first):
    output, _ = first
    before = {path: path.stat().st_mtime_ns for path in output.glob("stages/*/*")}
    report = json.loads(demo(output, "--json").stdout)
    assert before == {path: path.stat().st_mtime_ns for path in output.glob("stages/*/*")}
    assert [row["arm"] for row in report["scores"]] == ["none", "original", "biased"]
    assert any(file.endswith(".svg") for file in report["files"])


def test_the_reading_says_what_the_board_says():
    shown = points(board_rows(BOARD, folder("leaderboards")), EXPERIMENT_BOARDS[BOARD])
    text = demonstration.reading(shown)
    biased = next(p for p in shown if p.arm == "synthetic_biased" and p.augmentation_size == 4500)
    mean = sum(biased.scores[cell].mean for cell in demonstration.CELLS) / 3
    assert f"{mean:.0%} synthetic_biased ({biased.scores['acc'].mean:.0%})" in text
    assert "no evidence" in text
