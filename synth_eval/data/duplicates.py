"""Which training records have a duplicate, among earlier ones of the same set or among evaluation records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from synth_eval.data.records import FIELDS, Record
from synth_eval.metrics.duplicates import THRESHOLD, exact, near_pairs
from synth_eval.metrics.shingles import Progress

KINDS = ("exact", "near")


def find(
    train: Sequence[Record],
    held_out: Sequence[Record] | None = None,
    threshold: float = THRESHOLD,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """One object for every training record that has a duplicate, in order.

    Without ``held_out`` a duplicate is an earlier record of ``train``. Labels are not compared.

    Returns:
        ``kind`` (exact: the same pair up to case, white space and punctuation; near: a Jaccard of at least
        ``threshold``), ``jaccard``, the record's fields, and as ``other_...`` those of the first exact or else the
        nearest duplicate.

    Raises:
        ValueError: threshold out of range.
    """
    pairs = [(record["premise"], record["hypothesis"]) for record in train]
    others = None if held_out is None else [(record["premise"], record["hypothesis"]) for record in held_out]
    same, near = exact(pairs, others), near_pairs(pairs, others, threshold, progress)
    partners = train if held_out is None else held_out
    return [
        {"kind": "exact", "jaccard": 1.0} | _both(train[i], partners[same[i]])
        if i in same
        else {"kind": "near", "jaccard": near[i][1]} | _both(train[i], partners[near[i][0]])
        for i in sorted(same.keys() | near.keys())
    ]


def count(found: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How many of each kind, and how many of all have another gold label than their duplicate."""
    kinds = Counter(one["kind"] for one in found)
    differ = sum(one["gold_label"] != one["other_gold_label"] for one in found)
    return {kind: kinds[kind] for kind in KINDS} | {"other_label": differ}


def _both(record: Record, other: Record) -> dict[str, Any]:
    return {field: record[field] for field in FIELDS} | {f"other_{field}": other[field] for field in FIELDS}
