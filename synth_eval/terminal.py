"""What the command line shows of reports, as tables for people and as JSON-ready objects for machines."""

from __future__ import annotations

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
    from synth_eval.leaderboard.rows import Entry, Row
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


def comparison(rows: dict[str, dict[str, Row]]) -> None:
    """Print name -> board -> row side by side: accuracy on the general set, then by heuristic and gold label."""
    table = Table(title="Accuracy in percent; hans_fresh: entailed / not entailed", **STYLE)
    for heading in ("model", "nli_fresh", *(heuristic.replace("_", "\n") for heuristic in HEURISTICS)):
        table.add_column(heading, no_wrap=True)
    for name, boards in rows.items():
        general, hans = boards["nli_fresh"].scores["acc"], boards["hans_fresh"].scores
        pairs = [(hans[f"{h}/{ENTAILMENT}"].value, hans[f"{h}/{NON_ENTAILMENT}"].value) for h in HEURISTICS]
        table.add_row(name, _percent(general), *(f"{100 * a:.1f} / {100 * b:.1f}" for a, b in pairs))
    Console(soft_wrap=True).print(table)


def _percent(found: Score | Entry | None) -> str:
    if found is None:
        return "–"
    interval = "" if found.low is None or found.high is None else f" [{100 * found.low:.1f}, {100 * found.high:.1f}]"
    return f"{100 * found.value:.1f}{interval}"
