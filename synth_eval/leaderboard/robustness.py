"""Cells that differ in the seed alone, put together: scores over seeds, and differences to the own starting point."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from synth_eval.leaderboard.boards import ExperimentBoard
from synth_eval.leaderboard.rows import Entry, Row, canonical_json
from synth_eval.metrics.seeds import OverSeeds, over_seeds, paired_difference

START = "none"
"""The arm of a starting model."""
ARMS = (START, "original", "synthetic", "synthetic_biased", "synthetic_debiased", "mixed")
"""Arms that tables and figures name first, in this order; the others follow by name."""


@dataclass(frozen=True)
class Point:
    """One arm, starting point and augmentation size, over its seeds, all asked the same documents."""

    experiment: str
    arm: str
    starting_point: int | None
    augmentation_size: int
    rows: tuple[Row, ...]
    """By seed."""
    scores: dict[str, OverSeeds]
    differences: dict[str, OverSeeds]
    """To the starting model of the same seed, for augmented models."""
    incomparable: frozenset[str]
    """Scores whose starting model was asked other documents: these are never subtracted."""

    @property
    def is_start(self) -> bool:
        """It is a starting model: size 0 of every arm."""
        return self.arm == START

    @property
    def is_baseline(self) -> bool:
        """It has its own arm and no augmentation (such as a model that reads hypotheses alone)."""
        return not self.is_start and self.augmentation_size == 0

    @property
    def status(self) -> str:
        """``valid``, or what stands against its rows."""
        return " / ".join(sorted({row.status for row in self.rows} - {"valid"})) or "valid"


def points(rows: Iterable[Row], board: ExperimentBoard) -> list[Point]:
    """The points of a board, in table order: experiment as stored, starting point, unaugmented first, arm, size."""
    cells = [(row, row.cell) for row in rows if row.cell is not None]
    groups: dict[tuple[str, float, bool, int, str, int, str], list[Row]] = {}
    experiments = list(dict.fromkeys(cell.experiment for _, cell in cells))
    for row, cell in cells:
        order = (start_order(cell.starting_point), cell.augmentation_size > 0, *arm_order(cell.arm))
        groups.setdefault(
            (cell.experiment, *order, cell.augmentation_size, canonical_json(row.data_hashes)), []
        ).append(row)
    starts = {
        (cell.experiment, cell.starting_point, cell.seed): row
        for row, cell in cells
        if cell.arm == START and cell.augmentation_size == 0
    }
    ordered = sorted(groups, key=lambda key: (experiments.index(key[0]), *key[1:]))
    return [_point(groups[key], starts, board) for key in ordered]


def start_order(starting_point: int | None) -> float:
    """For sorting: the full set comes last."""
    return math.inf if starting_point is None else starting_point


def arm_order(arm: str) -> tuple[int, str]:
    """For sorting: arms in the order of `ARMS`, then by name."""
    return (ARMS.index(arm) if arm in ARMS else len(ARMS)), arm


def documents(row: Row, score: str, board: ExperimentBoard) -> tuple[str | None, ...]:
    """Hashes of the documents that a score is over: scores may be compared where these are equal."""
    blindspot, general = board.parts
    if score not in board.general:
        tasks = blindspot.tasks
    elif general.name == "multinli":
        tasks = (f"multinli_{score.removesuffix('_2label')}",)
    else:
        tasks = general.tasks
    return tuple(row.data_hashes.get(task) for task in tasks)


def _point(rows: list[Row], starts: dict[tuple[str, int | None, int], Row], board: ExperimentBoard) -> Point:
    by_seed = {cell.seed: (row, cell) for row in rows if (cell := row.cell) is not None}
    pairs = {seed: by_seed[seed] for seed in sorted(by_seed)}
    cell = next(cell for _, cell in pairs.values())
    scores: dict[str, OverSeeds] = {}
    differences: dict[str, OverSeeds] = {}
    incomparable: set[str] = set()
    for name in board.metrics:
        there = {seed: row for seed, (row, _) in pairs.items() if name in row.scores}
        if not there:
            continue
        half_widths = [half for row in there.values() for half in _half_width(row.scores[name])]
        scores[name] = over_seeds([row.scores[name].value for row in there.values()], half_widths)
        if cell.augmentation_size:
            begun = {seed: starts.get((cell.experiment, cell.starting_point, seed)) for seed in there}
            difference, comparable = _difference(name, there, begun, board)
            differences |= {name: difference} if difference else {}
            incomparable |= set() if comparable else {name}
    return Point(
        cell.experiment,
        cell.arm,
        cell.starting_point,
        cell.augmentation_size,
        tuple(row for row, _ in pairs.values()),
        scores,
        differences,
        frozenset(incomparable),
    )


def _difference(
    name: str, rows: dict[int, Row], starts: dict[int, Row | None], board: ExperimentBoard
) -> tuple[OverSeeds | None, bool]:
    """Over the seeds whose start was asked the same documents; False where one was asked others."""
    found = {seed: start for seed, start in starts.items() if start is not None and name in start.scores}
    same = {seed for seed in found if documents(found[seed], name, board) == documents(rows[seed], name, board)}
    values = {seed: rows[seed].scores[name].value for seed in same}
    return paired_difference(values, {seed: found[seed].scores[name].value for seed in same}), len(same) == len(found)


def _half_width(entry: Entry) -> list[float]:
    return [] if entry.low is None or entry.high is None else [(entry.high - entry.low) / 2]
