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
from synth_eval.nli.templates import Pairs, around, asserted, changed, read

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

_ENTAILED_NEVER = read("""N1 P1 N2 never VP1 -> N1 never VP1 ; the ADJ1 SG1 never VP1 -> the SG1 never VP1 ;
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

_HEDGED = read("""COND1 N1 VP1 , N2 and N3 I2 -> COND1 N1 VP1 , N2 I2 ;
    COND1 N1 and N2 I1 , N3 VP2 -> COND1 N2 and N1 I1 , N3 VP2 ; N1 VP1 , or N2 VP2 -> N2 VP2 , or N1 VP1 ;
    N1 SUPPOSE1 that N2 and N3 VP1 -> N1 SUPPOSE1 that N3 VP1""")

_SWAPPED_RELATIVE = read("""N1 REL1 V1 N2 V2 N3 -> N2 V2 N1 | N3 V2 N1 | N2 V2 N3 ;
    N1 REL1 N2 V1 V2 N3 -> N2 V2 N1 | N3 V2 N1 | N1 V1 N2 ; N1 V1 N2 REL1 V2 N3 -> N3 V2 N2 | N1 V1 N3 | N1 V2 N3 ;
    N1 V1 N2 REL1 N3 V2 -> N2 V1 N1 | N1 V1 N3 | N2 V2 N3 ; N1 REL1 V1 N2 I1 -> N2 I1 | N2 V1 N1""")

_OPEN = around(_CLAUSES, "N8 NONFACT8 that _", "_ , or N8 VP8", "IF8 _ , N8 VP8")
_FALSE = around(_CLAUSES, "it is false that _", "N8 wrongly guessed that _", "N8 falsely reported that _")

_ALL_ENTAILED = tuple(chain.from_iterable(_ENTAILED.values()))
_CERTAIN = tuple(pair for pair in _ALL_ENTAILED if re.match(r"N\d|the ", pair[1]) and "never" not in pair[0])
"""Their hypothesis is about certain people, so that its negation (with a word that is new) contradicts it."""

WITH_OVERLAP: dict[str, Patterns] = {
    ENTAILMENT: _ENTAILED
    | {
        "negation": _ENTAILED_NEVER,
        "exclusive": _EXCLUSIVE,
        "hedged": (*_HEDGED, ("PERHAPS1 N1 and N2 VP1", "PERHAPS1 N1 VP1")),
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
        "negated_part": tuple((premise, hypothesis.replace("never ", "")) for premise, hypothesis in _ENTAILED_NEVER),
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

_WITHOUT: dict[str, Patterns] = {
    ENTAILMENT: {
        "synonym": read("""N1 SYN1 N2 -> N1 SYNB1 N2 ; N1 and N2 SYN1 N3 -> N1 SYNB1 N3 ;
            N1 BE1 SYN1 by N2 -> N2 SYNB1 N1 ; N1 ISYN1 -> N1 ISYNB1 ; N1 never SYN1 N2 -> N1 never SYNB1 N2 ;
            N1 never ISYN1 -> N1 never ISYNB1 ; N1 P1 N2 SYN1 N3 -> N1 P1 N2 SYNB1 N3 ;
            N1 P1 N2 ISYN1 -> N1 P1 N2 ISYNB1 ; N1 SYN1 N2 in the PLACE1 -> N1 SYNB1 N2 in the PLACE1 ;
            N1 ISYN1 in the PLACE1 -> N1 ISYNB1 in the PLACE1 ;
            N1 SYN1 N2 because N3 VP1 -> N1 SYNB1 N2 because N3 VP1 ;
            N1 ISYN1 because N2 VP1 -> N1 ISYNB1 because N2 VP1 ; the ADJ1 SG1 SYN1 N1 -> the ADJ1 SG1 SYNB1 N1 ;
            the ADJ1 SG1 ISYN1 -> the ADJ1 SG1 ISYNB1 ; N1 ISYN1 MANNER1 -> N1 ISYNB1 MANNER1 ;
            no one VP1 -> nobody VP1"""),
        "hypernym": read("""the HYPO1 VP1 -> some HYPER1 VP1 ; N1 V1 the HYPO1 -> N1 V1 some HYPER1 ;
            N1 HYPOV1 -> N1 HYPERV1 ; N1 never HYPERV1 -> N1 never HYPOV1 ; N1 VP1 -> someone VP1 ;
            N1 OPTOBJ1 the OBJ1 -> someone OPTOBJ1"""),
        "passive": read("""N1 V1 N2 -> N2 BE2 V1 by N1 ; N1 REL1 V1 N2 I1 -> N2 BE2 V1 by N1"""),
        "passive_negated": read("""N1 never V1 N2 -> N2 BE2 never V1 by N1 ;
            nobody V1 N1 -> N1 BE1 never V1 by N2"""),
        "number": read("""NUM1 PL1 VP1 -> at least FEWER1 PL1 VP1 | some PL1 VP1 ;
            no more and no fewer than NUM1 PL1 VP1 -> exactly NUM1 PL1 VP1 ; all the PL1 VP1 -> some PL1 VP1"""),
        "antonym": read("""N1 BE1 OPPADJ1 -> N1 BE1 not OPPADJB1"""),
        "universal": read("""everyone VP1 -> N1 VP1 ; everyone but N1 VP1 -> N2 VP1 ; N1 V1 everyone -> N1 V1 N2 ;
            everyone V1 N1 -> N2 V1 N1 ; everyone was OPPADJ1 -> N1 BE1 OPPADJ1 ;
            everyone was born in CITY1 -> N1 BE1 born in CITY1 ; everyone retired on DAY1 -> N1 retired on DAY1"""),
        "order": read("""N1 VP1 before N2 VP2 -> N2 VP2 after N1 VP1"""),
        "negation": read("""neither N1 nor N2 VP1 -> N1 never VP1 ; N1 , not N2 , VP1 -> N2 never VP1 ;
            everyone but N1 VP1 -> N1 never VP1 ; it is false that the SG1 I1 -> the SG1 never I1 ;
            it is false that the SG1 V1 the SG2 -> the SG1 never V1 the SG2 ;
            nobody VP1 -> N1 never VP1 | no PL1 VP1 | none of the PL1 VP1 ; only N1 VP1 -> N2 never VP1 ;
            N1 V1 nobody -> N1 never V1 N2"""),
    },
    NEUTRAL: {
        "added_modifier": read("""the SG1 VP1 -> the ADJ1 SG1 VP1 ; PL1 VP1 -> ADJ1 PL1 VP1 ;
            N1 VP1 -> N1 P1 N2 VP1 | N1 VP1 in the PLACE1 ; N1 I1 -> N1 I1 MANNER1 ;
            N1 BE1 V1 by N2 -> N2 V1 N1 in the PLACE1 ; N1 lived in CITY1 -> N1 BE1 born in CITY1 ;
            N1 arrived on DAY1 -> N1 retired on DAY1"""),
        "added_clause": read("""N1 VP1 -> N1 VP1 because N2 VP2 | N1 VP1 after N2 VP2 ;
            N1 REL1 V1 N2 VP1 -> N1 VP1 because N3 VP2 ; N1 and N2 VP1 -> N1 VP1 after N3 VP2 ;
            SURELY1 N1 VP1 -> N1 VP1 because N2 VP2"""),
        "other_person_or_act": (
            *changed((*_ALL_ENTAILED, *_HEDGED), "N|SG|PL|VP|V|I", r"\g<1>9"),
            *changed(_FALSE, "N|SG|PL|VP|V|I", r"\g<1>9"),
            *changed(_OPEN, "N|SG|PL|VP|V|I", r"\g<1>9"),
            *read("""N1 NPS1 N2 -> N3 NPS1 N2 ; N1 NPZ1 N2 -> N1 NPZ1 N3 ; N1 PART1 N2 in the PLACE1 -> N3 PART1 N2 ;
                only N1 VP1 -> N2 VP2 | N1 VP2 | N2 never VP2 ; nobody but N1 VP1 -> N2 VP2 | N1 VP2 | N2 never VP2 ;
                nobody VP1 -> N1 VP2 | N1 never VP2 ; nobody V1 N1 -> N1 V1 N2 | N1 never V1 N2 ;
                N1 V1 nobody -> N2 V1 N1 | N2 never V1 N1 ; neither N1 nor N2 VP1 -> N3 VP1 | N1 VP2 ;
                everyone VP1 -> N1 VP2"""),
        ),
        "other_person_or_act_negated": (
            *changed(_ENTAILED_NEVER, "N|SG|VP|V", r"\g<1>9"),
            *changed(_CERTAIN, "VP|V|I", r"never \g<1>9"),
            *read("""N1 VP1 -> N2 never VP1 ; N1 P1 N2 VP1 -> N2 never VP1 ; N1 and N2 VP1 -> N3 never VP1 ;
                N1 REL1 V1 N2 VP1 -> N2 never VP1 ; N1 never VP1 -> N2 never VP1 | N2 VP1 ;
                N1 never V1 N2 -> N1 never V2 N2"""),
        ),
        "hyponym": read("""some HYPER1 VP1 -> the HYPO1 VP1 ; N1 HYPERV1 -> N1 HYPOV1 ;
            N1 never HYPOV1 -> N1 HYPERV1 | N1 never HYPERV1"""),
        "quantifier": read("""at least FEWER1 PL1 VP1 -> exactly NUM1 PL1 VP1 ;
            some PL1 VP1 -> at least NUM1 PL1 VP1 | exactly NUM1 PL1 VP1 ;
            N1 VP1 -> some PL1 VP1 | someone VP2 | nobody VP2 ;
            N1 never VP1 -> nobody VP1 | someone VP1 | no PL1 VP1 | none of the PL1 VP1 | some PL1 VP1 ;
            the HYPO1 never VP1 -> some HYPER1 VP1"""),
        "role_swap": read("""N1 V1 N2 -> N1 BE1 V1 by N2 ; N1 never V1 N2 -> N1 BE1 V1 by N2 | N1 BE1 never V1 by N2 ;
            N1 SYN1 N2 -> N2 SYNB1 N1 ; N1 never SYN1 N2 -> N2 SYNB1 N1 ; N1 OPPV1 N2 -> N2 OPPVB1 N1"""),
        "other_state": read("""N1 BE1 OPPADJ1 -> N2 BE2 OPPADJ1 | N2 BE2 OPPADJB1 | N2 BE2 not OPPADJ1 | N2 BE2 not
            OPPADJB1 ;
            N1 BE1 born in CITY1 -> N2 BE2 born in CITY1 | N2 BE2 born in CITY2 ;
            N1 retired on DAY1 -> N2 retired on DAY1 | N2 retired on DAY2"""),
    },
    CONTRADICTION: {
        "denial": changed(_CERTAIN, "VP|V|I", r"never \g<1>\g<2>"),
        "other_verb": read("""N1 OPTOBJ1 the OBJ1 -> N1 never OPTOBJ1 ; N1 NPS1 N2 -> N1 never NPS1 N2 ;
            N1 NPZ1 N2 -> N1 never NPZ1 N2 ;
            N1 PART1 N2 in the PLACE1 -> N1 never PART1 N2"""),
        "synonym": read("""N1 SYN1 N2 -> N1 never SYNB1 N2 ; N1 never SYN1 N2 -> N1 SYNB1 N2 ;
            N1 never ISYN1 -> N1 ISYNB1 ; N1 never HYPERV1 -> N1 HYPOV1 ; N1 BE1 never SYN1 by N2 -> N2 SYNB1 N1"""),
        "antonym": read("""N1 BE1 OPPADJ1 -> N1 BE1 OPPADJB1 | N1 BE1 not OPPADJ1 ;
            N1 OPPV1 N2 -> N1 OPPVB1 N2 | N2 BE2 OPPVB1 by N1 | N1 OPPVB1 N2 because N3 VP1 ;
            N1 P1 N2 OPPV1 N3 -> N1 OPPVB1 N3 | N1 P1 N2 OPPVB1 N3 ; N1 and N2 OPPV1 N3 -> N2 OPPVB1 N3 ;
            N1 BE1 OPPV1 by N2 -> N2 OPPVB1 N1 ; N1 I1 MANNER1 -> N1 I1 MANNERB1"""),
        "nobody": read("""nobody VP1 -> N1 VP1 | N1 P1 N2 VP1 | N1 VP1 in the PLACE1 | N1 VP1 because N2 VP2 | the
            ADJ1 SG1 VP1 ;
            nobody VP1 -> N1 VP1 after N2 VP2 | someone VP1 | some HYPER1 VP1 | some PL1 VP1 | at least NUM1 PL1 VP1 ;
            nobody V1 N1 -> N2 V1 N1 | N1 BE1 V1 by N2 ; N1 V1 nobody -> N1 V1 N2 | N2 BE2 V1 by N1 ;
            N1 VP1 -> nobody VP1 ; N1 and N2 VP1 -> nobody VP1"""),
        "exclusive": read("""only N1 VP1 -> N2 VP1 ; only N1 and N2 VP1 -> N3 VP1 ; nobody but N1 VP1 -> N2 VP1 ;
            N1 V1 nobody but N2 -> N1 V1 N3 ; N1 V1 only N2 -> N1 V1 N3"""),
        "false_of_all": read("""it is false that someone VP1 -> N1 VP1 | N1 P1 N2 VP1 | N1 VP1 in the PLACE1 | the
            ADJ1 SG1 VP1 ;
            it is false that someone V1 N1 -> N1 BE1 V1 by N2 | N2 V1 N1 ; it is false that N1 SYN1 N2 -> N1 SYNB1 N2 ;
            it is false that N1 ISYN1 -> N1 ISYNB1 ;
            N7 wrongly guessed that someone VP1 -> N1 VP1 | N1 P1 N2 VP1 | N1 VP1 in the PLACE1 ;
            N7 falsely reported that N1 SYN1 N2 -> N1 SYNB1 N2 ; N7 falsely reported that N1 HYPERV1 -> N1 HYPOV1"""),
        "negated_whole": read("""N1 never VP1 -> N1 VP1 in the PLACE1 | N1 P1 N2 VP1 | N1 VP1 because N2 VP2 | N1
            VP1 after N2 VP2 ;
            the SG1 never VP1 -> the ADJ1 SG1 VP1 ; N1 never I1 -> N1 I1 MANNER1 ;
            N1 VP1 -> N2 VP2 because N1 never VP1"""),
        "passive": read("""N1 V1 N2 -> N2 BE2 never V1 by N1 ; N1 BE1 V1 by N2 -> N2 never V1 N1 ;
            N1 never V1 N2 -> N2 BE2 V1 by N1"""),
        "number": read("""exactly NUM1 PL1 VP1 -> exactly NUM2 PL1 VP1 ;
            exactly FEWER1 PL1 VP1 -> NUM1 PL1 VP1 | at least NUM1 PL1 VP1 ;
            no PL1 VP1 -> some PL1 VP1 | at least NUM1 PL1 VP1 | exactly NUM1 PL1 VP1"""),
        "order": read("""N1 VP1 before N2 VP2 -> N1 VP1 after N2 VP2"""),
        "place": read("""N1 BE1 born in CITY1 -> N1 BE1 born in CITY2"""),
        "time": read("""N1 retired on DAY1 -> N1 retired on DAY2"""),
        "quantifier": read("""all the PL1 VP1 -> none of the PL1 VP1 ; some PL1 VP1 -> no PL1 VP1 ;
            NUM1 PL1 VP1 -> no PL1 VP1 ; everyone VP1 -> N1 never VP1"""),
    },
}

WITHOUT_OVERLAP: dict[str, Patterns] = {
    label: {name: pairs if name.startswith(("other_", "denial")) else asserted(pairs) for name, pairs in table.items()}
    for label, table in _WITHOUT.items()
}
"""The same, with at least one hypothesis word that is not in the premise."""
