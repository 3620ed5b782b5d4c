"""Lexical overlap between premise and hypothesis, under two rules; the rule is part of any number made with it."""

from __future__ import annotations

import re

RULES = ("paper", "words")
_WORD = re.compile(r"\w+(?:'\w+)?")


def tokens(text: str, rule: str = "paper") -> list[str]:
    """Lower-cased tokens of ``text``.

    ``paper``: split at white space, drop stand-alone ``.`` ``?`` ``!`` (Zhang & Pavlick 2025, after HANS'
    lex_finder). It keeps a full stop that is written onto the last word, so it undercounts overlap on raw text.
    ``words``: word characters with an inner apostrophe.
    """
    if rule == "paper":
        return [token for token in text.lower().split() if token not in {".", "?", "!"}]
    if rule == "words":
        return _WORD.findall(text.lower())
    raise ValueError(f"unknown overlap rule {rule!r}; use one of {', '.join(RULES)}")


def full_overlap(premise: str, hypothesis: str, rule: str = "paper") -> bool:
    """Whether every hypothesis token occurs in the premise."""
    return set(tokens(hypothesis, rule)) <= set(tokens(premise, rule))


def is_subsequence(premise: str, hypothesis: str) -> bool:
    """Whether the hypothesis words are a contiguous run of the premise words (HANS: subsequence)."""
    inner, outer = tokens(hypothesis, "words"), tokens(premise, "words")
    return any(outer[i : i + len(inner)] == inner for i in range(len(outer) - len(inner) + 1))
