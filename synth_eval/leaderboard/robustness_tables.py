"""The robustness boards as Markdown and CSV: a table a starting point, differences, all heuristics, published rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from synth_eval.leaderboard import references
from synth_eval.leaderboard.boards import ExperimentBoard
from synth_eval.leaderboard.hans_scores import CELLS, ENTAILMENT_RATE, HEADLINE
from synth_eval.leaderboard.robustness import Point, points
from synth_eval.leaderboard.rows import Row
from synth_eval.leaderboard.tables import NONE, csv_cell, entry_numbers, grid, markdown_source, markdown_text
from synth_eval.metrics.seeds import SINGLE_SEED, OverSeeds
from synth_eval.nli.hans import SUBCASES
from synth_eval.nli.labels import NON_ENTAILMENT
from synth_eval.settings import Strict

HANS_VIEWS = ("overall", "lexical_overlap", *CELLS[1::2])
TITLES = {
    "acc": "3 labels",
    "acc_2label": "2 labels",
    "overall": "HANS",
    ENTAILMENT_RATE: "says entailment",
}
_ENDS = ("", "_low", "_high")


class Plan(Strict):
    """What is said of an experiment beside its rows."""

    note: str = ""
    cells: int = 0
    """Planned, finished or not; 0 where it is not known."""
    recipe_hash: str = ""
    figure: str = ""
    """File name of its figure."""


def views(board: ExperimentBoard) -> tuple[str, ...]:
    """The scores of the main tables: the paper's seven views where there are as many, and the other heuristics."""
    return (*board.general, *HANS_VIEWS)


def title(score: str) -> str:
    """A score as a heading: ``lexical overlap, not entailed``."""
    name, _, label = score.partition("/")
    text = TITLES.get(name, name.replace("_2label", ", 2 labels")).replace("_", " ")
    return f"{text}, {'not entailed' if label == NON_ENTAILMENT else 'entailed'}" if label else text


def start_text(starting_point: int | None) -> str:
    """A starting point as the tables name it."""
    return "full" if starting_point is None else f"{starting_point:,}"


def markdown(rows: Sequence[Row], board: ExperimentBoard, plans: Mapping[str, Plan]) -> str:
    """The board as Markdown: each experiment with its tables, then what was published."""
    found = points(rows, board)
    parts = [f"# {board.title}", _HOW_TO_READ]
    for name in dict.fromkeys([*(point.experiment for point in found), *plans]):
        parts += _experiment([point for point in found if point.experiment == name], name, board, plans.get(name))
    if board.published:
        parts += _published()
    parts += [f"One line a cell: `{board.name}.csv`. Over seeds, every score: `{board.name}_seeds.csv`."]
    return "\n\n".join(parts) + "\n"


def cells_csv(rows: Iterable[Row], board: ExperimentBoard) -> str:
    """One line a cell, seeds apart: fractions, with ``_low`` and ``_high`` (95 % over test items) beside each score."""
    names = [*board.metrics, *SUBCASES]
    facts = ("experiment", "arm", "starting_point", "augmentation_size", "seed")
    said = ("status", "n", "constant_answer", "ties", "model", "prompt", "lm_eval_version", "synth_eval_version")
    files = ("stages", "evaluations", "data", "provenance", "fingerprint")
    lines: list[list[str]] = [[*facts, *said, *(name + end for name in names for end in _ENDS), *files]]
    for row in rows:
        if (cell := row.cell) is None:
            continue
        start = "full" if cell.starting_point is None else cell.starting_point
        texts = [cell.experiment, cell.arm, start, cell.augmentation_size, cell.seed]
        scores = [row.scores.get(name) or row.subcases.get(name) for name in names]
        numbers = [number for score in scores for number in entry_numbers(score)[: len(_ENDS)]]
        last = [cell.stages, " ".join(cell.evaluations), cell.data, row.provenance, row.fingerprint]
        facts_of_row = [getattr(row, name) for name in said]
        lines.append([*map(csv_cell, texts), *map(csv_cell, facts_of_row), *numbers, *map(csv_cell, last)])
    return _csv(lines)


def seeds_csv(rows: Iterable[Row], board: ExperimentBoard) -> str:
    """One line a point and score, over seeds: fractions; intervals are Student's t, ``sampling`` is over test items."""
    key = ("experiment", "arm", "starting_point", "augmentation_size", "status", "documents", "score")
    numbers = ("seeds", "mean", "sd", "low", "high", "sampling_half_width")
    difference = tuple(f"difference_{name}" for name in numbers[:-1])
    lines = [[*key, *numbers, *difference, "remark"]]
    for point in points(rows, board):
        start = "full" if point.starting_point is None else point.starting_point
        facts = (point.experiment, point.arm, start, point.augmentation_size, point.status, point.rows[0].n)
        for score, over in point.scores.items():
            against = point.differences.get(score)
            texts = [*map(csv_cell, (*facts, score)), *_numbers(over), *_numbers(against)[:-1]]
            lines.append([*texts, _remark(point, score)])
    return _csv(lines)


def over_text(over: OverSeeds | None) -> str:
    """``66.1 ± 2.0 (3)``: mean, standard deviation between seeds, seeds; in percent."""
    if over is None:
        return NONE
    spread = "" if over.sd is None else f" ± {100 * over.sd:.1f}"
    return f"{100 * over.mean:.1f}{spread} ({over.n})"


def difference_text(point: Point, score: str) -> str:
    """``−12.3 [−20.1, −4.5] (3)``: points, 95 % interval over seeds, seeds."""
    over, remark = point.differences.get(score), _remark(point, score)
    if over is None:
        return remark or NONE
    interval = "" if over.low is None or over.high is None else f" [{_signed(over.low)}, {_signed(over.high)}]"
    return f"{_signed(over.mean)}{interval} ({over.n}{', ' + remark if remark else ''})"


_HOW_TO_READ = (
    "Accuracy in percent: mean ± standard deviation between training seeds (number of seeds). Differences are to the "
    "own starting model of the same seed, in points, with Student's 95 % interval over seeds; only the same documents "
    "are subtracted. Over one seed there is no interval, and on lexical overlap, not entailed, a difference below "
    f"{100 * SINGLE_SEED:.0f} points is *not evidence*: 100 fine-tunings of BERT that differed in the seed alone had a "
    "standard deviation of 12.4 points there (McCoy, Min & Linzen 2020, arXiv 1911.02969). *Test items* is the mean "
    "half-width of the single runs' own 95 % intervals, which the spread between seeds does not contain."
)


def _experiment(found: list[Point], name: str, board: ExperimentBoard, plan: Plan | None) -> list[str]:
    done, parts = sum(len(point.rows) for point in found), [f"## Experiment {markdown_text(name)}"]
    if plan is not None:
        parts += [markdown_source(plan.note)] if plan.note else []
        extra = f" ({done - plan.cells} more are from an earlier plan)" if done > plan.cells else ""
        parts += [f"**{min(done, plan.cells)} of {plan.cells} cells** are finished{extra}."] if plan.cells else []
        parts += [f"![{markdown_text(name)}: accuracy against augmentation size]({plan.figure})"] if found else []
    for start in dict.fromkeys(point.starting_point for point in found):
        here = [point for point in found if point.starting_point == start]
        pairs = "the full set" if start is None else f"{start:,} pairs"
        parts += [f"### Starting point: {pairs}", _scores_grid(here, board)]
        augmented = [point for point in here if point.augmentation_size]
        if augmented:
            parts += ["Difference to the starting model, in points:", _differences_grid(augmented, board)]
    if found:
        parts += ["### All heuristics", _heuristics_grid(found)]
    return parts


def _scores_grid(here: list[Point], board: ExperimentBoard) -> str:
    chance = {name: entry for part in board.parts for name, entry in references.chance_row(part).scores.items()}
    columns = {"arm": [_arm(point) for point in here] + ["chance", "test items: mean half-width"]}
    columns["size"] = [f"{point.augmentation_size:,}" for point in here] + [NONE, NONE]
    for score in views(board):
        widths = [over.sampling for point in here if (over := point.scores.get(score)) and over.sampling is not None]
        width = f"± {100 * sum(widths) / len(widths):.1f}" if widths else NONE
        texts = [over_text(point.scores.get(score)) for point in here]
        columns[title(score)] = [*texts, f"{100 * chance[score].value:.1f}", width]
    columns["documents"] = [f"{point.rows[0].n:,}" for point in here] + [NONE, NONE]
    columns["status"] = [markdown_text(point.status) for point in here] + ["chance", NONE]
    return grid(columns)


def _differences_grid(augmented: list[Point], board: ExperimentBoard) -> str:
    columns = {"arm": [_arm(point) for point in augmented]}
    columns["size"] = [f"{point.augmentation_size:,}" for point in augmented]
    columns |= {title(score): [difference_text(point, score) for point in augmented] for score in views(board)}
    return grid(columns)


def _heuristics_grid(found: list[Point]) -> str:
    columns = {"arm": [_arm(point) for point in found]}
    columns["start"] = [start_text(point.starting_point) for point in found]
    columns["size"] = [f"{point.augmentation_size:,}" for point in found]
    names = (*CELLS[0::2], *CELLS[1::2], ENTAILMENT_RATE)
    columns |= {title(score): [over_text(point.scores.get(score)) for point in found] for score in names}
    return grid(columns)


def _published() -> list[str]:
    curves, source = references.published_curves()
    text = "Published, digitised: Llama-2-7B, one run a cell, no intervals; columns are augmentation sizes."
    parts = ["## Published", f"{text} {markdown_source(source)}."]
    for score in curves[0].scores:
        columns = {title(score): [f"{curve.arm} (published)" for curve in curves]}
        columns["start"] = [start_text(curve.starting_point) for curve in curves]
        for at, size in enumerate(curves[0].sizes):
            columns[f"{size:,}"] = [f"{100 * curve.scores[score][at]:.1f}" for curve in curves]
        parts += [grid(columns)]
    return parts


def _arm(point: Point) -> str:
    name = markdown_text(point.arm)
    return "starting model" if point.is_start else f"{name} (baseline)" if point.is_baseline else name


def _remark(point: Point, score: str) -> str:
    over = point.differences.get(score)
    if over is None:
        return "other documents" if score in point.incomparable else ""
    if over.n > 1 and over.low is None:
        return "all alike"
    return "not evidence" if score == HEADLINE and over.too_few else ""


def _signed(fraction: float) -> str:
    text = f"{100 * fraction:+.1f}"
    return text[1:] if text in ("+0.0", "-0.0") else text.replace("-", "−")


def _numbers(over: OverSeeds | None) -> list[str]:
    if over is None:
        return [""] * 6
    numbers = (over.mean, over.sd, over.low, over.high, over.sampling)
    return [str(over.n), *("" if number is None else repr(number) for number in numbers)]


def _csv(lines: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    return out.getvalue()
