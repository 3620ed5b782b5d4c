"""The constructions of the general NLI set: premise and hypothesis patterns by gold label and phenomenon.

Labels are right by construction, under these readings: different nouns are different people, one sentence is about one
occasion (so "never praised" denies "praised"), and a plural with "the" is about all of them. Slots are those of
``templates``.
"""

from __future__ import annotations

import re
from itertools import chain

from synth_eval.nli.labels import CONTRADICTION, ENTAILMENT, NEUTRAL

Patterns = dict[str, tuple[tuple[str, str], ...]]
"""Phenomenon -> pairs of patterns."""

_SWAPPED_RELATIVE = tuple(
    (premise, hypothesis)
    for premise, hypotheses in {
        "N1 REL1 V1 N2 V2 N3": ("N2 V2 N1", "N3 V2 N1", "N2 V2 N3"),
        "N1 REL1 N2 V1 V2 N3": ("N2 V2 N1", "N3 V2 N1", "N1 V1 N2"),
        "N1 V1 N2 REL1 V2 N3": ("N3 V2 N2", "N1 V1 N3", "N1 V2 N3"),
        "N1 V1 N2 REL1 N3 V2": ("N2 V1 N1", "N1 V1 N3", "N2 V2 N3"),
        "N1 REL1 V1 N2 I1": ("N2 I1", "N2 V1 N1"),
    }.items()
    for hypothesis in hypotheses
)

_ENTAILED: Patterns = {
    "passive": (("N1 BE1 V1 by N2", "N2 V1 N1"), ("N1 BE1 V1 by N2 and N3", "N3 V1 N1")),
    "modifier": (
        ("N1 P1 N2 VP1", "N1 VP1"),
        ("N1 V1 N2 P1 N3", "N1 V1 N2"),
        ("the ADJ1 SG1 VP1", "the SG1 VP1"),
        ("ADJ1 PL1 VP1", "PL1 VP1"),
        ("N1 I1 MANNER1", "N1 I1"),
        ("N1 PART1 N2 in the PLACE1", "N1 PART1 N2"),
        ("N1 P1 N2 NPZ1 N3", "N1 NPZ1 N3"),
        ("N1 NPS1 N2 P1 N3", "N1 NPS1 N2"),
    ),
    "relative_clause": (
        ("N1 REL1 V1 N2 V2 N3", "N1 V2 N3"),
        ("N1 REL1 V1 N2 V2 N3", "N1 V1 N2"),
        ("N1 REL1 N2 V1 V2 N3", "N1 V2 N3"),
        ("N1 REL1 N2 V1 V2 N3", "N2 V1 N1"),
        ("N1 V1 N2 REL1 V2 N3", "N2 V2 N3"),
        ("N1 V1 N2 REL1 N3 V2", "N3 V2 N2"),
        ("N1 V1 N2 REL1 VP1", "N1 V1 N2"),
        ("N1 REL1 I1 VP1", "N1 VP1"),
    ),
    "coordination": (
        ("N1 and N2 VP1", "N1 VP1"),
        ("N1 and N2 VP1", "N2 VP1"),
        ("N1 V1 N2 and N3", "N1 V1 N2"),
        ("N1 V1 N2 and N3", "N1 V1 N3"),
        ("N1 VP1 , and N2 VP2", "N1 VP1"),
        ("N1 VP1 , and N2 VP2", "N2 VP2"),
    ),
    "subordination": (("SINCE1 N1 VP1 , N2 VP2", "N1 VP1"), ("SINCEMAIN1 N1 VP1 , N2 VP2", "N2 VP2")),
    "garden_path": (
        ("SINCE1 N1 NPZ1 N2 VP1", "N2 VP1"),
        ("SINCE1 N1 NPZ1 N2 VP1", "N1 NPZ1"),
        ("N1 PART1 in the PLACE1 VP1", "N1 VP1"),
        ("N1 V1 N2 PART1 in the PLACE1", "N1 V1 N2"),
        ("N1 , who NPS1 N2 VP1 , VP2", "N1 VP2"),
    ),
    "factive": (("N1 FACT1 that N2 VP1", "N2 VP1"), ("SURELY1 N1 VP1", "N1 VP1")),
    "understood_object": (("N1 OPTOBJ1 the OBJ1", "N1 OPTOBJ1"),),
    "contrast": (
        ("N1 , not N2 , VP1", "N1 VP1"),
        ("N1 V1 N2 but not N3", "N1 V1 N2"),
        ("instead of N1 , N2 VP1", "N2 VP1"),
    ),
    "quantifier": (("all the PL1 VP1", "the PL1 VP1"), ("NUM1 PL1 and NUM2 PL2 VP1", "NUM1 PL1 VP1")),
    "parenthesis": (
        ("N1 , who PERHAPS1 VP1 , VP2", "N1 VP2"),
        ("N1 , who NONFACT1 that N2 VP1 , VP2", "N1 VP2"),
        ("N1 , who I1 IF1 N2 I2 , VP1", "N1 VP1"),
        ("N1 or N2 VP1 , and N3 VP2", "N3 VP2"),
        ("N1 , who never VP1 , VP2", "N1 VP2"),
    ),
    "repetition": (("N1 V1 N2", "N1 V1 N2"), ("N1 VP1", "N1 VP1")),
    "hedged": (
        ("IF1 N1 VP1 , N2 and N3 I2", "IF1 N1 VP1 , N2 I2"),
        ("IF1 N1 and N2 I1 , N3 VP2", "IF1 N2 and N1 I1 , N3 VP2"),
        ("N1 VP1 , or N2 VP2", "N2 VP2 , or N1 VP1"),
        ("N1 NONFACT1 that N2 and N3 VP1", "N1 NONFACT1 that N3 VP1"),
        ("PERHAPS1 N1 and N2 VP1", "PERHAPS1 N1 VP1"),
    ),
    "double_negation": (
        ("it is false that N1 never VP1", "N1 VP1"),
        ("N1 wrongly guessed that N2 never VP1", "N2 VP1"),
    ),
}


def _with(patterns: Patterns, kinds: str, change: str) -> tuple[tuple[str, str], ...]:
    """The patterns with each slot of ``kinds`` in the hypothesis replaced in turn (\\1 is its kind, \\2 its number)."""
    return tuple(
        (premise, hypothesis[: slot.start()] + slot.expand(change) + hypothesis[slot.end() :])
        for premise, hypothesis in chain.from_iterable(patterns.values())
        for slot in re.finditer(rf"\b({kinds})(\d)", hypothesis)
    )


_DENIABLE: Patterns = {
    name: tuple(pair for pair in group if re.match(r"N\d|the ", pair[1]) and "never" not in pair[0])
    for name, group in _ENTAILED.items()
    if name != "hedged"
}
"""Their hypothesis is about certain people, so that its negation (with a word that is new) contradicts it."""

WITH_OVERLAP: dict[str, Patterns] = {
    ENTAILMENT: _ENTAILED,
    NEUTRAL: {
        "role_swap": (("N1 V1 N2", "N2 V1 N1"), ("N1 never V1 N2", "N2 V1 N1"), ("N1 , not N2 , V1 N3", "N3 V1 N1")),
        "passive": (("N1 BE1 V1 by N2", "N1 V1 N2"), ("N1 BE1 never V1 by N2", "N1 V1 N2")),
        "modifier": (
            ("N1 P1 N2 VP1", "N2 VP1"),
            ("N1 P1 N2 V1 N3", "N2 V1 N1"),
            ("N1 V1 N2 P1 N3", "N2 V1 N1"),
            ("N1 V1 N2 P1 N3", "N1 V1 N3"),
            ("N1 V1 N2 P1 N3", "N3 V1 N2"),
        ),
        "relative_clause": _SWAPPED_RELATIVE,
        "coordination": (
            ("N1 and N2 V1 N3", "N1 V1 N2"),
            ("N1 and N2 V1 N3", "N2 V1 N1"),
            ("N1 V1 N2 and N3", "N2 V1 N3"),
            ("N1 V1 N2 and N3", "N3 V1 N2"),
        ),
        "garden_path": (
            ("N1 NPS1 N2 VP1", "N1 NPS1 N2"),
            ("SINCE1 N1 NPZ1 N2 VP1", "N1 NPZ1 N2"),
            ("N1 PART1 in the PLACE1 VP1", "N1 PART1 in the PLACE1"),
            ("N1 V1 N2 PART1 in the PLACE1", "N2 PART1 in the PLACE1"),
        ),
        "conditional": (("IF1 N1 VP1 , N2 VP2", "N1 VP1"), ("IFMAIN1 N1 VP1 , N2 VP2", "N2 VP2")),
        "disjunction": (("N1 VP1 , or N2 VP2", "N1 VP1"), ("N1 VP1 , or N2 VP2", "N2 VP2"), ("N1 or N2 VP1", "N1 VP1")),
        "non_factive": (("N1 NONFACT1 that N2 VP1", "N2 VP1"), ("PERHAPS1 N1 VP1", "N1 VP1")),
    },
    CONTRADICTION: {
        "negation": (
            ("N1 never VP1", "N1 VP1"),
            ("N1 BE1 never V1 by N2", "N2 V1 N1"),
            ("N1 P1 N2 never VP1", "N1 VP1"),
            ("it is false that N1 VP1", "N1 VP1"),
            ("it is false that N1 never VP1", "N1 never VP1"),
            ("N1 , who never VP1 , VP2", "N1 never VP2"),
        ),
        "relative_clause": (
            ("N1 , who never VP1 , VP2", "N1 VP1"),
            ("N1 REL1 V1 N2 never VP1", "N1 VP1"),
            ("N1 REL1 VP1 never V1 N2", "N1 V1 N2"),
        ),
        "contrast": (
            ("N1 , not N2 , VP1", "N2 VP1"),
            ("N1 V1 N2 but not N3", "N1 V1 N3"),
            ("instead of N1 , N2 VP1", "N1 VP1"),
        ),
        "coordination": (
            ("neither N1 nor N2 VP1", "N1 VP1"),
            ("neither N1 nor N2 VP1", "N2 VP1"),
            ("N1 VP1 , but N2 never VP2", "N2 VP2"),
        ),
        "quantifier": (("everyone but N1 VP1", "N1 VP1"), ("none of the PL1 VP1", "the PL1 VP1")),
        "false_belief": (("N1 wrongly guessed that N2 VP1", "N2 VP1"), ("N1 falsely reported that N2 VP1", "N2 VP1")),
    },
}
"""Gold label -> phenomenon -> (premise, hypothesis) patterns in which every hypothesis word is in the premise."""

WITHOUT_OVERLAP: dict[str, Patterns] = {
    ENTAILMENT: {
        "synonym": (("N1 SYN1 N2", "N1 SYNB1 N2"), ("N1 and N2 SYN1 N3", "N1 SYNB1 N3")),
        "hypernym": (
            ("the HYPO1 VP1", "some HYPER1 VP1"),
            ("N1 V1 the HYPO1", "N1 V1 some HYPER1"),
            ("N1 HYPOV1", "N1 HYPERV1"),
            ("N1 VP1", "someone VP1"),
        ),
        "passive": (("N1 V1 N2", "N2 BE2 V1 by N1"), ("N1 REL1 V1 N2 I1", "N2 BE2 V1 by N1")),
        "number": (("NUM1 PL1 VP1", "at least FEWER1 PL1 VP1"),),
        "antonym": (("N1 BE1 OPPADJ1", "N1 BE1 not OPPADJB1"),),
        "negation": (
            ("neither N1 nor N2 VP1", "N1 never VP1"),
            ("N1 , not N2 , VP1", "N2 never VP1"),
            ("everyone but N1 VP1", "N1 never VP1"),
            ("it is false that N1 VP1", "N1 never VP1"),
            ("nobody VP1", "N1 never VP1"),
        ),
    },
    NEUTRAL: {
        "added_modifier": (
            ("the SG1 VP1", "the ADJ1 SG1 VP1"),
            ("N1 VP1", "N1 P1 N2 VP1"),
            ("N1 I1", "N1 I1 MANNER1"),
            ("N1 V1 N2", "N1 V1 N2 in the PLACE1"),
            ("N1 BE1 V1 by N2", "N2 V1 N1 in the PLACE1"),
        ),
        "added_clause": (
            ("N1 VP1", "N1 VP1 because N2 VP2"),
            ("N1 REL1 V1 N2 VP1", "N1 VP1 because N3 VP2"),
            ("N1 and N2 VP1", "N1 VP1 after N3 VP2"),
            ("SURELY1 N1 VP1", "N1 VP1 because N2 VP2"),
        ),
        "other_person_or_act": (
            *_with(_ENTAILED, "N|SG|PL|VP|V|I", r"\g<1>9"),
            ("N1 NPS1 N2", "N3 NPS1 N2"),
            ("N1 NPZ1 N2", "N1 NPZ1 N3"),
            ("N1 PART1 N2 in the PLACE1", "N3 PART1 N2"),
        ),
        "other_person_or_act_negated": (
            *_with(_DENIABLE, "VP|V|I", r"never \g<1>9"),
            ("N1 VP1", "N2 never VP1"),
            ("N1 P1 N2 VP1", "N2 never VP1"),
            ("N1 and N2 VP1", "N3 never VP1"),
            ("N1 REL1 V1 N2 VP1", "N2 never VP1"),
            ("N1 never VP1", "N2 never VP1"),
            ("N1 never VP1", "N2 VP1"),
            ("N1 never V1 N2", "N1 never V2 N2"),
        ),
        "hyponym": (("some HYPER1 VP1", "the HYPO1 VP1"), ("N1 HYPERV1", "N1 HYPOV1")),
        "number": (("at least FEWER1 PL1 VP1", "exactly NUM1 PL1 VP1"),),
        "role_swap": (("N1 V1 N2", "N1 BE1 V1 by N2"), ("N1 SYN1 N2", "N2 SYNB1 N1")),
    },
    CONTRADICTION: {
        "negation": _with(_DENIABLE, "VP|V|I", r"never \g<1>\g<2>"),
        "other_verb": (
            ("N1 V1 N2", "nobody V1 N2"),
            ("N1 NPS1 N2", "N1 never NPS1 N2"),
            ("N1 NPZ1 N2", "N1 never NPZ1 N2"),
            ("N1 PART1 N2 in the PLACE1", "N1 never PART1 N2"),
        ),
        "synonym": (("N1 SYN1 N2", "N1 never SYNB1 N2"),),
        "antonym": (("N1 BE1 OPPADJ1", "N1 BE1 OPPADJB1"), ("N1 OPPV1 N2", "N1 OPPVB1 N2")),
        "passive": (("N1 V1 N2", "N2 BE2 never V1 by N1"), ("N1 BE1 V1 by N2", "N2 never V1 N1")),
        "number": (("exactly NUM1 PL1 VP1", "exactly NUM2 PL1 VP1"), ("exactly FEWER1 PL1 VP1", "NUM1 PL1 VP1")),
        "place": (("N1 BE1 born in CITY1", "N1 BE1 born in CITY2"),),
        "time": (("N1 retired on DAY1", "N1 retired on DAY2"),),
        "quantifier": (
            ("all the PL1 VP1", "none of the PL1 VP1"),
            ("some PL1 VP1", "no PL1 VP1"),
            ("nobody VP1", "N1 VP1"),
            ("everyone VP1", "N1 never VP1"),
        ),
    },
}
"""The same, with at least one hypothesis word that is not in the premise."""
