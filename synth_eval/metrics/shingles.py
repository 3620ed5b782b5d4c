"""Texts as bags of shingles: words and neighbouring words, as 64-bit fingerprints that are the same everywhere.

Sentences of some 20 words need both: one changed word in 20 costs 3 of 41 shingles on either side (Jaccard .86, above
the usual threshold of .8; with 3-grams it would be .82, and character shingles are five times as many), while swapped
words cost too: "the doctor saw the lawyer" and "the lawyer saw the doctor" have the same words and a Jaccard of .69.
The beginning and the end of a text are neighbours of its first and last word. It is a bag, not a set, so that a
hypothesis whose words all occur in its premise still counts.

The fingerprints come from BLAKE2b; for ten million of them the chance that any two meet is about 3 in a million.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Progress = Callable[[float], None]
"""Called with the share of the work that is done, in [0, 1]."""
Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

_WORDS_AT_ONCE = 1 << 20
_ALONE = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")  # written without spaces between words
_CLITIC = re.compile(r"(?<=\w) (?=(?:n't|'(?:s|m|d|re|ve|ll))\b)")


class _Fold(dict[int, "str | None"]):
    """For `str.translate`: what becomes of a character, looked up once."""

    def __missing__(self, code: int) -> str | None:
        letter, kind = chr(code), unicodedata.category(chr(code))
        if letter == "'" or kind == "Cf":
            self[code] = None
        elif kind[0] in "PSZC":
            self[code] = " "
        else:
            self[code] = f" {letter} " if unicodedata.name(letter, "").startswith(_ALONE) else letter
        return self[code]


class _Words(dict[str, int]):
    """Word -> number, in order of appearance, with the fingerprint of each; number 0 is where a text begins or ends."""

    def __init__(self) -> None:
        self.fingerprints = [0]

    def __missing__(self, word: str) -> int:
        digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self.fingerprints.append(int.from_bytes(digest, "little"))
        self[word] = len(self.fingerprints) - 1
        return self[word]


_fold = _Fold()


@dataclass(frozen=True)
class Bags:
    """The shingles of texts."""

    hashes: Hashes
    """Those of text ``i`` are ``hashes[starts[i] : starts[i + 1]]``, each once, in no order."""
    starts: Ints
    """Of shape (texts + 1)."""

    @property
    def sizes(self) -> Ints:
        """Shingles a text, of shape (texts)."""
        return np.diff(self.starts)


def normalise(text: str) -> str:
    """The words of ``text`` with one space between them: NFKC, lower case, no punctuation, symbols or apostrophes.

    Penn Treebank's clitics are rejoined, so ``Do n't`` and ``don't`` are both ``dont``. Characters of scripts without
    spaces are words of their own. A text that has only punctuation and symbols keeps them.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower()).replace("\u2019", "'")
    joined = _CLITIC.sub("", plain) if "'" in plain else plain
    return " ".join(joined.translate(_fold).split() or plain.split())


def bags(texts: Sequence[str], tell: Progress) -> Bags:
    """The bags of normalised texts; a line feed ends one part of a text and begins another.

    The n-th copy of a shingle in a text is a shingle of its own.
    """
    words, hashes, sizes = _Words(), [np.empty(0, np.uint64)], [np.zeros(1, np.int64)]
    numbers: list[int] = []
    lengths: list[int] = []
    for done, text in enumerate(texts, 1):
        before = len(numbers)
        numbers.append(0)
        for part in text.split("\n"):
            numbers += [words[word] for word in part.split()]
            numbers.append(0)
        lengths.append(len(numbers) - before)
        if len(numbers) >= _WORDS_AT_ONCE or done == len(texts):
            bag, size = _bag(np.array(numbers), np.array(lengths), np.array(words.fingerprints, dtype=np.uint64))
            hashes.append(bag)
            sizes.append(size)
            numbers, lengths = [], []
            tell(done / len(texts))
    return Bags(np.concatenate(hashes), np.cumsum(np.concatenate(sizes)))


def mixed(values: Hashes) -> Hashes:
    """SplitMix64's finaliser (Steele, Lea & Flood 2014): one to one, and every bit depends on every bit."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _bag(numbers: Ints, lengths: Ints, fingerprints: Hashes) -> tuple[Hashes, Ints]:
    """Shingles of texts given as word numbers, and how many each text has."""
    text = np.repeat(np.arange(len(lengths)), lengths)
    word = fingerprints[numbers]
    pair = mixed(word[:-1] * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)) + word[1:]  # in this order
    single, double = numbers > 0, (numbers[:-1] > 0) | (numbers[1:] > 0)
    shingle, owner = np.concatenate([word[single], pair[double]]), np.concatenate([text[single], text[:-1][double]])
    order = np.lexsort((shingle, owner))
    shingle, owner = shingle[order], owner[order]
    new = np.ones(len(shingle), dtype=bool)
    new[1:] = (shingle[1:] != shingle[:-1]) | (owner[1:] != owner[:-1])
    here = np.arange(len(shingle))
    copy = here - np.maximum.accumulate(np.where(new, here, 0))
    unique = mixed(shingle + copy.astype(np.uint64) * np.uint64(0xD1342543DE82EF95))
    return unique, np.bincount(owner, minlength=len(lengths))
