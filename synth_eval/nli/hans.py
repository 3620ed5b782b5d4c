"""HANS: its three heuristics, its 30 subcases and its size (McCoy, Pavlick & Linzen 2019, arXiv 1902.01007)."""

from __future__ import annotations

from synth_eval.nli.labels import ENTAILMENT, NON_ENTAILMENT

HEURISTICS = ("lexical_overlap", "subsequence", "constituent")

_NAMES = {
    ("lexical_overlap", NON_ENTAILMENT): (
        "ln_subject/object_swap",
        "ln_preposition",
        "ln_relative_clause",
        "ln_passive",
        "ln_conjunction",
    ),
    ("lexical_overlap", ENTAILMENT): (
        "le_relative_clause",
        "le_around_prepositional_phrase",
        "le_around_relative_clause",
        "le_conjunction",
        "le_passive",
    ),
    ("subsequence", NON_ENTAILMENT): (
        "sn_NP/S",
        "sn_PP_on_subject",
        "sn_relative_clause_on_subject",
        "sn_past_participle",
        "sn_NP/Z",
    ),
    ("subsequence", ENTAILMENT): (
        "se_conjunction",
        "se_adjective",
        "se_understood_object",
        "se_relative_clause_on_obj",
        "se_PP_on_obj",
    ),
    ("constituent", NON_ENTAILMENT): (
        "cn_embedded_under_if",
        "cn_after_if_clause",
        "cn_embedded_under_verb",
        "cn_disjunction",
        "cn_adverb",
    ),
    ("constituent", ENTAILMENT): (
        "ce_embedded_under_since",
        "ce_after_since_clause",
        "ce_embedded_under_verb",
        "ce_conjunction",
        "ce_adverb",
    ),
}

SUBCASES: dict[str, tuple[str, str]] = {name: key for key, names in _NAMES.items() for name in names}
"""Subcase -> (heuristic, gold_label), in the order of the official file."""

PAIRS_PER_SUBCASE = 1_000
PAIRS = PAIRS_PER_SUBCASE * len(SUBCASES)
"""Rows of the official evaluation set; their pairIDs are ex0 ... ex29999, in file order."""
