"""The text that an NLI generator learns and continues, and how a sampled text becomes a pair again.

The wording is that of Zhang & Pavlick 2025 (arXiv 2502.07164, the authors' code). A generator is trained on whole
texts, asked with a prefix that ends in the label, and continues it; texts that do not parse are dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from synth_eval.nli.labels import LABELS

OPENING = "This is an example where the relationship between the premise and the hypothesis is"
PREMISE = "Premise: "
HYPOTHESIS = "Hypothesis: "
END = "-- This is the end of the example."


@dataclass(frozen=True)
class Parsed:
    """The pair in a sampled text, white space around both sides removed."""

    premise: str
    hypothesis: str


class Drop(StrEnum):
    """Why a sampled text gives no pair; the first reason that holds, in this order."""

    NO_PREFIX = "no_prefix"
    NO_PREMISE = "no_premise"
    NO_LABEL = "no_label"
    OTHER_LABEL = "other_label"
    NO_HYPOTHESIS = "no_hypothesis"
    NO_END = "no_end"
    EMPTY_PREMISE = "empty_premise"
    EMPTY_HYPOTHESIS = "empty_hypothesis"


def training_text(premise: str, hypothesis: str, label: str) -> str:
    """The text that the generator learns; both sides are written as they are."""
    return f"{prefix(label)}. {PREMISE}{premise} {HYPOTHESIS}{hypothesis} {END}"


def prefix(label: str) -> str:
    """What the generator is asked to continue; it ends with the label, without a full stop or a space."""
    return f"{OPENING} {label}"


def parse(text: str, label: str) -> Parsed | Drop:
    """The pair in a sampled text, or why there is none.

    The paper's rule: the text holds the opening, ``Hypothesis: `` and the end marker, and its label is the first of
    the three between the opening and ``Premise: ``. What the paper leaves open is decided so: the markers are the
    first ones that come in order; what stands before the opening or after the end marker is ignored; the label that
    stands first in the text counts, not the first in a list of labels; a text with another label than the one asked
    for, or with nothing on one side, is dropped. Nothing else is: a pair may repeat another, or itself.

    Args:
        text: prefix and continuation, special tokens removed.
        label: the label asked for.
    """
    _, opened, rest = text.partition(OPENING)
    if not opened:
        return Drop.NO_PREFIX
    head, found, rest = rest.partition(PREMISE)
    if not found:
        return Drop.NO_PREMISE
    places = {head.find(name): name for name in LABELS if name in head}
    if not places:
        return Drop.NO_LABEL
    if places[min(places)] != label:
        return Drop.OTHER_LABEL
    inside, ended, _ = rest.partition(END)
    premise, found, hypothesis = inside.partition(HYPOTHESIS)
    if not found:
        return Drop.NO_HYPOTHESIS
    if not ended:
        return Drop.NO_END
    premise, hypothesis = premise.strip(), hypothesis.strip()
    if not premise:
        return Drop.EMPTY_PREMISE
    return Parsed(premise, hypothesis) if hypothesis else Drop.EMPTY_HYPOTHESIS
