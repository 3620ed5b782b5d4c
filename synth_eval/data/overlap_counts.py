"""How many pairs of a data set have full lexical overlap, by gold label; the rule is part of the number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from synth_eval.data.records import ANY_LABEL, Record
from synth_eval.nli.overlap import full_overlap


@dataclass(frozen=True)
class OverlapCounts:
    """Pairs with full lexical overlap under one rule."""

    rule: str
    """``paper`` or ``words``: see `nli.overlap.tokens`."""
    rows: dict[str, int]
    """Pairs by gold label, for the labels that occur."""
    overlap: dict[str, int]
    """Those of them whose hypothesis tokens all occur in the premise."""


def count(records: Iterable[Record], rule: str) -> OverlapCounts:
    """Count the pairs with full lexical overlap, by gold label.

    Raises:
        ValueError: an unknown rule.
    """
    rows: Counter[str] = Counter()
    overlap: Counter[str] = Counter()
    for record in records:
        label = record["gold_label"]
        rows[label] += 1
        overlap[label] += full_overlap(record["premise"], record["hypothesis"], rule)
    labels = [label for label in ANY_LABEL if label in rows]
    return OverlapCounts(rule, {label: rows[label] for label in labels}, {label: overlap[label] for label in labels})
