"""From records to the documents of one task, in the order in which ``--limit`` takes them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import Any

Record = dict[str, Any]

OPTIONS: dict[str, dict[str, int | float]] = {
    "hans_fresh": {"per_subcase": 100, "seed": 0},
    "nli_fresh": {"size": 3000, "seed": 0, "cue": 1.0},
}
"""What a generated set can be asked for, and what it is otherwise."""
FILES = ("hans", "multinli_matched", "multinli_mismatched")  # --metadata NAME=FILE
SETTINGS = ("prompt", "truncate", *FILES, *sorted({option for options in OPTIONS.values() for option in options}))
"""The keys of ``--metadata`` that the NLI tasks know."""
FIELDS = ("pairID", "premise", "hypothesis", "gold_label", "heuristic", "subcase", "template", "phenomenon", "genre")
ORDER_SEED = 1902_01007  # HANS' arXiv number: the order is part of the task, so it is fixed


def leaf(
    records: Iterable[Record], prompt: str, heuristic: str | None = None, gold_label: str | None = None
) -> list[Record]:
    """The records of one heuristic and gold label (None: all), each with its prompt's name, in task order."""
    chosen = [
        {key: record[key] for key in FIELDS if record.get(key) is not None} | {"prompt": prompt}
        for record in records
        if heuristic in (None, record.get("heuristic")) and gold_label in (None, record["gold_label"])
    ]
    return interleave(chosen)


def interleave(records: list[Record]) -> list[Record]:
    """Records dealt round-robin over their strata, so that any first N are balanced.

    Strata are subcases where there are any, else gold labels; inside a stratum the order is a fixed shuffle
    (HANS is stored sorted by subcase and, inside it, by template).
    """
    strata: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        strata[record.get("subcase") or record["gold_label"]].append(record)
    for name in strata:
        random.Random(f"{ORDER_SEED}/{name}").shuffle(strata[name])  # noqa: S311 - an order, not a secret
    rounds = zip_longest(*(strata[name] for name in sorted(strata)))
    return [record for record in chain.from_iterable(rounds) if record is not None]
