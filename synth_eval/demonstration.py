"""``synth-eval demo``: the whole experiment in small, with no network; recipes/nli_robustness_demo.yaml says what.

Pairs of the built-in grammar are the human data. A small language model learns to write such pairs and is sampled;
small encoders are trained on human pairs and then on more pairs of three arms; the harness asks them; board, figure.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from synth_eval import cli_experiment, terminal
from synth_eval.errors import InputError
from synth_eval.leaderboard import board_rows
from synth_eval.leaderboard.boards import EXPERIMENT_BOARDS
from synth_eval.leaderboard.robustness import Point, points
from synth_eval.nli.hans import HEURISTICS
from synth_eval.nli.labels import NON_ENTAILMENT
from synth_eval.paths import folder

BOARD, GENERAL = "nli_robustness_fresh", "acc"
CELLS = [f"{heuristic}/{NON_ENTAILMENT}" for heuristic in HEURISTICS]
QUICK = [
    "name=quick",
    "note=The quick demo; its numbers mean nothing.",
    "human.size=900",
    "starting_points=[0]",
    "sizes=[60]",
    "generators={}",
    "arms={original: {sources: human}, biased: {sources: human, filter: biased, rule: words}}",
    "classifier.epochs=1",
    "evaluations=[{tasks: [nli_fresh, hans_fresh], metadata: {cue: 0.6, size: 90, per_subcase: 2}}]",
]


def run(output_dir: Path, quick: bool = False) -> dict[str, Any]:
    """Do everything, in ``output_dir``; what is done already is kept.

    Args:
        output_dir: where stages, board and figure go.
        quick: little data, no generator, few documents, to try the installation.

    Returns:
        Seconds, the scores of every arm, starting point and size, and the files.

    Raises:
        InputError: a stage failed; what was finished stays.
    """
    console, start = Console(soft_wrap=True, highlight=False), time.monotonic()
    os.environ.setdefault("LMEVAL_LOG_LEVEL", "WARNING")
    recipe = folder("recipes") / "nli_robustness_demo.yaml"
    plan = cli_experiment.make_plan(recipe, QUICK if quick else [], None)
    console.print(f"{recipe}: {len(plan.cells)} cells, {len(plan.stages)} stages")
    report, boards = cli_experiment.execute(plan, output_dir, None, lambda line: console.print(line, markup=False))
    for failure in report.failed:
        lines = "\n    ".join(failure.lines)
        raise InputError(
            failure.stage.name, f"exit status {failure.status}:\n    {lines}", "status 0", f"{failure.log}"
        )
    shown = points(board_rows(BOARD, output_dir / plan.settings.name), EXPERIMENT_BOARDS[BOARD])
    terminal.experiment(shown, GENERAL)
    if quick:
        console.print("Everything works. This was the quick run: the numbers mean nothing.")
    else:
        console.print(reading(shown))
    files = [str(file) for board in boards for file in board.files]
    _say_what_is_next(console, files, recipe, time.monotonic() - start)
    scores = [
        {"arm": point.arm, "starting_point": point.starting_point, "augmentation_size": point.augmentation_size}
        | {name: score.mean for name, score in point.scores.items()}
        for point in shown
    ]
    return {"seconds": round(time.monotonic() - start, 1), "scores": scores, "files": files}


def reading(shown: Sequence[Point]) -> str:
    """What the largest sizes say, in words, and only that."""
    last = max(point.augmentation_size for point in shown)
    lines = []
    for start in dict.fromkeys(point.starting_point for point in shown):
        at = {point.arm: point for point in shown if (point.starting_point, point.augmentation_size) == (start, last)}
        said = ", ".join(
            f"{_blindspot(point):.0%} {arm} ({point.scores[GENERAL].mean:.0%})" for arm, point in at.items()
        )
        lines.append(f"Start {start:,}, {last:,} pairs more: {said}.")
    return (
        "\nNot-entailed pairs that were got right, mean of the heuristics (in brackets: accuracy on nli_fresh):\n"
        + "\n".join(lines)
        + "\nOne seed: differences below some 25 points on one heuristic are no evidence; more seeds are."
    )


def _blindspot(point: Point) -> float:
    return sum(point.scores[cell].mean for cell in CELLS) / len(CELLS)


def _say_what_is_next(console: Console, files: Sequence[str], recipe: Path, seconds: float) -> None:
    figure = next((file for file in files if file.endswith(".png")), "")
    console.print(
        f"\nDone in {seconds / 60:.1f} minutes. Look at {figure}"
        "\nNext:"
        f"\n  synth-eval experiment plan {recipe}   # the cells, what is done, hours to go"
        "\n  synth-eval path recipes   # nli_robustness_small.yaml: the same on MultiNLI and HANS, with real encoders"
        "\n  synth-eval eval --tasks hans_heuristics --model hf --model_args pretrained=YOUR_MODEL --batch_size 64",
        soft_wrap=True,
    )
