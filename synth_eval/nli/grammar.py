"""A general NLI set from templates, with a dial for how strongly full lexical overlap predicts entailment.

The constructions are in ``phenomena``, the words in ``lexicon``; every label is right by construction.
"""

from __future__ import annotations

from random import Random

from synth_eval.errors import InputError
from synth_eval.nli.labels import CONTRADICTION, ENTAILMENT, LABELS, NEUTRAL
from synth_eval.nli.phenomena import WITH_OVERLAP, WITHOUT_OVERLAP, Patterns
from synth_eval.nli.templates import Filling, Template, leaves, parse, sentence, stream

SYNTHETIC_RATES = {ENTAILMENT: 0.96, NEUTRAL: 0.003, CONTRADICTION: 0.003}
"""Share of pairs with full lexical overlap by gold label, about as in SuperGen's synthetic MNLI.

Counted in its released training set (github.com/yumeng5/SuperGen, 2,000 pairs a label, words rule): 1,922 entailed,
0 neutral, 7 contradictory pairs."""
EVEN_RATE = 0.5
"""The same share when overlap says nothing about the label: one rate for all three."""


def _compile(patterns: Patterns) -> tuple[tuple[Template, ...], ...]:
    return tuple(
        tuple(Template(phenomenon, parse(premise), parse(hypothesis)) for premise, hypothesis in group)
        for phenomenon, group in patterns.items()
    )


TEMPLATES: dict[tuple[str, bool], tuple[tuple[Template, ...], ...]] = {
    (label, overlap): _compile(table[label])
    for overlap, table in ((True, WITH_OVERLAP), (False, WITHOUT_OVERLAP))
    for label in LABELS
}
"""(gold label, full overlap) -> the templates, grouped by phenomenon; ``Template.name`` is the phenomenon."""

_GIVE_UP = 5_000
"""Draws in a row that gave no new pair, after which the grammar counts as exhausted."""


def overlap_rates(cue: float = 1.0) -> dict[str, float]:
    """The target share of pairs with full lexical overlap (every hypothesis word in the premise), by gold label.

    ``cue`` 1.0: as in SuperGen's synthetic MNLI, 96 % of entailments and 0.3 % of the others. In human MNLI it is 7 %
    of entailments and under 1 % of the others (counted in 24,510 training pairs, words rule).
    ``cue`` 0.0: half of the pairs of every label, so overlap says nothing. Linear between. Raises InputError when
    ``cue`` is outside [0, 1].
    """
    if not 0.0 <= cue <= 1.0:
        raise InputError("cue", str(cue), "a number from 0 to 1", "0 for no overlap cue, 1 for that of synthetic data")
    return {label: EVEN_RATE + cue * (rate - EVEN_RATE) for label, rate in SYNTHETIC_RATES.items()}


def generate(size: int, seed: int, cue: float = 1.0) -> list[dict[str, str]]:
    """``size`` distinct pairs; the labels take turns, so each has ``size // 3`` and the first ones the remainder.

    Returns records {pairID, premise, hypothesis, gold_label, phenomenon}. Whether a pair has full lexical overlap is
    drawn from ``overlap_rates(cue)``. The same arguments give the same pairs, and a larger ``size`` only adds pairs.
    Raises InputError for a size below 1, a cue outside [0, 1], and when the grammar has no further new pair.
    """
    if size < 1:
        raise InputError("size", str(size), "a whole number of at least 1", "ask for at least one pair")
    rates = overlap_rates(cue)
    rng = stream("nli_fresh", seed)
    seen: set[tuple[str, str]] = set()
    records: list[dict[str, str]] = []
    for index in range(size):
        label = LABELS[index % len(LABELS)]
        premise, hypothesis, phenomenon = _new_pair(label, rng.random() < rates[label], rng, seen)
        records.append(
            {
                "pairID": f"nli{seed}-{index}",
                "premise": premise,
                "hypothesis": hypothesis,
                "gold_label": label,
                "phenomenon": phenomenon,
            }
        )
    return records


def _new_pair(label: str, overlap: bool, rng: Random, seen: set[tuple[str, str]]) -> tuple[str, str, str]:
    """Premise, hypothesis and phenomenon of a pair that is not in ``seen``; it is added there."""
    for _ in range(_GIVE_UP):
        template = rng.choice(rng.choice(TEMPLATES[label, overlap]))
        filling = Filling(rng)
        pair = (
            sentence(leaves(filling.fill(template.premise))),
            sentence(leaves(filling.fill(template.hypothesis))),
        )
        if pair not in seen:
            seen.add(pair)
            return *pair, template.name
    raise InputError(
        "size", f"more than {len(seen)}", f"about {len(seen)}, all that the grammar has", "ask for fewer pairs"
    )
