"""``synth-eval``: one function a command, everything imported inside it, so that ``--help`` loads nothing heavy.

Exit codes: 0 done, 1 failed, 2 bad input (the message says what, where and how to mend it), 130 interrupted.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from synth_eval.cli_data import data_app
from synth_eval.cli_experiment import experiment_app
from synth_eval.errors import InputError

app = typer.Typer(
    name="synth-eval",
    help="What does synthetic training data do to a language model? Tasks, recipes and boards, with error bars.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
)
board_app = typer.Typer(help="Boards: results with intervals and provenance.", no_args_is_help=True)
app.add_typer(board_app, name="board")
app.add_typer(experiment_app, name="experiment")
app.add_typer(data_app, name="data")

Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object for machines; everything else goes to stderr.")
]
FLAGS_OF_HARNESS = {"allow_extra_args": True, "ignore_unknown_options": True}


class Folder(StrEnum):
    """The data folders of the product."""

    tasks = "tasks"
    recipes = "recipes"
    leaderboards = "leaderboards"


def main() -> None:
    """Console script: run the command line, turn bad input into one message and exit code 2."""
    try:
        app()
    except InputError as error:
        if os.environ.get("SYNTH_EVAL_TRACEBACK"):
            raise
        if "--json" in sys.argv:
            fields = {"where": error.where, "found": error.found, "expected": error.expected, "fix": error.fix}
            print(json.dumps({"error": fields}, ensure_ascii=False))
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(
            "interrupted: files that were whole stay, nothing is half-written; the same command goes on",
            file=sys.stderr,
        )
        sys.exit(130)


@app.command(epilog='Example: lm_eval --include_path "$(synth-eval path tasks)" --tasks hans_heuristics …')
def path(name: Folder, as_json: Json = False) -> None:
    """Print where the tasks, recipes or leaderboards are."""
    from synth_eval.paths import folder

    _show({"path": str(folder(name.value))}, as_json, lambda: print(folder(name.value)))


@app.command(
    "eval",
    context_settings=FLAGS_OF_HARNESS,
    epilog="\n\n".join(
        (
            "Examples:",
            "synth-eval eval --model hf --model_args pretrained=gpt2 --tasks hans_heuristics --batch_size 64",
            "synth-eval eval --model synth-classifier --model_args pretrained=runs/minilm/model --tasks multinli",
            "Another prompt: --metadata prompt=true_false. Other hans_fresh pairs: --metadata seed=7.",
            "All flags: lm_eval run --help",
        )
    ),
)
def evaluate(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Load and check the tasks, print their documents, run no model.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run lm-evaluation-harness with our tasks and backends: every flag of `lm_eval run`.

    Result files are verified; per-document files and provenance are written (default: a new folder in runs/eval);
    the response cache (--use_cache) is keyed by the model; anything non-finite ends in an error.
    """
    from synth_eval.experiment import evaluate as door

    if dry_run:
        with _stdout_to_stderr(as_json):
            counts = door.documents(door.parse(context.args))
        lines = "\n".join(f"{count:>8,}  {task}" for task, count in counts.items())
        _show({"documents": counts}, as_json, lambda: print(f"{lines}\n{sum(counts.values()):>8,}  documents in all"))
        return
    try:
        with _stdout_to_stderr(as_json):
            done = door.evaluate(context.args)
    except KeyboardInterrupt as stop:
        print("interrupted: nothing was written; with --use_cache FILE the same command goes on", file=sys.stderr)
        raise typer.Exit(130) from stop
    summary = {
        "results": str(done.results),
        "provenance": str(done.provenance),
        "samples": {task: str(file) for task, file in done.samples.items()},
        "status": done.status,
        "scores": done.scores,
    }
    next_step = "\n".join(
        f"Next: synth-eval board build {done.results} --board {name}" for name in _boards(done.samples)
    )
    _show(summary, as_json, lambda: print(f"Verified ({done.status}): {done.results}\n{next_step}"))


@app.command(epilog="Example: synth-eval score hans --predictions bert_preds.txt")
def score(
    name: Annotated[str, typer.Argument(help="The labelled set: hans.")],
    predictions: Annotated[Path, typer.Option(help="Predicted labels: CSV (pairID,gold_label) or JSONL.")],
    data: Annotated[Path | None, typer.Option(help="The labelled set's file; default: as the tasks find it.")] = None,
    as_json: Json = False,
) -> None:
    """Score a file of predicted labels without any model: heuristics by gold label, 30 subcases, overall."""
    from synth_eval import terminal
    from synth_eval.data.records import read_predictions
    from synth_eval.data.sources import load
    from synth_eval.leaderboard import hans_scores

    if name != "hans":
        raise InputError("score", repr(name), "hans", "synth-eval score hans --predictions FILE")
    report = hans_scores.score_hans(read_predictions(predictions), load("hans", path=data), str(predictions))
    _show(terminal.hans_json(report), as_json, lambda: terminal.hans_table(report))


@board_app.command(
    "build",
    epilog="Examples: synth-eval board build runs/eval --board hans; "
    "synth-eval board build runs/EXPERIMENT --board nli_robustness",
)
def board_build(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders or results files of `synth-eval eval`; or one experiment's folder."),
    ] = None,
    board: Annotated[
        str,
        typer.Option(help="hans, hans_fresh, multinli, nli_fresh; of an experiment: nli_robustness[_fresh]."),
    ] = "hans",
    folder: Annotated[Path, typer.Option(help="Where the boards are.")] = Path("leaderboards"),
    name: Annotated[str | None, typer.Option(help="What the tables call the new rows.")] = None,
    as_json: Json = False,
) -> None:
    """Add the rows of runs to a board (value, n, interval, provenance) and write its tables."""
    from synth_eval import leaderboard, terminal
    from synth_eval.leaderboard.boards import EXPERIMENT_BOARDS

    if board in EXPERIMENT_BOARDS:
        if len(runs or []) > 1 or name is not None:
            fix = "build once for each experiment; cells have their names from it"
            raise InputError("board build", "several folders, or --name", f"one experiment on {board}", fix)
        report = leaderboard.experiment_board(runs[0] if runs else None, folder, board)
    else:
        report = leaderboard.board_build(runs or [], board, folder, name)
    finished, planned = report.cells or (0, 0)
    about = {"cells": {"finished": finished, "planned": planned}} if report.cells else {}
    _show(terminal.build_json(report) | about, as_json, lambda: terminal.build_summary(report))
    if planned and not as_json:
        print(f"{finished} of {planned} cells are finished.")
    if report.refused:
        raise typer.Exit(1)


@app.command(epilog="Example: synth-eval breakdown runs/eval --by runs/hardness/hardness.jsonl")
def breakdown(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders or results files of `synth-eval eval`; or one experiment's folder.")
    ],
    by: Annotated[Path, typer.Option(help="The file that recipes/nli_hardness.py wrote.")],
    as_json: Json = False,
) -> None:
    """Accuracy of NLI runs on easy, ambiguous and hard pairs, each with n and interval."""
    from synth_eval.leaderboard import breakdown as tables

    found = tables.break_down(runs, by)
    _show(tables.as_json(found), as_json, lambda: tables.show(found))


@app.command(epilog="Example: synth-eval demo --output_dir demo")
def demo(
    output_dir: Annotated[Path, typer.Option("--output_dir", help="Everything is written here.")] = Path("demo"),
    quick: Annotated[
        bool, typer.Option("--quick", help="Little data, one minute: tries the installation, proves nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a small language model and classifiers, evaluate them with the harness, put them on a board (4 minutes)."""
    from synth_eval import demonstration

    with _stdout_to_stderr(as_json):
        outcome = demonstration.run(output_dir, quick)
    _show(outcome, as_json, lambda: None)


@app.command(epilog="Example: synth-eval doctor --json")
def doctor(as_json: Json = False) -> None:
    """Versions, whether lm_eval sees our tasks, which data is found where, the Hub, the GPU."""
    from synth_eval import doctor as checks

    report = checks.examine()
    _show(report, as_json, lambda: checks.show(report))
    if not report["healthy"]:
        raise typer.Exit(1)


def _boards(tasks: Iterable[str]) -> list[str]:
    """The boards that a run with these tasks can be put on."""
    from synth_eval.leaderboard.boards import BOARDS

    asked = set(tasks)
    return [
        name
        for name, board in BOARDS.items()
        if (asked >= set(board.tasks) if board.whole else asked & set(board.tasks))
    ]


@contextlib.contextmanager
def _stdout_to_stderr(active: bool) -> Any:
    """Under ``--json`` what libraries print goes to stderr, so that stdout holds one JSON object."""
    with contextlib.redirect_stdout(sys.stderr) if active else contextlib.nullcontext():
        yield


def _show(value: object, as_json: bool, otherwise: Any) -> None:
    if as_json:
        print(json.dumps(value, ensure_ascii=False, allow_nan=False))
    else:
        otherwise()


if __name__ == "__main__":
    main()
