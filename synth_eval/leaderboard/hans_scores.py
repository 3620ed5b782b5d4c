"""HANS scores from per-pair verdicts: heuristics x gold label, heuristics, 30 subcases, overall, and the answer rate.

Rule (McCoy, Pavlick & Linzen 2019): the argmax over three labels comes first, then neutral and contradiction count as
non-entailment. The intervals resample whole subcases, because the pairs of one subcase share their construction and
differ in words and details alone; how many subcases each heuristic and label has is fixed by design (the strata). A
finer grouping (templates) is not used: those of one subcase are no independent draws, and not every copy of HANS names
them, so the same predictions would get other intervals. A single subcase has Wilson's interval over its pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from synth_eval.errors import InputError, nearest
from synth_eval.metrics.statistics import Score, score
from synth_eval.nli.hans import HEURISTICS, SUBCASES
from synth_eval.nli.labels import ENTAILMENT, NON_ENTAILMENT, require, two_way

CELLS = tuple(f"{heuristic}/{label}" for heuristic in HEURISTICS for label in (ENTAILMENT, NON_ENTAILMENT))
HEADLINE = f"lexical_overlap/{NON_ENTAILMENT}"
ENTAILMENT_RATE = "predicted_entailment"
METRICS = ("overall", *HEURISTICS, *CELLS, ENTAILMENT_RATE)


@dataclass(frozen=True)
class Verdict:
    """One judged pair."""

    subcase: str
    """One of the 30; it determines heuristic and gold label."""
    correct: float
    """1 or 0; between them where the answer was a tie."""

    @property
    def heuristic(self) -> str:
        """The heuristic that the pair's subcase belongs to."""
        return SUBCASES[self.subcase][0]

    @property
    def gold_label(self) -> str:
        """``entailment`` or ``non_entailment``."""
        return SUBCASES[self.subcase][1]

    @property
    def entailed(self) -> float:
        """1 where the prediction was entailment, right or wrong."""
        return self.correct if self.gold_label == ENTAILMENT else 1 - self.correct


@dataclass(frozen=True)
class HansReport:
    """What HANS says about a set of predictions."""

    scores: dict[str, Score]
    """By the names in ``METRICS``; a cell without pairs is left out."""
    subcases: dict[str, Score]
    """Accuracy by subcase, in the official order."""
    n: int
    """Pairs."""
    constant_answer: str | None
    """``entailment`` or ``non_entailment`` when every pair got that answer, else None."""


def score_hans(
    predictions: Mapping[str, str], records: Iterable[Mapping[str, Any]], source: object = "predictions"
) -> HansReport:
    """Score predicted labels, ``{pairID: label}``, against HANS records.

    Args:
        predictions: one label (three-way or two-way) for every record, and no others.
        records: with pairID, gold_label and subcase.
        source: where the predictions come from, for errors.

    Raises:
        InputError: a record without a prediction, a prediction without a record, a label or subcase that is unknown.
    """
    known = {str(record["pairID"]): record for record in records}
    _require_same_pairs(predictions, known, source)
    verdicts = []
    for pair, record in known.items():
        subcase = require_subcase(record.get("subcase"), f"HANS record {pair}")
        gold = require(record.get("gold_label"), f"HANS record {pair}")
        if two_way(gold) != SUBCASES[subcase][1]:
            expected = f"{SUBCASES[subcase][1]}, as all of {subcase}"
            raise InputError(f"HANS record {pair}", f"gold_label {gold}", expected, "use the official file")
        predicted = two_way(require(predictions[pair], f"{source}, pairID {pair}"))
        verdicts.append(Verdict(subcase, float(predicted == two_way(gold))))
    return report(verdicts)


def report(verdicts: Iterable[Verdict]) -> HansReport:
    """Aggregate judged pairs, in any order. InputError when there are none."""
    rows = list(verdicts)
    parts: dict[str, list[Verdict]] = {name: [] for name in (*METRICS, *SUBCASES)}
    for row in rows:
        for name in ("overall", row.heuristic, f"{row.heuristic}/{row.gold_label}", row.subcase):
            parts[name].append(row)
    found = {name: score([row.correct for row in part], *_design(part)) for name, part in parts.items() if part}
    rates = [row.entailed for row in rows]
    found[ENTAILMENT_RATE] = score(rates, *_design(rows))
    constant = {1.0: ENTAILMENT, 0.0: NON_ENTAILMENT}.get(rates[0]) if len(set(rates)) == 1 else None
    scores = {name: found[name] for name in METRICS if name in found}
    return HansReport(scores, {name: found[name] for name in SUBCASES if name in found}, len(rows), constant)


def require_subcase(name: object, where: object) -> str:
    """``name`` when it is one of the 30 subcases, else InputError with the nearest one."""
    if not isinstance(name, str) or name not in SUBCASES:
        raise InputError(where, f"subcase {name!r}", "one of HANS' 30 subcases", nearest(str(name), SUBCASES))
    return name


def _require_same_pairs(predictions: Mapping[str, str], known: Mapping[str, object], source: object) -> None:
    counts = f"{len(predictions):,} predictions for {len(known):,} pairs"
    fix = "predict every pair of the evaluation set once, under its own pairID (HANS has ex0 to ex29999)"
    for pair in known:
        if pair not in predictions:
            raise InputError(source, f"no prediction for pairID {pair} ({counts})", "one for every pair", fix)
    for pair in predictions:
        if pair not in known:
            raise InputError(source, f"pairID {pair!r}, which is not in the set ({counts})", "its pairs alone", fix)


def _design(rows: list[Verdict]) -> tuple[list[str], list[tuple[str, str]]]:
    """Clusters (subcases) and strata (heuristic and gold label) of the pairs."""
    return [row.subcase for row in rows], [SUBCASES[row.subcase] for row in rows]
