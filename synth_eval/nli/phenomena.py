"""The constructions of the general NLI set: premise and hypothesis patterns by gold label and phenomenon.

Labels are right by construction, under these readings: different nouns are different people, one sentence is about one
occasion (so "never praised" denies "praised"), and a plural with "the" is about all of them. Slots are those of
``templates``. A line of a table is ``premise -> hypothesis | hypothesis ...``.

The tables give every label nearly every kind of hypothesis (with "never", "because", a place, a number ...), so that
``grammar`` can draw the kind of hypothesis before the label.
"""

from __future__ import annotations

import re
from itertools import chain

from synth_eval.nli.labels import CONTRADICTION, ENTAILMENT, NEUTRAL

Patterns = dict[str, tuple[tuple[str, str], ...]]
"""Phenomenon -> pairs of patterns."""


def _read(table: str) -> tuple[tuple[str, str], ...]:
    """The (premise, hypothesis) patterns of a table."""
    lines = (line.strip().split(" -> ") for line in table.strip().splitlines())
    return tuple((premise, hypothesis) for premise, choices in lines for hypothesis in choices.split(" | "))


def _changed(pairs: tuple[tuple[str, str], ...], kinds: str, change: str) -> tuple[tuple[str, str], ...]:
    """The pairs with each slot of ``kinds`` in the hypothesis replaced in turn (\\1 is its kind, \\2 its number)."""
    return tuple(
        (premise, _agreeing(hypothesis[: slot.start()] + slot.expand(change) + hypothesis[slot.end() :], slot))
        for premise, hypothesis in pairs
        for slot in re.finditer(rf"\b({kinds})(\d)", hypothesis)
    )


def _agreeing(hypothesis: str, slot: re.Match[str]) -> str:
    """was/were of a noun follows when the noun has become number 9."""
    return hypothesis.replace(f"BE{slot[2]}", "BE9") if slot[1] == "N" else hypothesis


def _wrapped(*wrappers: str, skip: str = r"\0") -> tuple[tuple[str, str], ...]:
    """Each plain clause inside each of ``wrappers`` (where it is called S), and the clause itself."""
    clauses = [clause for clause in _CLAUSES if not re.search(skip, clause)]
    return tuple((wrapper.replace("S", clause, 1), clause) for wrapper in wrappers for clause in clauses)


_CLAUSES = tuple(
    """N1 VP1|N1 never VP1|N1 BE1 V1 by N2|N1 BE1 never V1 by N2|N1 P1 N2 VP1|N1 VP1 in the PLACE1|N1 I1 MANNER1
    |N1 VP1 because N2 VP2|N1 VP1 after N2 VP2|the ADJ1 SG1 VP1|nobody VP1|someone VP1|some PL1 VP1|no PL1 VP1
    |none of the PL1 VP1|some HYPER1 VP1|at least NUM1 PL1 VP1|exactly NUM1 PL1 VP1|N1 BE1 OPPADJ1|N1 BE1 not OPPADJ1
    |N1 BE1 born in CITY1|N1 retired on DAY1|N1 SYNB1 N2|N1 OPPV1 N2|N1 ISYNB1|N1 HYPOV1|N1 HYPERV1""".replace(
        "\n    ", ""
    ).split("|")
)
_ATTACHED = "because|after"
"""Clauses that may be read as part of what is above them, which then is not what follows."""

_ENTAILED: Patterns = {
    "passive": _read("N1 BE1 V1 by N2 -> N2 V1 N1\nN1 BE1 V1 by N2 and N3 -> N3 V1 N1\nN1 BE1 SYN1 by N2 -> N2 SYN1 N1"),
    "modifier": _read("""
        N1 P1 N2 VP1 -> N1 VP1
        N1 V1 N2 P1 N3 -> N1 V1 N2
        the ADJ1 SG1 VP1 -> the SG1 VP1
        ADJ1 PL1 VP1 -> PL1 VP1
        N1 I1 MANNER1 -> N1 I1
        N1 VP1 in the PLACE1 -> N1 VP1
        N1 PART1 N2 in the PLACE1 -> N1 PART1 N2
        N1 P1 N2 NPZ1 N3 -> N1 NPZ1 N3
        N1 NPS1 N2 P1 N3 -> N1 NPS1 N2
        N1 P1 N2 VP1 in the PLACE1 -> N1 VP1 in the PLACE1
        N1 P1 N2 BE1 V1 by N3 -> N1 BE1 V1 by N3
        N1 P1 N2 OPPV1 N3 -> N1 OPPV1 N3
    """),
    "relative_clause": _read("""
        N1 REL1 V1 N2 V2 N3 -> N1 V2 N3 | N1 V1 N2
        N1 REL1 N2 V1 V2 N3 -> N1 V2 N3 | N2 V1 N1
        N1 V1 N2 REL1 V2 N3 -> N2 V2 N3
        N1 V1 N2 REL1 N3 V2 -> N3 V2 N2
        N1 V1 N2 REL1 VP1 -> N1 V1 N2
        N1 REL1 I1 VP1 -> N1 VP1
        N1 REL1 V1 N2 I1 in the PLACE1 -> N1 I1 in the PLACE1
        N1 REL1 N2 SYN1 VP1 -> N2 SYN1 N1
    """),
    "coordination": _read("""
        N1 and N2 VP1 -> N1 VP1 | N2 VP1
        N1 V1 N2 and N3 -> N1 V1 N2 | N1 V1 N3
        N1 VP1 , and N2 VP2 -> N1 VP1 | N2 VP2
        N1 and N2 VP1 in the PLACE1 -> N2 VP1 in the PLACE1
        the ADJ1 SG1 and N2 VP1 -> the ADJ1 SG1 VP1
        N2 and the ADJ1 SG1 VP1 -> the ADJ1 SG1 VP1
        N1 P1 N2 VP1 , and N3 VP2 -> N1 P1 N2 VP1
    """),
    "subordination": _read("SINCE1 N1 VP1 , N2 VP2 -> N1 VP1\nSINCEMAIN1 N1 VP1 , N2 VP2 -> N2 VP2"),
    "garden_path": _read("""
        SINCE1 N1 NPZ1 N2 VP1 -> N2 VP1 | N1 NPZ1
        N1 PART1 in the PLACE1 VP1 -> N1 VP1
        N1 V1 N2 PART1 in the PLACE1 -> N1 V1 N2
        N1 , who NPS1 N2 VP1 , VP2 -> N1 VP2
    """),
    "factive": _read("N1 FACT1 that N2 VP1 -> N2 VP1\nSURELY1 N1 VP1 -> N1 VP1"),
    "understood_object": _read("N1 OPTOBJ1 the OBJ1 -> N1 OPTOBJ1"),
    "contrast": _read("""
        N1 , not N2 , VP1 -> N1 VP1
        N1 V1 N2 but not N3 -> N1 V1 N2
        instead of N1 , N2 VP1 -> N2 VP1
        N1 , not N2 , BE1 V1 by N3 -> N1 BE1 V1 by N3
    """),
    "quantifier": _read("""
        all the PL1 VP1 -> the PL1 VP1
        NUM1 PL1 and NUM2 PL2 VP1 -> NUM1 PL1 VP1
        nobody V1 N1 , but N2 V2 N1 -> N2 V2 N1
        nobody I1 , but N1 I2 -> N1 I2
    """),
    "parenthesis": _read("""
        N1 , who PERHAPS1 VP1 , VP2 -> N1 VP2
        N1 , who NONFACT1 that N2 VP1 , VP2 -> N1 VP2
        N1 , who I1 IF1 N2 I2 , VP1 -> N1 VP1
        N1 or N2 VP1 , and N3 VP2 -> N3 VP2
        N1 , who never VP1 , VP2 -> N1 VP2
    """),
    "cause": _read("""
        because N2 VP2 , N1 VP1 -> N1 VP1 because N2 VP2
        N1 P1 N3 VP1 because N2 VP2 -> N1 VP1 because N2 VP2
        N1 and N3 VP1 because N2 VP2 -> N1 VP1 because N2 VP2
        N1 VP1 because N2 VP2 -> N1 VP1 | N2 VP2
    """),
    "time": _read("""
        after N2 VP2 , N1 VP1 -> N1 VP1 after N2 VP2
        N1 P1 N3 VP1 after N2 VP2 -> N1 VP1 after N2 VP2
        N1 and N3 VP1 after N2 VP2 -> N1 VP1 after N2 VP2
        N1 VP1 after N2 VP2 -> N1 VP1 | N2 VP2
    """),
}

_ENTAILED_NEVER = _read("""
    N1 P1 N2 never VP1 -> N1 never VP1
    the ADJ1 SG1 never VP1 -> the SG1 never VP1
    N1 REL1 V1 N2 never VP1 -> N1 never VP1
    N1 REL1 N2 V1 never VP1 -> N1 never VP1
    N1 REL1 never V1 N2 VP1 -> N1 never V1 N2
    N1 V1 N2 REL1 never V2 N3 -> N2 never V2 N3
    N1 V1 N2 REL1 N3 never V2 -> N3 never V2 N2
    N1 and N2 never VP1 -> N1 never VP1 | N2 never VP1
    N1 VP1 , and N2 never VP2 -> N2 never VP2
    N1 never VP1 , but N2 VP2 -> N1 never VP1
    SINCE1 N1 never VP1 , N2 VP2 -> N1 never VP1
    SINCEMAIN1 N1 VP1 , N2 never VP2 -> N2 never VP2
    N1 , who never VP1 , VP2 -> N1 never VP1
    N1 BE1 never V1 by N2 -> N2 never V1 N1
    N1 P1 N2 BE1 never V1 by N3 -> N1 BE1 never V1 by N3
    N1 FACT1 that N2 never VP1 -> N2 never VP1
    SURELY1 N1 never VP1 -> N1 never VP1
""")

_DENIED = _changed(_ENTAILED_NEVER, r"never (?:V|VP)", "")  # placeholder
