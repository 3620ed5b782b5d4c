"""What the command line shows of reports, as tables for people and as JSON-ready objects for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from synth_eval.nli.hans import HEURISTICS, SUBCASES
from synth_eval.nli.labels import ENTAILMENT, NON_ENTAILMENT

if TYPE_CHECKING:
    from synth_eval.leaderboard import BuildReport
    from synth_eval.leaderboard.hans_scores import HansReport
    from synth_eval.leaderboard.robustness import Point
    from synth_eval.leaderboard.rows import Entry
    from synth_eval.metrics.statistics import Score


STYLE: dict[str, Any] = {"box": box.SIMPLE_HEAD, "padding": (0, 1, 0, 0)}


def hans_json(report: HansReport) -> dict[str, Any]:
    """A HANS report as one object."""
    return asdict(report)


def hans_table(report: HansReport) -> None:
    """Print a HANS report: heuristics by gold label, overall, the 30 subcases."""
    console = Console(soft_wrap=True)
    cells = Table(
        "heuristic",
        "entailed",
        "non-entailed",
        "both",
        title=f"HANS, {report.n:,} pairs: accuracy in percent [95 % interval]",
        **STYLE,
    )
    for heuristic in HEURISTICS:
        names = (f"{heuristic}/{ENTAILMENT}", f"{heuristic}/{NON_ENTAILMENT}", heuristic)
        cells.add_row(heuristic, *(_percent(report.scores.get(name)) for name in names))
    cells.add_section()
    cells.add_row("overall", "", "", _percent(report.scores["overall"]))
    cells.add_row("predicted entailment", "", "", _percent(report.scores["predicted_entailment"]))
    console.print(cells)
    subcases = Table("subcase", "gold label", "accuracy, 95 % interval", title="Subcases", **STYLE)
    for name, found in report.subcases.items():
        subcases.add_row(name, SUBCASES[name][1], _percent(found))
    console.print(subcases)
    if report.constant_answer:
        console.print(f"[yellow]Constant answer: every pair was called {report.constant_answer}.[/yellow]")


def build_json(report: BuildReport) -> dict[str, Any]:
    """A board build as one object."""
    return {
        "board": report.board,
        "added": [row.fingerprint for row in report.added],
        "skipped": [row.fingerprint for row in report.skipped],
        "refused": [{"run": str(path), "why": why} for path, why in report.refused],
        "files": [str(file) for file in report.files],
    }


def build_summary(report: BuildReport) -> None:
    """Print what a board build did."""
    console = Console(soft_wrap=True, highlight=False)
    for path, why in report.refused:
        console.print(f"refused {path}: {why}", style="red", markup=False)
    if report.refused:
        console.print(f"Board {report.board}: nothing was written.", markup=False)
        return
    console.print(f"Board {report.board}: {len(report.added)} rows added, {len(report.skipped)} already there.")
    for file in report.files:
        console.print(f"  {file}", markup=False)


def experiment(points: Sequence[Point], general: str) -> None:
    """Print an experiment's points, a line each: the general task, HANS overall, what is not entailed by heuristic."""
    names = (general, "overall", *(f"{heuristic}/{NON_ENTAILMENT}" for heuristic in HEURISTICS))
    table = Table(title="Accuracy in percent, mean over seeds; heuristics: pairs that are not entailed", **STYLE)
    for heading in (
        "start",
        "arm",
        "pairs",
        general,
        "HANS",
        *(heuristic.replace("_", "\n") for heuristic in HEURISTICS),
    ):
        table.add_column(heading, no_wrap=True, justify="left" if heading == "arm" else "right")
    before: int | None = -1
    for point in points:
        if point.starting_point != before and before != -1:
            table.add_section()
        before = point.starting_point
        start = "full" if point.starting_point is None else f"{point.starting_point:,}"
        scores = [f"{100 * point.scores[name].mean:.1f}" if name in point.scores else "–" for name in names]
        arm = "(start itself)" if point.is_start else point.arm
        table.add_row(start, arm, f"{point.augmentation_size:,}", *scores)
    Console(soft_wrap=True).print(table)


def _percent(found: Score | Entry | None) -> str:
    if found is None:
        return "–"
    interval = "" if found.low is None or found.high is None else f" [{100 * found.low:.1f}, {100 * found.high:.1f}]"
    return f"{100 * found.value:.1f}{interval}"
