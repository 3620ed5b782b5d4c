"""NLI records: one dict a pair, ``{pairID, premise, hypothesis, gold_label, ...}``, checked when read and when written.

Texts are kept to the letter. Further columns (heuristic, subcase, template, genre, ...) are kept as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from synth_eval.data.rows import Place, read_rows, shown
from synth_eval.errors import InputError, nearest
from synth_eval.files import write_jsonl
from synth_eval.nli.labels import LABELS, NON_ENTAILMENT, TWO_LABELS, canonical

Record = dict[str, Any]

FIELDS = ("pairID", "premise", "hypothesis", "gold_label")  # every record has these; they make its content hash
ANY_LABEL = (*LABELS, NON_ENTAILMENT)
ALIASES = {
    "premise": ("premise", "sentence1", "text1"),
    "hypothesis": ("hypothesis", "sentence2", "text2"),
    "gold_label": ("gold_label", "label"),
    "pairID": ("pairID", "pair_id", "idx", "uid"),
}
PREDICTION_ALIASES = {
    "pairID": ALIASES["pairID"],
    "predicted_label": ("predicted_label", "prediction", "label", "gold_label"),  # gold_label: the HANS authors' layout
}
NO_GOLD = ("-", "-1")  # MultiNLI and SNLI write these where the annotators did not agree


class Reading(NamedTuple):
    """What was read, and how many rows were dropped because they have no gold label."""

    records: list[Record]
    dropped: int


def read_records(path: str | Path, *, labels: tuple[str, ...] = ANY_LABEL) -> list[Record]:
    """The records of a JSONL, JSON, TSV or CSV file; see `read`."""
    return read(path, labels=labels).records


def read(path: str | Path, *, labels: tuple[str, ...] = ANY_LABEL) -> Reading:
    """Read NLI pairs and count those without a gold label (``-``, ``-1``), which are dropped.

    Column names are those in ``ALIASES``. A label is a name in any usual spelling or an integer: 0, 1, 2 as in
    MultiNLI, or 0, 1 as in HANS when ``labels`` is ``TWO_LABELS``. Without an id column, a row is ``line12``.

    Args:
        path: the file.
        labels: the gold labels that may occur.

    Raises:
        InputError: naming file and line, for anything that is not a whole, unambiguous pair.
    """
    return _collect(read_rows(path), path, labels)


def check(rows: Iterable[Mapping[str, Any]], source: str, *, labels: tuple[str, ...] = ANY_LABEL) -> Reading:
    """The same checks on rows from elsewhere (a data set, a generator); errors name ``source`` and the row from 1."""
    places = ((Place(source, number, "row"), dict(row)) for number, row in enumerate(rows, 1))
    return _collect(places, source, labels)


def write_records(path: str | Path, records: Iterable[Mapping[str, Any]]) -> Path:
    """Check the records and write them as JSONL, atomically; `read_records` gives the same records back."""
    return write_jsonl(path, check(records, str(path)).records)


def read_predictions(path: str | Path) -> dict[str, str]:
    """Read predicted labels as ``{pairID: label}``, in file order.

    The HANS authors' layout (CSV ``pairID,gold_label``, where gold_label is the prediction), ``pairID,label``, or
    JSONL with ``label`` or ``predicted_label``. Integers are refused: their order is not known.

    Raises:
        InputError: naming file and line: wrong columns, unknown label, missing or repeated pairID.
    """
    predictions: dict[str, str] = {}
    lines: dict[str, Place] = {}
    for place, row in read_rows(path):
        columns = _columns(tuple(row), place, PREDICTION_ALIASES)
        if columns["predicted_label"] == "label" and "gold_label" in row:
            found, expected = "both label and gold_label", "one column with the predictions"
            raise InputError(place.columns(), found, expected, "name it predicted_label")
        label = canonical(row[columns["predicted_label"]])
        if label is None:
            found = f"the predicted label {shown(row[columns['predicted_label']])}"
            raise InputError(place, found, f"one of {', '.join(ANY_LABEL)}", "write the label by its name")
        pair = _pair_id(row[columns["pairID"]], place)
        _once(pair, place, lines)
        predictions[pair] = label
    if not predictions:
        raise InputError(path, "no predictions", "a label for every pair", "check that the file is the right one")
    return predictions


def content_hash(records: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256, in hex, of what the records say: the four ``FIELDS`` in order, not the further columns.

    Hashed are lines of JSON ``[pairID, premise, hypothesis, gold_label]``, ASCII, no spaces, each with a line feed.
    """
    digest = hashlib.sha256()
    for record in records:
        line = json.dumps([record[field] for field in FIELDS], ensure_ascii=True, separators=(",", ":"))
        digest.update(line.encode("ascii") + b"\n")
    return digest.hexdigest()


def _collect(rows: Iterable[tuple[Place, dict[str, Any]]], source: object, labels: tuple[str, ...]) -> Reading:
    records: list[Record] = []
    lines: dict[str, Place] = {}
    names: tuple[str, ...] | None = None
    dropped = 0
    for place, row in rows:
        if tuple(row) != names:
            names = tuple(row)
            columns = _columns(names, place, ALIASES)
        record = _record(row, columns, place, labels)
        if record is None:
            dropped += 1
            continue
        _once(record["pairID"], place, lines)
        records.append(record)
    if not records:
        found = f"no pairs ({dropped} rows without a gold label)"
        raise InputError(source, found, "at least one pair with a label", "check that the file is the right one")
    return Reading(records, dropped)


def _columns(names: tuple[str, ...], place: Place, aliases: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Which column holds which field; ``pairID`` may be missing in records."""
    columns: dict[str, str] = {}
    for field, options in aliases.items():
        name = next((option for option in options if option in names), None)
        if name is not None:
            columns[field] = name
        elif field != "pairID" or "predicted_label" in aliases:
            found = f"the columns {', '.join(shown(name) for name in names[:12]) or '(none)'}"
            expected = f"a column {field} (or {', '.join(name for name in options if name != field)})"
            raise InputError(place.columns(), found, expected, _rename(field, options, names))
    return columns


def _rename(field: str, options: tuple[str, ...], names: tuple[str, ...]) -> str:
    for option in options:
        advice = nearest(option, names) if names else ""
        if advice.startswith("did you mean"):
            return f"name the column {field}: {advice.replace('did you mean', 'is it')}"
    return f"name the column {field} (in TSV and CSV the first line names the columns)"


def _record(row: dict[str, Any], columns: Mapping[str, str], place: Place, labels: tuple[str, ...]) -> Record | None:
    """The checked record, or None when the row has no gold label."""
    label = row.pop(columns["gold_label"])
    if str(label) in NO_GOLD:
        return None
    premise, hypothesis = (row.pop(columns[field]) for field in ("premise", "hypothesis"))
    pair = _pair_id(row.pop(columns["pairID"]), place) if "pairID" in columns else f"{place.unit}{place.number}"
    record = {
        "pairID": pair,
        "premise": _text(premise, "premise", place),
        "hypothesis": _text(hypothesis, "hypothesis", place),
        "gold_label": _gold(label, place, labels, two="heuristic" in row),
    }
    for name, value in row.items():
        if isinstance(value, str):
            _whole(value, name, place)
        record.setdefault(name, value)
    return record


def _gold(label: object, place: Place, labels: tuple[str, ...], two: bool) -> str:
    """The label's name; integers are HANS' two where the row has a heuristic or the set has two labels, else three."""
    name = canonical(label)
    if name is None and not isinstance(label, bool) and str(label) in {"0", "1", "2"}:
        ids = TWO_LABELS if two or set(labels) == set(TWO_LABELS) else LABELS
        name = ids[int(str(label))] if int(str(label)) < len(ids) else None
    if name is None or name not in labels:
        raise InputError(place, f"the label {shown(label)}", f"one of {', '.join(labels)}", "correct or drop this row")
    return name


def _text(value: object, field: str, place: Place) -> str:
    if not isinstance(value, str) or not value.strip():
        found = "null" if value is None else "empty" if isinstance(value, str) else shown(value)
        raise InputError(place, f"the {field} {found}", "a text", "correct or drop this row")
    return _whole(value, field, place)


def _whole(value: str, field: str, place: Place) -> str:
    if "\0" in value or (not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value)):
        found = f"a NUL or half a surrogate pair in {field}: {shown(value)}"
        raise InputError(place, found, "text that can be written as UTF-8", "correct or drop this row")
    return value


def _pair_id(value: object, place: Place) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise InputError(place, f"the pairID {shown(value)}", "a name or an integer", "give every row its own pairID")
    return _whole(str(value), "pairID", place)


def _once(pair: str, place: Place, seen: dict[str, Place]) -> None:
    first = seen.setdefault(pair, place)
    if first is not place:
        found = f"the pairID {shown(pair)} again (first in {first.unit} {first.number})"
        raise InputError(place, found, "a pairID once", "drop the copy, or rename it when it is another pair")
