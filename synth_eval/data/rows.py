"""Raw rows of a JSONL, JSON, TSV or CSV file, each with its place. Read strictly: nothing is skipped or repaired.

UTF-8 (a BOM, CRLF and blank lines are fine). Lines end at a line feed alone, so U+2028 inside a text does not split
it. TSV has no quoting: a ``"`` is a ``"``. (With quoting on, the MultiNLI dev file silently loses 101 of 9,815 rows.)
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from synth_eval.errors import InputError
from synth_eval.files import parse_json


class Place(NamedTuple):
    """Where a row is: printed as ``file:12`` (lines, from 1), or ``file: row 12`` in a JSON list."""

    path: Path | str
    number: int
    unit: str = "line"
    header: int = 0  # the line that names the columns, where rows do not do so themselves

    def __str__(self) -> str:
        return f"{self.path}:{self.number}" if self.unit == "line" else f"{self.path}: {self.unit} {self.number}"

    def columns(self) -> Place:
        """Where this row's columns are named."""
        return self._replace(number=self.header) if self.header else self


Row = tuple[Place, dict[str, Any]]


def read_rows(path: str | Path) -> Iterator[Row]:
    """Yield ``(place, row)`` for every row of a file.

    ``.jsonl`` and ``.json`` hold an object a line or one list of objects, ``.tsv`` and ``.csv`` have a header line;
    in any other file (HANS is published as ``.txt``) the first line decides.

    Raises:
        InputError: no such file, nothing in it, bytes that are not UTF-8, NUL, or anything that does not parse.
    """
    path = Path(path)
    text = _read_text(path)
    match _kind(path, text):
        case "list":
            return _json_list(path, text)
        case "jsonl":
            return _jsonl(path, text)
        case "tsv":
            return _table(path, ((number, line.split("\t")) for number, line in _lines(text)))
        case _:
            return _table(path, _csv_cells(path, text))


def shown(value: object, width: int = 60) -> str:
    """``value`` as an error message shows it: escaped, one line, at most ``width`` characters."""
    text = ascii(value)
    return text if len(text) <= width else text[: width - 3] + "..."


def _read_text(path: Path) -> str:
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise InputError(path, found, "a JSONL, JSON, TSV or CSV file", "check the path")
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        bad = data[error.start : error.start + 1].hex()
        fix = "convert the file, for instance: iconv -f latin1 -t utf-8"
        raise InputError(Place(path, line), f"the byte 0x{bad}, which is not UTF-8", "UTF-8 text", fix) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(Place(path, line), "a NUL byte", "UTF-8 text", "write the file again; this one is damaged")
    if not text.strip():
        raise InputError(path, "an empty file", "at least one row", "check that the file was written to its end")
    return text


def _kind(path: Path, text: str) -> str:
    start = text.lstrip()
    suffix = path.suffix.lower()
    if suffix in {".jsonl", ".json"} or (suffix not in {".tsv", ".csv"} and start[0] in "[{"):
        return "list" if start[0] == "[" else "jsonl"
    if suffix in {".tsv", ".csv"}:
        return suffix[1:]
    return "tsv" if "\t" in start.split("\n", 1)[0] else "csv"


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line and not line.isspace():
            yield number, line.removesuffix("\r")


def _jsonl(path: Path, text: str) -> Iterator[Row]:
    for number, line in _lines(text):
        place = Place(path, number)
        yield place, _object(parse_json(line, place), place)


def _json_list(path: Path, text: str) -> Iterator[Row]:
    for number, row in enumerate(parse_json(text, path), 1):
        place = Place(path, number, "row")
        yield place, _object(row, place)


def _object(row: object, place: Place) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise InputError(place, shown(row), "a JSON object with the row's fields", "write one object a row")
    return row


def _csv_cells(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        first = reader.line_num + 1  # a quoted cell may span lines: the row is named by its first
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fix = "close every quote and double the quotes inside a cell"
            raise InputError(Place(path, first), f"broken CSV ({error})", "comma-separated cells", fix) from error
        if any(cells):
            yield first, cells


def _table(path: Path, cells: Iterator[tuple[int, list[str]]]) -> Iterator[Row]:
    top, header = next(cells, (1, []))
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        found = f"the column {shown(twice[0])} twice"
        raise InputError(Place(path, top), found, "distinct column names in the first line", "name every column")
    for number, row in cells:
        place = Place(path, number, header=top)
        if len(row) != len(header):
            found, expected = f"{len(row)} columns", f"{len(header)} as in the first line ({', '.join(header)})"
            fix = "write a tab or line break inside a text as a space" if path.suffix != ".csv" else "quote such texts"
            raise InputError(place, found, expected, fix)
        yield place, dict(zip(header, row, strict=True))
