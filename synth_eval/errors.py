"""The error that a user can mend: it names the place, what was found, what was expected, and the fix."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Bad input. The command line prints the message and exits with status 2.

    Attributes:
        where: file and line, key, or flag.
        found: what is there.
        expected: what should be there.
        fix: what the user can do.
    """

    def __init__(self, where: object, found: str, expected: str, fix: str) -> None:
        self.where, self.found, self.expected, self.fix = str(where), found, expected, fix
        super().__init__(f"{where}: found {found}; expected {expected}. Fix: {fix}")

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, str, str]]:
        """Travel between processes with all four parts."""
        return type(self), (self.where, self.found, self.expected, self.fix)


class DivergedError(RuntimeError):
    """Training left the finite numbers; nothing that could be evaluated is kept."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The advice for an unknown word: the nearest known one, or all of them."""
    options = sorted(known)
    close = get_close_matches(word, options, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"use one of: {', '.join(options)}"
