"""One place that turns the name of a data set into records: an explicit path, then a folder, then the Hub.

The folder is named by the environment variable ``SYNTH_EVAL_DATA``. In it, per name, the first file that is there:

=======================  ==============================================================================================
``hans``                 ``hans/hans_eval.jsonl``, ``hans/heuristics_evaluation_set.jsonl`` or ``.txt``
``multinli_matched``     ``mnli/dev_matched.jsonl``, ``mnli/multinli_1.0_dev_matched.jsonl``
``multinli_mismatched``  ``mnli/dev_mismatched.jsonl``, ``mnli/multinli_1.0_dev_mismatched.jsonl``
``multinli_train``       ``mnli/train.jsonl``, ``mnli/multinli_1.0_train.jsonl``, ``mnli/train_24k.jsonl`` (a part)
``supergen_mnli``        ``supergen_mnli/train.json`` (github.com/yumeng5/SuperGen)
``fewgen_mnli_13``       ``fewgen_mnli/MNLI_16-13_gen-train.json`` (github.com/yumeng5/FewGen), ``_42`` likewise
=======================  ==============================================================================================

``hans_fresh`` and ``nli_fresh`` are generated: nothing to find. Any other name is a file of the user's own.
The sizes of HANS (github.com/tommccoy1/hans) and of the MultiNLI development sets are known, and asserted.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from synth_eval.data import hub, records
from synth_eval.data.records import Record
from synth_eval.errors import InputError, nearest
from synth_eval.nli.docs import OPTIONS
from synth_eval.nli.hans import PAIRS, PAIRS_PER_SUBCASE, SUBCASES
from synth_eval.nli.labels import LABELS, TWO_LABELS

VARIABLE = "SYNTH_EVAL_DATA"
GENERATED = ("hans_fresh", "nli_fresh")
FILES = {
    "hans": (
        "hans/hans_eval.jsonl",
        "hans/heuristics_evaluation_set.jsonl",
        "hans/heuristics_evaluation_set.txt",
    ),
    "multinli_matched": ("mnli/dev_matched.jsonl", "mnli/multinli_1.0_dev_matched.jsonl"),
    "multinli_mismatched": ("mnli/dev_mismatched.jsonl", "mnli/multinli_1.0_dev_mismatched.jsonl"),
    "multinli_train": ("mnli/train.jsonl", "mnli/multinli_1.0_train.jsonl", "mnli/train_24k.jsonl"),
    "supergen_mnli": ("supergen_mnli/train.json",),
    "fewgen_mnli_13": ("fewgen_mnli/MNLI_16-13_gen-train.json",),
    "fewgen_mnli_42": ("fewgen_mnli/MNLI_16-42_gen-train.json",),
}
COUNTS = {
    "hans": {"entailment": PAIRS // 2, "non_entailment": PAIRS // 2},
    "multinli_matched": {"entailment": 3_479, "neutral": 3_123, "contradiction": 3_213},
    "multinli_mismatched": {"entailment": 3_463, "neutral": 3_129, "contradiction": 3_240},
}

_loaded: dict[str, tuple[str, list[Record]]] = {}  # name and place -> content hash of the file, records


@dataclass(frozen=True)
class Location:
    """Where a data set would come from, without loading it."""

    name: str
    where: Literal["path", "SYNTH_EVAL_DATA", "hub", "generated"]
    """``path``: a file of the user's own. ``hub``: not on this machine, or only in the Hub's cache."""
    detail: str
    """The file, the split on the Hub with its revision, or what generates it."""


def names() -> tuple[str, ...]:
    """The data sets that have a name."""
    return (*FILES, *GENERATED)


def load(name: str, *, path: str | Path | None = None, **options: Any) -> list[Record]:
    """The records of a data set: dicts with pairID, premise, hypothesis, gold_label and its further columns.

    Every call gives new dicts; a local file is parsed once a process for as long as it does not change.

    Args:
        name: one of `names`, or the path of a file.
        path: read this file instead; it is held to the same labels and counts.
        options: ``hans_fresh`` takes per_subcase=100, seed=0; ``nli_fresh`` takes size=3000, seed=0,
            cue=1.0.

    Raises:
        InputError: an unknown name or option, a data set that is in none of the three places, a broken file, or
            the wrong number of rows.
    """
    place = locate(name, path=path)
    check_options(name, options)
    match place.where:
        case "generated":
            return _generate(name, options)
        case "hub":
            shared = _from_hub(name, place.detail)
        case _:
            shared = _from_file(name, Path(place.detail))
    return [dict(record) for record in shared]


def locate(name: str, *, path: str | Path | None = None) -> Location:
    """Where `load` would take ``name`` from; nothing is read or downloaded.

    Raises:
        InputError: an unknown name, or a data set that is neither here nor on the Hub.
    """
    if path is not None:
        return Location(name, "path", str(path))
    if name in GENERATED:
        return Location(name, "generated", f"synth_eval.nli.{_grammar_name(name)}")
    if name not in FILES:
        if Path(name).is_file():
            return Location(name, "path", name)
        raise InputError("data", f"'{name}'", "a data set that is known, or a file", nearest(name, names()))
    file = next((file for file in _candidates(name) if file.is_file()), None)
    if file is not None:
        return Location(name, "SYNTH_EVAL_DATA", str(file))
    if name in hub.SPLITS:
        return Location(name, "hub", hub.SPLITS[name].describe())
    fix = f"set {VARIABLE} to a folder with {FILES[name][0]}, or give the file's path"
    raise InputError(name, f"no data (path: none given; {_tried(name)}; not on the Hub)", FILES[name][0], fix)


def check_options(name: str, asked: Mapping[str, Any]) -> None:
    """InputError for an option that a data set does not have, or a value of another kind."""
    if name not in GENERATED:
        if asked:
            raise InputError(name, f"options {', '.join(asked)}", "none for this data set", "drop them")
        return
    known = OPTIONS[name]
    for option, value in asked.items():
        if option not in known:
            expected = f"one of {', '.join(sorted(known))}"
            raise InputError(name, f"the option {option!r}", expected, nearest(option, known))
        kinds = (int,) if isinstance(known[option], int) else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            kind = "a whole number" if kinds == (int,) else "a number"
            raise InputError(f"{name} {option}", repr(value), kind, f"for example {option}={known[option]}")


def identify(name: str) -> tuple[str, str]:
    """How any process on this machine names a data set, and what identifies its content without its options.

    That is a file's full path and SHA-256; for a name, itself and the SHA-256 of its file, the split on the Hub, or
    the generator.

    Raises:
        InputError: as `locate`.
    """
    place = locate(name)
    if place.where in ("generated", "hub"):
        return name, place.detail
    with open(place.detail, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return (str(Path(name).resolve()) if place.where == "path" else name), digest


def _candidates(name: str) -> list[Path]:
    folder = os.environ.get(VARIABLE)
    return [Path(folder) / file for file in FILES[name]] if folder else []


def _tried(name: str) -> str:
    """What was looked at before the Hub, in words."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return f"{VARIABLE}: not set"
    found = "has none of " + ", ".join(FILES[name]) if Path(folder).is_dir() else "is not a folder"
    return f"{VARIABLE}={folder}: it {found}"


def _labels(name: str) -> tuple[str, ...]:
    if name not in FILES:
        return records.ANY_LABEL
    return TWO_LABELS if name == "hans" else LABELS


def _from_file(name: str, file: Path) -> list[Record]:
    """The shared, not to be changed, records of a file; read again when its content has changed."""
    if not file.is_file():
        return records.read_records(file)  # raises the error that names the file
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    key = f"{name}:{file.resolve()}"
    if key not in _loaded or _loaded[key][0] != digest:
        loaded = records.read_records(file, labels=_labels(name))
        _assert_counts(name, loaded, str(file))
        _loaded[key] = (digest, loaded)
    return _loaded[key][1]


def _from_hub(name: str, place: str) -> list[Record]:
    if place not in _loaded:
        loaded = records.check(hub.rows(name, tried=_tried(name)), place, labels=_labels(name)).records
        _assert_counts(name, loaded, place)
        order = [subcase for subcase, _ in groupby(record["subcase"] for record in loaded)] if name == "hans" else []
        if order and order != list(SUBCASES):  # the pairIDs ex0 ... were given by position
            found, fix = "the 30 subcases in another order", f"use the authors' file, in {VARIABLE}"
            raise InputError(place, found, "the order of the authors' file, which the pairIDs name", fix)
        _loaded[place] = ("", loaded)
    return _loaded[place][1]


def _assert_counts(name: str, loaded: list[Record], source: str) -> None:
    """Raise unless a data set of known size has that size, by gold label and, for HANS, by subcase."""
    expected = COUNTS.get(name)
    if expected is None:
        return
    fix = f"get the file again, or read it under its own path instead of the name {name}"
    found = Counter(record["gold_label"] for record in loaded)
    if found != expected:
        raise InputError(source, _count_words(found), _count_words(expected), fix)
    if name == "hans":
        kinds = Counter(
            (str(record.get("heuristic")), record["gold_label"], str(record.get("subcase"))) for record in loaded
        )
        wanted = {(heuristic, label, subcase): PAIRS_PER_SUBCASE for subcase, (heuristic, label) in SUBCASES.items()}
        for kind in [*wanted, *kinds]:
            if kinds[kind] != wanted.get(kind, 0):
                words, wish = f"{kinds[kind]:,} rows of {', '.join(kind)}", f"{wanted.get(kind, 0):,} of them"
                raise InputError(source, words, wish, fix)


def _count_words(counts: Mapping[str, int]) -> str:
    parts = ", ".join(f"{count:,} {label}" for label, count in sorted(counts.items()))
    return f"{sum(counts.values()):,} rows ({parts})"


def _grammar_name(name: str) -> str:
    return "hans_grammar" if name == "hans_fresh" else "grammar"


def _generate(name: str, asked: dict[str, Any]) -> list[Record]:
    known = OPTIONS[name]
    options: dict[str, Any] = known | asked
    if name == "hans_fresh":
        from synth_eval.nli import hans_grammar

        return hans_grammar.generate(**options)
    from synth_eval.nli import grammar

    return grammar.generate(**options)
