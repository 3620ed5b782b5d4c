"""Fresh HANS-like pairs: the 30 subcases of HANS with own words, any seed and size, nothing to download.

The constructions are those of McCoy, Pavlick & Linzen (2019); the vocabulary is that of ``lexicon``. A hypothesis of
``lexical_overlap`` uses only words of its premise (and is no contiguous part of it), one of ``subsequence`` is a
contiguous part of its premise (and no clause of it), one of ``constituent`` is a complete clause inside its premise.
"""

from __future__ import annotations

from random import Random

from synth_eval.errors import InputError
from synth_eval.nli.hans import SUBCASES
from synth_eval.nli.templates import Filling, Template, Tree, leaves, parse, sentence, stream

_SUBJECT_RELATIVE = "(S (NP N1 (RC REL1 (VP V1 N2))) (VP V2 N3))"
_OBJECT_RELATIVE = "(S (NP N1 (RC REL1 N2 V1)) (VP V2 N3))"
_ON_OBJECT_SUBJECT_RELATIVE = "(S N1 (VP V1 (NP N2 (RC REL1 (VP V2 N3)))))"
_ON_OBJECT_OBJECT_RELATIVE = "(S N1 (VP V1 (NP N2 (RC REL1 N3 V2))))"
_PP_ON_SUBJECT = "(S (NP N1 (PP P1 N2)) (VP V1 N3))"
_PP_ON_OBJECT = "(S N1 (VP V1 (NP N2 (PP P1 N3))))"
_TWO_SUBJECTS = "(S (NP N1 and N2) (VP V1 N3))"
_TWO_OBJECTS = "(S N1 (VP V1 (NP N2 and N3)))"
_PASSIVE = "(S N1 (VP BE1 V1 (PP by N2)))"

_PATTERNS: dict[str, dict[str, tuple[str, ...]]] = {
    "ln_subject/object_swap": {"(S N1 (VP V1 N2))": ("N2 V1 N1",)},
    "ln_preposition": {
        _PP_ON_SUBJECT: ("N2 V1 N1", "N3 V1 N1", "N3 V1 N2"),
        _PP_ON_OBJECT: ("N2 V1 N1", "N2 V1 N3", "N3 V1 N1"),
    },
    "ln_relative_clause": {
        _OBJECT_RELATIVE: ("N2 V2 N1", "N3 V2 N1", "N3 V2 N2"),
        _SUBJECT_RELATIVE: ("N2 V2 N1", "N3 V2 N1", "N3 V2 N2"),
        _ON_OBJECT_SUBJECT_RELATIVE: ("N2 V1 N1", "N2 V1 N3", "N3 V1 N1"),
        _ON_OBJECT_OBJECT_RELATIVE: ("N2 V1 N1", "N2 V1 N3", "N3 V1 N1"),
    },
    "ln_passive": {_PASSIVE: ("N1 V1 N2",)},
    "ln_conjunction": {_TWO_SUBJECTS: ("N1 V1 N2", "N2 V1 N1"), _TWO_OBJECTS: ("N2 V1 N3", "N3 V1 N2")},
    "le_relative_clause": {
        _OBJECT_RELATIVE: ("N2 V1 N1",),
        _SUBJECT_RELATIVE: ("N1 V1 N2",),
        _ON_OBJECT_SUBJECT_RELATIVE: ("N2 V2 N3",),
        _ON_OBJECT_OBJECT_RELATIVE: ("N3 V2 N2",),
    },
    "le_around_prepositional_phrase": {_PP_ON_SUBJECT: ("N1 V1 N3",)},
    "le_around_relative_clause": {
        _OBJECT_RELATIVE: ("N1 V2 N3",),
        _SUBJECT_RELATIVE: ("N1 V2 N3",),
        "(S (NP N1 (RC REL1 (VP I1))) (VP V1 N2))": ("N1 V1 N2",),
    },
    "le_conjunction": {_TWO_SUBJECTS: ("N1 V1 N3",), _TWO_OBJECTS: ("N1 V1 N3",)},
    "le_passive": {_PASSIVE: ("N2 V1 N1",)},
    "sn_NP/S": {"(S N1 (VP NPS1 (S N2 VP1)))": ("N1 NPS1 N2",)},
    "sn_PP_on_subject": {"(S (NP N1 (PP P1 N2)) VP1)": ("N2 VP1",)},
    "sn_relative_clause_on_subject": {"(S (NP N1 (RC REL1 (VP V1 N2))) VP1)": ("N2 VP1",)},
    "sn_past_participle": {
        "(S (NP N1 (RC PART1 (PP in the PLACE1))) VP1)": ("N1 PART1 in the PLACE1",),
        "(S N1 (VP V1 (NP N2 (RC PART1 (PP in the PLACE1)))))": ("N2 PART1 in the PLACE1",),
    },
    "sn_NP/Z": {"(S (CP SINCE1 (S N1 (VP NPZ1))) (S N2 VP1))": ("N1 NPZ1 N2",)},
    "se_conjunction": {"(S (NP N1 and N2) VP1)": ("N2 VP1",), _TWO_OBJECTS: ("N1 V1 N2",)},
    "se_adjective": {"(S (NP ADJ1 PL1) VP1)": ("PL1 VP1",)},
    "se_understood_object": {"(S N1 (VP OPTOBJ1 (NP the OBJ1)))": ("N1 OPTOBJ1",)},
    "se_relative_clause_on_obj": {
        _ON_OBJECT_SUBJECT_RELATIVE: ("N1 V1 N2",),
        _ON_OBJECT_OBJECT_RELATIVE: ("N1 V1 N2",),
        "(S N1 (VP V1 (NP N2 (RC REL1 (VP I1)))))": ("N1 V1 N2",),
    },
    "se_PP_on_obj": {_PP_ON_OBJECT: ("N1 V1 N2",)},
    "cn_embedded_under_if": {"(S (CP IF1 (S N1 VP1)) , (S N2 VP2))": ("N1 VP1",)},
    "cn_after_if_clause": {"(S (CP IFMAIN1 (S N1 VP1)) , (S N2 VP2))": ("N2 VP2",)},
    "cn_embedded_under_verb": {"(S N1 (VP NONFACT1 (CP that (S N2 VP1))))": ("N2 VP1",)},
    "cn_disjunction": {"(S (S N1 VP1) , or (S N2 VP2))": ("N1 VP1", "N2 VP2")},
    "cn_adverb": {"(S PERHAPS1 (S N1 VP1))": ("N1 VP1",)},
    "ce_embedded_under_since": {"(S (CP SINCE1 (S N1 VP1)) , (S N2 VP2))": ("N1 VP1",)},
    "ce_after_since_clause": {"(S (CP SINCEMAIN1 (S N1 VP1)) , (S N2 VP2))": ("N2 VP2",)},
    "ce_embedded_under_verb": {"(S N1 (VP FACT1 (CP that (S N2 VP1))))": ("N2 VP1",)},
    "ce_conjunction": {"(S (S N1 VP1) , and (S N2 VP2))": ("N1 VP1", "N2 VP2")},
    "ce_adverb": {"(S SURELY1 (S N1 VP1))": ("N1 VP1",)},
}

TEMPLATES: dict[str, tuple[Template, ...]] = {
    subcase: tuple(
        Template(f"{subcase}:{number}", parse(premise), parse(hypothesis))
        for number, (premise, hypothesis) in enumerate(
            ((premise, hypothesis) for premise, group in _PATTERNS[subcase].items() for hypothesis in group), start=1
        )
    )
    for subcase in SUBCASES
}
"""Subcase -> its templates; ``Template.name`` is the id that the records carry."""

_GIVE_UP = 5_000
"""Draws in a row that gave no new pair, after which a subcase counts as exhausted."""


def draw(template: Template, rng: Random) -> tuple[Tree, list[str]]:
    """The tree of one premise, without the full stop, and the words of its hypothesis."""
    filling = Filling(rng)
    premise = filling.fill(template.premise)
    return premise, leaves(filling.fill(template.hypothesis))


def generate(per_subcase: int, seed: int) -> list[dict[str, str]]:
    """``per_subcase`` distinct pairs for each of the 30 subcases, in the official order of the subcases.

    Returns records {pairID, premise, hypothesis, gold_label, heuristic, subcase, template}; gold labels are
    ``entailment`` and ``non_entailment``. The same arguments give the same pairs, and a larger ``per_subcase`` only
    adds pairs to each subcase. Raises InputError when a subcase has fewer distinct pairs than asked for.
    """
    if per_subcase < 1:
        raise InputError("per_subcase", str(per_subcase), "a whole number of at least 1", "ask for at least one pair")
    return [record for subcase in SUBCASES for record in _subcase_records(subcase, per_subcase, seed)]


def _subcase_records(subcase: str, count: int, seed: int) -> list[dict[str, str]]:
    heuristic, gold_label = SUBCASES[subcase]
    rng = stream("hans_fresh", seed, subcase)
    pairs: dict[tuple[str, str], str] = {}
    misses = 0
    while len(pairs) < count:
        template = rng.choice(TEMPLATES[subcase])
        tree, words = draw(template, rng)
        pair = sentence(leaves(tree)), sentence(words)
        misses = misses + 1 if pair in pairs else 0
        pairs.setdefault(pair, template.name)
        if misses > _GIVE_UP:
            raise InputError(
                f"per_subcase (subcase {subcase})",
                str(count),
                f"at most about {len(pairs)}, all that the grammar has",
                "ask for fewer pairs",
            )
    return [
        {
            "pairID": f"fresh{seed}-{subcase}-{index}",
            "premise": premise,
            "hypothesis": hypothesis,
            "gold_label": gold_label,
            "heuristic": heuristic,
            "subcase": subcase,
            "template": name,
        }
        for index, ((premise, hypothesis), name) in enumerate(pairs.items())
    ]
