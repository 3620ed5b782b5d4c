"""The constructions of the general NLI set: premise and hypothesis patterns by gold label and phenomenon.

Labels are right by construction, under these readings: different nouns are different people, one sentence is about one
occasion (so "never praised" denies "praised"), and a plural with "the" is about all of them. Slots are those of
``templates``. An entry of a table is ``premise -> hypothesis | hypothesis ... ;``.

The tables give every label nearly every kind of hypothesis (with "never", "because", a place, a number ...), so that
``grammar`` can draw the kind of hypothesis before the label.
"""

from __future__ import annotations

import re
from itertools import chain

from synth_eval.nli.labels import CONTRADICTION, ENTAILMENT, NEUTRAL
from synth_eval.nli.templates import Pairs, around, read

Patterns = dict[str, Pairs]
"""Phenomenon -> pairs of patterns."""


_PLAIN = """N1 P1 N2 VP1 | N1 VP1 in the PLACE1 | N1 never VP1 | N1 BE1 V1 by N2 | N1 BE1 never V1 by N2 |
    N1 I1 MANNER1 | the ADJ1 SG1 VP1 | someone VP1 | nobody VP1 | some PL1 VP1 | no PL1 VP1 | none of the PL1 VP1 |
    some HYPER1 VP1 | at least NUM1 PL1 VP1 | exactly NUM1 PL1 VP1 | N1 BE1 OPPADJ1 | N1 BE1 not OPPADJ1 |
    N1 BE1 born in CITY1 | N1 retired on DAY1 | N1 VP1 because N2 VP2 | N1 VP1 after N2 VP2"""
_CLAUSES = tuple(" ".join(clause.split()) for clause in _PLAIN.split("|"))
_RARE_VERBS = ("N1 SYNB1 N2", "N1 OPPV1 N2", "N1 ISYNB1", "N1 HYPOV1", "N1 HYPERV1")
_FREE_CLAUSES = _CLAUSES[:-2]
"""Without those whose end could belong to the clause above them: it need not follow then."""

_ENTAILED: Patterns = {
    "passive": read("""N1 BE1 V1 by N2 -> N2 V1 N1 ; N1 BE1 V1 by N2 and N3 -> N3 V1 N1 ;
        N1 BE1 SYN1 by N2 -> N2 SYN1 N1"""),
    "modifier": read("""N1 P1 N2 VP1 -> N1 VP1 ; N1 V1 N2 P1 N3 -> N1 V1 N2 ; the ADJ1 SG1 VP1 -> the SG1 VP1 ;
        ADJ1 PL1 VP1 -> PL1 VP1 ; N1 I1 MANNER1 -> N1 I1 ; N1 VP1 in the PLACE1 -> N1 VP1 ;
        N1 PART1 N2 in the PLACE1 -> N1 PART1 N2 ; N1 P1 N2 NPZ1 N3 -> N1 NPZ1 N3 ; N1 NPS1 N2 P1 N3 -> N1 NPS1 N2 ;
        N1 P1 N2 VP1 in the PLACE1 -> N1 VP1 in the PLACE1 ; N1 P1 N2 BE1 V1 by N3 -> N1 BE1 V1 by N3 ;
        N1 P1 N2 OPPV1 N3 -> N1 OPPV1 N3"""),
    "relative_clause": read("""N1 REL1 V1 N2 V2 N3 -> N1 V2 N3 | N1 V1 N2 ;
        N1 REL1 N2 V1 V2 N3 -> N1 V2 N3 | N2 V1 N1 ; N1 V1 N2 REL1 V2 N3 -> N2 V2 N3 ;
        N1 V1 N2 REL1 N3 V2 -> N3 V2 N2 ; N1 V1 N2 REL1 VP1 -> N1 V1 N2 ; N1 REL1 I1 VP1 -> N1 VP1 ;
        N1 REL1 V1 N2 I1 in the PLACE1 -> N1 I1 in the PLACE1 ; N1 REL1 N2 SYN1 VP1 -> N2 SYN1 N1"""),
    "coordination": read("""N1 and N2 VP1 -> N1 VP1 | N2 VP1 ; N1 V1 N2 and N3 -> N1 V1 N2 | N1 V1 N3 ;
        N1 VP1 , and N2 VP2 -> N1 VP1 | N2 VP2 ; N1 and N2 VP1 in the PLACE1 -> N2 VP1 in the PLACE1 ;
        the ADJ1 SG1 and N2 VP1 -> the ADJ1 SG1 VP1 ; N2 and the ADJ1 SG1 VP1 -> the ADJ1 SG1 VP1 ;
        N1 P1 N2 VP1 , and N3 VP2 -> N1 P1 N2 VP1"""),
    "subordination": read("""SINCE1 N1 VP1 , N2 VP2 -> N1 VP1 ; SINCEMAIN1 N1 VP1 , N2 VP2 -> N2 VP2"""),
    "garden_path": read("""SINCE1 N1 NPZ1 N2 VP1 -> N2 VP1 | N1 NPZ1 ; N1 PART1 in the PLACE1 VP1 -> N1 VP1 ;
        N1 V1 N2 PART1 in the PLACE1 -> N1 V1 N2 ; N1 , who NPS1 N2 VP1 , VP2 -> N1 VP2"""),
    "factive": read("""N1 FACT1 that N2 VP1 -> N2 VP1 ; SURELY1 N1 VP1 -> N1 VP1"""),
    "understood_object": read("""N1 OPTOBJ1 the OBJ1 -> N1 OPTOBJ1"""),
    "contrast": read("""N1 , not N2 , VP1 -> N1 VP1 ; N1 V1 N2 but not N3 -> N1 V1 N2 ;
        instead of N1 , N2 VP1 -> N2 VP1 ; N1 , not N2 , BE1 V1 by N3 -> N1 BE1 V1 by N3"""),
    "quantifier": read("""all the PL1 VP1 -> the PL1 VP1 ; NUM1 PL1 and NUM2 PL2 VP1 -> NUM1 PL1 VP1 ;
        nobody V1 N1 , but N2 V2 N3 -> N2 V2 N3 ; nobody I1 , but N1 I2 -> N1 I2"""),
    "parenthesis": read("""N1 , who PERHAPS1 VP1 , VP2 -> N1 VP2 ; N1 , who NONFACT1 that N2 VP1 , VP2 -> N1 VP2 ;
        N1 , who I1 IF1 N2 I2 , VP1 -> N1 VP1 ; N1 or N2 VP1 , and N3 VP2 -> N3 VP2 ;
        N1 , who never VP1 , VP2 -> N1 VP2"""),
    "cause": read("""because N2 VP2 , N1 VP1 -> N1 VP1 because N2 VP2 ;
        N1 P1 N3 VP1 because N2 VP2 -> N1 VP1 because N2 VP2 ; N1 and N3 VP1 because N2 VP2 -> N1 VP1 because N2 VP2 ;
        N1 VP1 because N2 VP2 -> N1 VP1 | N2 VP2"""),
    "time": read("""after N2 VP2 , N1 VP1 -> N1 VP1 after N2 VP2 ; N1 P1 N3 VP1 after N2 VP2 -> N1 VP1 after N2 VP2 ;
        N1 and N3 VP1 after N2 VP2 -> N1 VP1 after N2 VP2 ; N1 VP1 after N2 VP2 -> N1 VP1 | N2 VP2"""),
    "assertion": around(_CLAUSES, "SURELY8 _", "_ , and N8 VP8", "N8 VP8 , and _"),
    "asserted_clause": around(_FREE_CLAUSES, "N8 FACT8 that _", "SINCE8 _ , N8 VP8", "SINCEMAIN8 N8 VP8 , _"),
    "rare_verb": around(_RARE_VERBS, "SURELY8 _", "_ , and N8 VP8", "N8 FACT8 that _"),
    "beside": read("""nobody I1 , and N1 VP1 -> N1 VP1 ; N1 VP1 , and nobody I1 -> N1 VP1 ;
        it is false that N2 I2 , but N1 VP1 -> N1 VP1 ; N1 VP1 , but it is false that N2 I2 -> N1 VP1 ;
        N1 VP1 , and N2 wrongly guessed that N3 I1 -> N1 VP1 ; N1 VP1 , and N2 or N3 I1 -> N1 VP1 ;
        N1 VP1 , and everyone I1 -> N1 VP1"""),
    "repetition": read("""N1 V1 N2 -> N1 V1 N2 ; N1 VP1 -> N1 VP1"""),
}

ENTAILED_NEVER = read("""N1 P1 N2 never VP1 -> N1 never VP1 ; the ADJ1 SG1 never VP1 -> the SG1 never VP1 ;
    N1 REL1 V1 N2 never VP1 -> N1 never VP1 ; N1 REL1 N2 V1 never VP1 -> N1 never VP1 ;
    N1 REL1 never V1 N2 VP1 -> N1 never V1 N2 ; N1 V1 N2 REL1 never V2 N3 -> N2 never V2 N3 ;
    N1 V1 N2 REL1 N3 never V2 -> N3 never V2 N2 ; N1 and N2 never VP1 -> N1 never VP1 | N2 never VP1 ;
    N1 VP1 , and N2 never VP2 -> N2 never VP2 ; N1 never VP1 , but N2 VP2 -> N1 never VP1 ;
    SINCE1 N1 never VP1 , N2 VP2 -> N1 never VP1 ; SINCEMAIN1 N1 VP1 , N2 never VP2 -> N2 never VP2 ;
    N1 , who never VP1 , VP2 -> N1 never VP1 ; N1 BE1 never V1 by N2 -> N2 never V1 N1 ;
    N1 P1 N2 BE1 never V1 by N3 -> N1 BE1 never V1 by N3 ; N1 FACT1 that N2 never VP1 -> N2 never VP1 ;
    SURELY1 N1 never VP1 -> N1 never VP1""")


_EXCLUSIVE = read("""only N1 VP1 -> N1 VP1 ; only N1 and N2 VP1 -> N2 VP1 ; nobody but N1 VP1 -> N1 VP1 ;
    N1 V1 nobody but N2 -> N1 V1 N2 ; N1 V1 only N2 -> N1 V1 N2 ; everyone but N1 VP1 , and N2 VP2 -> N2 VP2""")
"""Apart, for they deny the same of everyone else."""

HEDGED = read("""COND1 N1 VP1 , N2 and N3 I2 -> COND1 N1 VP1 , N2 I2 ;
    COND1 N1 and N2 I1 , N3 VP2 -> COND1 N2 and N1 I1 , N3 VP2 ; N1 VP1 , or N2 VP2 -> N2 VP2 , or N1 VP1 ;
    N1 SUPPOSE1 that N2 and N3 VP1 -> N1 SUPPOSE1 that N3 VP1""")

_SWAPPED_RELATIVE = read("""N1 REL1 V1 N2 V2 N3 -> N2 V2 N1 | N3 V2 N1 | N2 V2 N3 ;
    N1 REL1 N2 V1 V2 N3 -> N2 V2 N1 | N3 V2 N1 | N1 V1 N2 ; N1 V1 N2 REL1 V2 N3 -> N3 V2 N2 | N1 V1 N3 | N1 V2 N3 ;
    N1 V1 N2 REL1 N3 V2 -> N2 V1 N1 | N1 V1 N3 | N2 V2 N3 ; N1 REL1 V1 N2 I1 -> N2 I1 | N2 V1 N1""")

OPEN = around(_CLAUSES, "N8 NONFACT8 that _", "_ , or N8 VP8", "IF8 _ , N8 VP8")
FALSE = around(_CLAUSES, "it is false that _", "N8 wrongly guessed that _", "N8 falsely reported that _")

ALL_ENTAILED = tuple(chain.from_iterable(_ENTAILED.values()))
CERTAIN = tuple(pair for pair in ALL_ENTAILED if re.match(r"N\d|the ", pair[1]) and "never" not in pair[0])
"""Their hypothesis is about certain people, so that its negation (with a word that is new) contradicts it."""

WITH_OVERLAP: dict[str, Patterns] = {
    ENTAILMENT: _ENTAILED
    | {
        "negation": ENTAILED_NEVER,
        "exclusive": _EXCLUSIVE,
        "hedged": (*HEDGED, ("PERHAPS1 N1 and N2 VP1", "PERHAPS1 N1 VP1")),
        "double_negation": read("""it is false that the SG1 never I1 -> the SG1 I1 ;
            it is false that the SG1 never V1 the SG2 -> the SG1 V1 the SG2 ;
            N1 wrongly guessed that the SG1 never I1 -> the SG1 I1 ;
            N1 wrongly guessed that the SG2 never V1 the SG3 -> the SG2 V1 the SG3"""),
    },
    NEUTRAL: {
        "role_swap": read("""N1 V1 N2 -> N2 V1 N1 ; N1 never V1 N2 -> N2 V1 N1 | N2 never V1 N1 ;
            N1 , not N2 , V1 N3 -> N3 V1 N1 ; only N1 V1 N2 -> N2 V1 N1 ; N1 V1 nobody but N2 -> N2 V1 N1"""),
        "passive": read("""N1 BE1 V1 by N2 -> N1 V1 N2 ; N1 BE1 never V1 by N2 -> N1 V1 N2 | N1 never V1 N2"""),
        "modifier": read("""N1 P1 N2 VP1 -> N2 VP1 ; N1 P1 N2 never VP1 -> N2 never VP1 | N2 VP1 ;
            N1 P1 N2 V1 N3 -> N2 V1 N1 ; N1 V1 N2 P1 N3 -> N2 V1 N1 | N1 V1 N3 | N3 V1 N2"""),
        "relative_clause": _SWAPPED_RELATIVE,
        "relative_clause_negated": read("""N1 REL1 V1 N2 never VP1 -> N2 never VP1 | N2 VP1 ;
            N1 REL1 N2 V1 never VP1 -> N2 never VP1"""),
        "coordination": read("""N1 and N2 V1 N3 -> N1 V1 N2 | N2 V1 N1 ; N1 V1 N2 and N3 -> N2 V1 N3 | N3 V1 N2"""),
        "garden_path": read("""N1 NPS1 N2 VP1 -> N1 NPS1 N2 ; SINCE1 N1 NPZ1 N2 VP1 -> N1 NPZ1 N2 ;
            N1 PART1 in the PLACE1 VP1 -> N1 PART1 in the PLACE1 ;
            N1 V1 N2 PART1 in the PLACE1 -> N2 PART1 in the PLACE1"""),
        "conditional": read("""IF1 N1 VP1 , N2 VP2 -> N1 VP1 ; IFMAIN1 N1 VP1 , N2 VP2 -> N2 VP2"""),
        "conditional_clause": around(_CLAUSES, "IF8 _ , N8 VP8"),
        "disjunction": read("""N1 VP1 , or N2 VP2 -> N1 VP1 | N2 VP2 ; N1 or N2 VP1 -> N1 VP1"""),
        "disjoined_clause": around(_CLAUSES, "_ , or N8 VP8"),
        "non_factive": read("""N1 NONFACT1 that N2 VP1 -> N2 VP1 ; PERHAPS1 N1 VP1 -> N1 VP1"""),
        "non_factive_clause": around(_CLAUSES, "N8 NONFACT8 that _", "PERHAPS8 _"),
    },
    CONTRADICTION: {
        "negation": read("""N1 never VP1 -> N1 VP1 ; N1 BE1 never V1 by N2 -> N2 V1 N1 | N1 BE1 V1 by N2 ;
            N1 VP1 , but N2 never VP2 -> N1 never VP1 ; N1 , who never VP1 , VP2 -> N1 never VP2 ;
            N1 REL1 VP1 never V1 N2 -> N1 V1 N2"""),
        "negated_part": tuple((premise, hypothesis.replace("never ", "")) for premise, hypothesis in ENTAILED_NEVER),
        "false_clause": around(_CLAUSES, "it is false that _"),
        "contrast": read("""N1 , not N2 , VP1 -> N2 VP1 ; N1 V1 N2 but not N3 -> N1 V1 N3 ;
            instead of N1 , N2 I1 -> N1 I1 ; N1 , not N2 , VP1 -> N2 VP1"""),
        "coordination": read("""neither N1 nor N2 VP1 -> N1 VP1 | N2 VP1"""),
        "quantifier": read("""everyone but N1 VP1 -> N1 VP1 ; none of the PL1 VP1 -> the PL1 VP1"""),
        "order": read("""N1 VP1 after N2 VP2 -> N2 VP2 after N1 VP1"""),
        "false_belief": around(_CLAUSES, "N8 wrongly guessed that _", "N8 falsely reported that _"),
    },
}
"""Gold label -> phenomenon -> (premise, hypothesis) patterns in which every hypothesis word is in the premise."""
