"""Templates: a bracketed premise and a hypothesis with slots that a lexicon fills.

A pattern such as ``(S (NP N1 (PP P1 N2)) (VP V1 N3))`` is a tree; upper case with a digit is a slot, everything else
is a word. Equal slots get equal words, different slots of one pattern get different words, and no noun occurs in one
pattern both as singular and plural. Since the premise is a tree, what is a constituent of it can be looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random

from synth_eval.nli import lexicon

Tree = tuple["str | Tree", ...]
"""(label, child, child, ...); a child is a word or a tree."""

Pairs = tuple[tuple[str, str], ...]
"""(premise, hypothesis) patterns."""

_SLOT = re.compile(r"([A-Z]+)(\d)")

POOLS: dict[str, tuple[str, ...]] = {
    "V": lexicon.TRANSITIVE,
    "I": lexicon.INTRANSITIVE,
    "P": lexicon.PREPOSITIONS,
    "REL": lexicon.RELATIVE,
    "ADJ": lexicon.ADJECTIVES,
    "NPS": lexicon.NP_OR_CLAUSE,
    "NPZ": lexicon.TRANSITIVE_OR_NOT,
    "PART": lexicon.PARTICIPLES,
    "FACT": lexicon.FACTIVE,
    "NONFACT": lexicon.NON_FACTIVE,
    "SUPPOSE": lexicon.SUPPOSITION,
    "PLACE": lexicon.PLACES,
    "OPTOBJ": tuple(lexicon.UNDERSTOOD_OBJECT),
    "SINCE": lexicon.VERIDICAL_CONJUNCTIONS,
    "SURELY": lexicon.VERIDICAL_ADVERBS,
    "IF": lexicon.CONDITIONALS,
    "COND": lexicon.REAL_CONDITIONALS,
    "IFMAIN": lexicon.MAIN_CLAUSE_CONDITIONALS,
    "SINCEMAIN": lexicon.MAIN_CLAUSE_VERIDICAL,
    "PERHAPS": lexicon.NON_VERIDICAL_ADVERBS,
    "HYPO": tuple(lexicon.HYPERNYMS),
    "SYN": tuple(lexicon.VERB_SYNONYMS),
    "ISYN": tuple(lexicon.INTRANSITIVE_SYNONYMS),
    "HYPOV": tuple(lexicon.VERB_HYPERNYMS),
    "OPPV": tuple(lexicon.VERB_ANTONYMS),
    "OPPADJ": tuple(lexicon.ADJECTIVE_ANTONYMS),
    "NUM": tuple(lexicon.FEWER),
    "CITY": lexicon.CITIES,
    "DAY": lexicon.DAYS,
    "MANNER": tuple(lexicon.MANNER_ANTONYMS),
}
"""Slot kind -> words. Beside these: N (the + noun), SG and PL (bare nouns), BE (agrees with N), IVP and TVP (without
and with an object), VP (one of the two)."""

LINKS: dict[str, tuple[str, Mapping[str, str] | Mapping[str, tuple[str, ...]]]] = {
    "OBJ": ("OPTOBJ", lexicon.UNDERSTOOD_OBJECT),
    "HYPER": ("HYPO", lexicon.HYPERNYMS),
    "SYNB": ("SYN", lexicon.VERB_SYNONYMS),
    "ISYNB": ("ISYN", lexicon.INTRANSITIVE_SYNONYMS),
    "MANNERB": ("MANNER", lexicon.MANNER_ANTONYMS),
    "HYPERV": ("HYPOV", lexicon.VERB_HYPERNYMS),
    "OPPVB": ("OPPV", lexicon.VERB_ANTONYMS),
    "OPPADJB": ("OPPADJ", lexicon.ADJECTIVE_ANTONYMS),
    "FEWER": ("NUM", lexicon.FEWER),
}
"""Slot kind -> (kind of the slot with the same number that decides it, word -> word or choice of words)."""


@dataclass(frozen=True)
class Template:
    """A premise tree with slots and the hypothesis that goes with it."""

    name: str
    premise: Tree
    hypothesis: Tree


def stream(*parts: object) -> Random:
    """A random stream that ``parts`` decide, the same in every process and on every machine."""
    return Random("/".join(map(str, parts)))  # noqa: S311 (reproducible draws, not secrets)


@cache
def parse(pattern: str) -> Tree:
    """The tree of a bracketed pattern; one without brackets becomes a flat S."""
    stack: list[list[str | Tree]] = [[]]
    for part in (pattern if pattern.startswith("(") else f"(S {pattern})").replace(")", " ) ").split():
        if part.startswith("("):
            stack.append([part[1:]])
        elif part == ")":
            node = tuple(stack.pop())
            stack[-1].append(node)
        else:
            stack[-1].append(part)
    (tree,) = stack[0]
    assert isinstance(tree, tuple)  # noqa: S101 (a pattern of ours, not input)
    return tree


def leaves(tree: Tree) -> list[str]:
    """The words of a tree from left to right."""
    words: list[str] = []
    for child in tree[1:]:
        if isinstance(child, str):
            words.append(child)
        else:
            words += leaves(child)
    return words


def clauses(tree: Tree) -> Iterator[list[str]]:
    """The words of every complete clause (S) strictly inside the tree."""
    for child in tree[1:]:
        if not isinstance(child, str):
            if child[0] == "S":
                yield leaves(child)
            yield from clauses(child)


def sentence(words: list[str]) -> str:
    """Words as HANS writes them: a capital at the start, a space before the full stop."""
    text = " ".join(words)
    return f"{text[0].upper()}{text[1:]} ."


class Filling:
    """One draw of words for the slots of one premise and its hypothesis."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._bound: dict[str, str | Tree] = {}
        self._used: set[str] = set()
        self._plural: dict[str, bool] = {}

    def fill(self, tree: Tree) -> Tree:
        """The tree with a word or phrase in every slot."""
        children: list[str | Tree] = [tree[0]]
        for child in tree[1:]:
            match child:
                case str() if slot := _SLOT.fullmatch(child):
                    children.append(self._value(child, slot[1], slot[2]))
                case str():
                    children.append(child)
                case _:
                    children.append(self.fill(child))
        return tuple(children)

    def _value(self, slot: str, kind: str, number: str) -> str | Tree:
        if slot not in self._bound:
            self._bound[slot] = self._draw(kind, number)
        return self._bound[slot]

    def _draw(self, kind: str, number: str) -> str | Tree:
        match kind:
            case "N":
                plural = self._plural[number] = self._rng.random() < 0.5
                return ("NP", "the", self._noun(plural))
            case "SG" | "PL":
                return self._noun(kind == "PL")
            case "BE":
                self._value(f"N{number}", "N", number)
                return "were" if self._plural[number] else "was"
            case "VP":
                return self._draw(self._rng.choice(("IVP", "TVP")), number)
            case "IVP":
                return ("VP", self._new("I"))
            case "TVP":
                return ("VP", self._new("V"), ("NP", "the", self._noun(self._rng.random() < 0.5)))
            case _ if kind in LINKS:
                base, words = LINKS[kind]
                word = words[str(self._value(base + number, base, number))]
                return word if isinstance(word, str) else self._rng.choice(word)
        return self._new(kind)

    def _noun(self, plural: bool) -> str:
        while True:
            singular, several = self._rng.choice(lexicon.PERSONS)
            if singular not in self._used:
                self._used.add(singular)
                return several if plural else singular

    def _new(self, kind: str) -> str:
        while True:
            word = self._rng.choice(POOLS[kind])
            if word not in self._used:
                self._used.add(word)
                return word


def read(table: str) -> Pairs:
    """The (premise, hypothesis) patterns of a table."""
    lines = (line.strip().split(" -> ") for line in table.split(";"))
    return tuple((premise, hypothesis) for premise, choices in lines for hypothesis in choices.split(" | "))


def changed(pairs: Pairs, kinds: str, change: str) -> Pairs:
    """The pairs with each slot of ``kinds`` in the hypothesis replaced in turn (\\1 is its kind, \\2 its number)."""
    return tuple(
        (premise, _agreeing(hypothesis[: slot.start()] + slot.expand(change) + hypothesis[slot.end() :], slot))
        for premise, hypothesis in pairs
        for slot in re.finditer(rf"\b({kinds})(\d)", hypothesis)
    )


def _agreeing(hypothesis: str, slot: re.Match[str]) -> str:
    """was/were of a noun follows when the noun has become number 9."""
    return hypothesis.replace(f"BE{slot[2]}", "BE9") if slot[1] == "N" else hypothesis


def around(clauses: tuple[str, ...], *wrappers: str) -> Pairs:
    """Each clause in each of ``wrappers`` in the place of its underscore, and the clause alone."""
    return tuple((wrapper.replace("_", clause), clause) for wrapper in wrappers for clause in clauses)


def asserted(pairs: Pairs) -> Pairs:
    """The pairs, twice, and each with its premise beside or under what asserts it: the gold label stays."""
    wrappers = ("SURELY8 _", "_ , and N8 VP8", "N8 FACT8 that _")
    plain = [pair for pair in pairs if not re.search("SURELY|SINCE|FACT|that|because|after|before|,", pair[0])]
    return (*pairs, *pairs, *((wrapper.replace("_", p), h) for p, h in plain for wrapper in wrappers))
