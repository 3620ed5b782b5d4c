"""NLI labels: three classes, and the two that HANS has.

The HANS rule (McCoy, Pavlick & Linzen 2019): decide among three labels first, *then* count
neutral and contradiction as non-entailment.
"""

from __future__ import annotations

from synth_eval.errors import InputError

ENTAILMENT, NEUTRAL, CONTRADICTION = "entailment", "neutral", "contradiction"
NON_ENTAILMENT = "non_entailment"
LABELS = (ENTAILMENT, NEUTRAL, CONTRADICTION)  # ids 0, 1, 2 as in MultiNLI
TWO_LABELS = (ENTAILMENT, NON_ENTAILMENT)  # ids 0, 1 as in HANS

_SPELLINGS = {"nonentailment": NON_ENTAILMENT, "notentailment": NON_ENTAILMENT} | {label: label for label in LABELS}


def canonical(label: object) -> str | None:
    """The canonical name of a label in any usual spelling (``non-entailment``, ``NOT_ENTAILMENT``), or None."""
    if not isinstance(label, str):
        return None
    return _SPELLINGS.get(label.strip().lower().replace("-", "").replace("_", "").replace(" ", ""))


def require(label: object, where: object, allowed: tuple[str, ...] = (*LABELS, NON_ENTAILMENT)) -> str:
    """The canonical name, or InputError naming ``where``."""
    name = canonical(label)
    if name not in allowed:
        raise InputError(where, f"label {label!r}", f"one of {', '.join(allowed)}", "correct or drop this row")
    return name


def two_way(label: str) -> str:
    """entailment -> entailment; neutral, contradiction, non_entailment -> non_entailment."""
    return ENTAILMENT if label == ENTAILMENT else NON_ENTAILMENT
