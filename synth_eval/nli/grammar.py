"""A general NLI set from templates, with a dial for how strongly full lexical overlap predicts entailment.

The constructions are in ``phenomena``, the words in ``lexicon``; every label is right by construction.
"""

from __future__ import annotations

import re
from itertools import product
from random import Random

from synth_eval.errors import InputError
from synth_eval.nli.labels import CONTRADICTION, ENTAILMENT, LABELS, NEUTRAL
from synth_eval.nli.new_words import WITHOUT_OVERLAP
from synth_eval.nli.phenomena import WITH_OVERLAP, Patterns
from synth_eval.nli.templates import Filling, Template, leaves, parse, sentence, stream

SYNTHETIC_RATES = {ENTAILMENT: 0.96, NEUTRAL: 0.003, CONTRADICTION: 0.003}
"""Share of pairs with full lexical overlap by gold label, about as in SuperGen's synthetic MNLI.

Counted in its released training set (github.com/yumeng5/SuperGen, 2,000 pairs a label, words rule): 1,922 entailed,
0 neutral, 7 contradictory pairs."""
EVEN_RATE = 0.5
"""The same share when overlap says nothing about the label: one rate for all three."""


_NORMAL = (
    (r"\d", ""),
    (r"the (SG|PL|HYPO)\b", "N"),
    (r"\b(SYN|SYNB|OPPV|OPPVB|NPS|NPZ)(?= N)", "V"),
    (r"\bTVP\b", "V N"),
    (r"\b(ISYN|ISYNB|HYPOV|HYPERV|OPTOBJ|NPZ|PART|IVP)\b", "I"),
    (r"\b(FEWER|NUM)\b", "NUM"),
    (r"\b(OPPADJ|OPPADJB)\b", "OPPADJ"),
    (r"\b(MANNER|MANNERB)\b", "MANNER"),
    (r"the ADJ N", "the ADJ SG"),
)
"""What makes no difference to the kind of a hypothesis: (regular expression, replacement), in this order."""

SHARES = {
    "N VP": 0.54,
    "N never VP": 0.16,
    "N BE V by N": 0.04,
    "N BE never V by N": 0.01,
    "N P N VP": 0.03,
    "N VP in the PLACE": 0.025,
    "N VP because N VP": 0.025,
    "N VP after N VP": 0.025,
    "the ADJ SG VP": 0.025,
    "N VP MANNER": 0.01,
    "someone VP": 0.01,
    "nobody VP": 0.01,
    "some HYPER VP": 0.01,
    "some PL VP": 0.01,
    "no PL VP": 0.01,
    "none of N VP": 0.01,
    "at least NUM PL VP": 0.01,
    "exactly NUM PL VP": 0.01,
    "N BE OPPADJ": 0.01,
    "N BE not OPPADJ": 0.01,
    "N BE born in CITY": 0.005,
    "N retired on DAY": 0.005,
}
"""Kind of hypothesis -> share, the same for every label, so that the hypothesis alone says little about the label."""
LEANING = {ENTAILMENT: 0.0, NEUTRAL: 0.75, CONTRADICTION: 0.6}
"""Share of the plain hypotheses without full overlap that become one of the kinds that people favour for the label.

Without any, a small model from scratch learns the task too slowly; people's neutral hypotheses add detail and their
contradictions negate (Gururangan et al. 2018, Poliak et al. 2018)."""
LESS_NEVER = 0.6
"""Share of the hypotheses with "never" that become plain ones when the label is not contradiction."""
LESS_DETAIL = 0.6
"""Share of the hypotheses with detail (a place, a cause ...) that become plain ones when the label is entailment."""
_FAVOURED = {
    ENTAILMENT: ("N VP",),
    NEUTRAL: ("N P N VP", "N VP in the PLACE", "N VP because N VP", "N VP after N VP", "the ADJ SG VP", "N VP MANNER"),
    CONTRADICTION: ("N never VP",),
}


def _kind(hypothesis: str) -> tuple[str, str]:
    """The kind of a hypothesis pattern, without and with the difference between verbs that have an object or not."""
    for pattern, replacement in _NORMAL:
        hypothesis = re.sub(pattern, replacement, hypothesis)
    kind = re.sub(r"\b(V N|I)\b", "VP", hypothesis)
    return (kind if kind in SHARES else "other"), hypothesis


def _compile(patterns: Patterns) -> dict[str, dict[str, dict[str, list[Template]]]]:
    """Kind -> finer kind -> phenomenon -> its templates; with a VP in the hypothesis, one of each sort."""
    table: dict[str, dict[str, dict[str, list[Template]]]] = {}
    for phenomenon, group in patterns.items():
        for premise, hypothesis in group:
            slots = list(dict.fromkeys(re.findall(r"\bVP\d", hypothesis)))
            for choice in product("IT", repeat=len(slots)):
                one, other = premise, hypothesis
                for slot, sort in zip(slots, choice, strict=True):
                    one, other = (re.sub(rf"\b{slot}", sort + slot, text) for text in (one, other))
                kind, finer = _kind(other)
                template = Template(phenomenon, parse(one), parse(other))
                table.setdefault(kind, {}).setdefault(finer, {}).setdefault(phenomenon, []).append(template)
    return table


TEMPLATES = {
    (label, overlap): _compile(table[label])
    for overlap, table in ((True, WITH_OVERLAP), (False, WITHOUT_OVERLAP))
    for label in LABELS
}
"""(gold label, full overlap) -> kind of hypothesis -> finer kind -> phenomenon -> templates."""

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


def _draw_kind(label: str, overlap: bool, rng: Random) -> str:
    """A kind of hypothesis: by ``SHARES``, leaning a little towards what people write for the label."""
    kind = rng.choices(tuple(SHARES), tuple(SHARES.values()))[0]
    if kind == "N never VP" and label != CONTRADICTION and rng.random() < LESS_NEVER:
        return "N VP"
    if kind in _FAVOURED[NEUTRAL] and label == ENTAILMENT and rng.random() < LESS_DETAIL:
        return "N VP"
    if kind == "N VP" and not overlap and rng.random() < LEANING[label]:
        return rng.choice(_FAVOURED[label])
    return kind


def _new_pair(label: str, overlap: bool, rng: Random, seen: set[tuple[str, str]]) -> tuple[str, str, str]:
    """Premise, hypothesis and phenomenon of a pair that is not in ``seen``; it is added there."""
    for _ in range(_GIVE_UP):
        kinds = TEMPLATES[label, overlap].get(_draw_kind(label, overlap, rng))
        if not kinds:
            continue
        phenomena = rng.choice(list(kinds.values()))
        template = rng.choice(rng.choice(list(phenomena.values())))
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
