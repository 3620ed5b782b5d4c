"""Rows that no run made: chance, and what was published."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth_eval import paths
from synth_eval.errors import InputError
from synth_eval.files import read_json
from synth_eval.leaderboard.boards import Board, ExperimentBoard
from synth_eval.leaderboard.hans_scores import CELLS, ENTAILMENT_RATE, Verdict, report
from synth_eval.leaderboard.rows import Entry, Row, entry, with_fingerprint
from synth_eval.nli.hans import PAIRS_PER_SUBCASE, SUBCASES
from synth_eval.nli.labels import NON_ENTAILMENT
from synth_eval.provenance import sha256_file

PUBLISHED = "published_hans.json"
PUBLISHED_CURVES = "published_zhang_pavlick.json"


def reference_rows(board: Board) -> list[Row]:
    """The chance row of a board and, for HANS, the published rows."""
    return [*(published_rows() if board.name == "hans" else []), chance_row(board)]


def chance_row(board: Board) -> Row:
    """A coin over two labels, in every score of HANS, too; where scores are over three labels, a draw from those.

    By HANS cell a constant answer gets 100 % and 0 %, and so a half on average, too.
    """
    coin = Entry(value=0.5, method="coin over two labels")
    three = Entry(value=1 / 3, method="uniform guess over three labels")
    scores = {name: coin if board.by_heuristic or name.endswith("_2label") else three for name in board.metrics}
    name = "chance (coin over two labels)" if board.by_heuristic else "chance (uniform over 3 labels, coin over 2)"
    row = Row(board=board.name, kind="chance", name=name, status="chance", scores=scores)
    return with_fingerprint(row)


def never_entailed(row: Row, score: str, board: ExperimentBoard) -> float | None:
    """What the constant answer "not entailed" gets on the documents of an experiment's row; None over three labels.

    None, too, where the row does not say how many of them are entailed.
    """
    if score in board.general:
        task = (
            f"multinli_{score.removesuffix('_2label')}"
            if board.parts[1].name == "multinli"
            else board.parts[1].tasks[0]
        )
        return 1 - row.entailed[task] if score.endswith("_2label") and task in row.entailed else None
    cells = [name for name in CELLS if score in ("overall", name, name.partition("/")[0])]
    n = {name: row.scores[name].n or 0 for name in cells if name in row.scores}
    return sum(count for name, count in n.items() if name.endswith(NON_ENTAILMENT)) / sum(n.values()) if n else None


def published_rows(path: Path | None = None) -> list[Row]:
    """The rows of ``leaderboards/published_hans.json``.

    Single models are given by subcase (of 1,000 pairs each); cells and overall follow from these, with intervals made
    as for any run, and must agree with the published ones. A mean of runs carries its standard deviation.

    Raises:
        InputError: the file's numbers do not agree with one another.
    """
    path = path or paths.folder("leaderboards") / PUBLISHED
    return list(_rows(path, sha256_file(path)))


@functools.lru_cache(maxsize=4)
def _rows(path: Path, content_hash: str) -> tuple[Row, ...]:
    """The rows of the file while its content is that of the hash."""
    content = read_json(path)
    rows = [_single(item, path) for item in content["models"]] + [_mean(item) for item in content["means"]]
    return tuple(with_fingerprint(row) for row in rows)


def _single(item: dict[str, Any], path: Path) -> Row:
    found = report(_verdicts(item["subcases"], f"{path}, {item['name']}"))
    for name, value in item["scores"].items():
        if abs(found.scores[name].value - value) > 6e-6:  # overall is published to five digits
            where, derived = f"{path}, {item['name']}, {name}", found.scores[name].value
            raise InputError(where, f"{value}", f"{derived}, the mean of its subcases", "restore the file")
    return Row(
        board="hans",
        kind="published",
        name=item["name"],
        status="published",
        scores={name: entry(value) for name, value in found.scores.items()},
        subcases={name: entry(value) for name, value in found.subcases.items()},
        n=found.n,
        constant_answer=found.constant_answer,
        source=item["source"],
    )


def _mean(item: dict[str, Any]) -> Row:
    runs = item["runs"]
    means, sds = dict(item["mean"]), dict(item["sd"])
    scores = {
        name: Entry(value=means[name], n=runs, method=f"mean of {runs} runs; sd between runs", sd=sds[name])
        for name in means
    }
    entailed, other = CELLS[0::2], CELLS[1::2]  # equal sizes: the answer rate follows from the six cells
    rate = (sum(means[name] for name in entailed) + sum(1 - means[name] for name in other)) / len(CELLS)
    scores[ENTAILMENT_RATE] = Entry(value=round(rate, 4), n=runs, method="from the means of the six cells")
    for heuristic in dict.fromkeys(name.split("/")[0] for name in CELLS):
        value = sum(means[name] for name in CELLS if name.startswith(f"{heuristic}/")) / 2
        scores[heuristic] = Entry(value=round(value, 4), n=runs, method="from the means of its two cells")
    return Row(
        board="hans", kind="published", name=item["name"], status="published", scores=scores, source=item["source"]
    )


def _verdicts(subcases: dict[str, float], where: str) -> Iterator[Verdict]:
    for name in SUBCASES:
        right = round(subcases[name] * PAIRS_PER_SUBCASE)
        if abs(right / PAIRS_PER_SUBCASE - subcases[name]) > 1e-9:
            expected = f"a share of {PAIRS_PER_SUBCASE} pairs"
            raise InputError(f"{where}, {name}", str(subcases[name]), expected, "restore the file")
        for number in range(PAIRS_PER_SUBCASE):
            yield Verdict(name, float(number < right))


@dataclass(frozen=True)
class Curve:
    """A published line: accuracies of one arm from one starting point."""

    starting_point: int | None
    """Training pairs of step 1; None: the full set."""
    arm: str
    sizes: tuple[int, ...]
    """Augmentation sizes."""
    scores: dict[str, tuple[float, ...]]
    """Score -> accuracy at each size, as fractions."""


def published_curves(path: Path | None = None) -> tuple[list[Curve], str, str]:
    """The lines of ``leaderboards/published_zhang_pavlick.json``, where its numbers come from, and what is in doubt.

    Raises:
        InputError: a line has not one number a size.
    """
    path = path or paths.folder("leaderboards") / PUBLISHED_CURVES
    content = read_json(path)
    sizes = tuple(content["augmentation_sizes"])
    curves = []
    for item in content["series"]:
        scores = {name: tuple(values) for name, values in item["scores"].items()}
        if any(len(values) != len(sizes) for values in scores.values()):
            where = f"{path}, {item['arm']} from {item['starting_point']}"
            raise InputError(where, "a line that ends early", f"{len(sizes)} numbers", "restore the file")
        curves.append(Curve(item["starting_point"], item["arm"], sizes, scores))
    return curves, str(content["source"]), str(content["doubt"])


def curves_beside(starting_point: int | None, largest: int) -> tuple[list[Curve], bool]:
    """The published lines to show with a starting point, and whether they belong into the same panel.

    They do from the very same starting point, where the largest augmentation is at least a third of theirs and at
    most three times as large. Otherwise those of the nearest starting point (in ratio) are told.
    """
    curves, _, _ = published_curves()
    known = sorted({curve.starting_point for curve in curves}, key=lambda start: math.inf if start is None else start)
    if starting_point in known:
        nearest = starting_point
    else:
        numbers = [number for number in known if number]
        nearest = min(numbers, key=lambda number: abs(math.log(number / max(1, starting_point or 1))))
    chosen = [curve for curve in curves if curve.starting_point == nearest]
    theirs = max(size for curve in chosen for size in curve.sizes)
    return chosen, nearest == starting_point and theirs / 3 <= largest <= theirs * 3
