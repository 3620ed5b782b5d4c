"""Do a harness run's numbers hold? They are recomputed from its samples before they may be shown."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from synth_eval.errors import InputError
from synth_eval.files import parse_json
from synth_eval.leaderboard.rows import Row
from synth_eval.provenance import sha256_text

FILTER = "none"
METRICS = ("acc", "acc_2label", "predicted_entailment", "tie")
TOLERANCE = 1e-9
AGAIN = "evaluate again; do not edit these files"


def samples(results_path: Path, results: dict[str, Any], task: str) -> list[dict[str, Any]]:
    """The samples of one task, each ``{doc_id, doc, acc, ...}``, after checking that they give the task's results.

    Raises:
        InputError: no file, a line that is no sample, a repeated document, or a mean that is not the harness's.
    """
    path = results_path.with_name(f"samples_{task}_{results_path.stem.partition('_')[2]}.jsonl")
    if not path.is_file():
        found = f"no {path.name} beside it"
        raise InputError(results_path, found, "the samples of every task", "evaluate with `synth-eval eval`")
    rows = list(_lines(path))
    for name in ("doc_id", "pairID"):
        keys = [str(row["doc_id"] if name == "doc_id" else row["doc"].get("pairID")) for row in rows]
        if len(set(keys)) != len(keys):
            repeated = next(key for key in keys if keys.count(key) > 1)
            raise InputError(path, f"{name} {repeated} more than once", "each document once", AGAIN)
    said = object_(results["results"].get(task), f"{results_path}, results.{task}")
    for metric in METRICS:
        values = [row[metric] for row in rows if metric in row]
        if len(values) not in (0, len(rows)):
            raise InputError(path, f"{metric} on {len(values)} of {len(rows)} lines", "it on all or none", AGAIN)
        _same_mean(said.get(f"{metric},{FILTER}"), values, f"{results_path}, results.{task}.{metric}")
    return rows


def counts(results_path: Path, results: dict[str, Any], task: str, n: int, documents: dict[str, int]) -> bool:
    """Whether the run covers the whole task; ``n`` is the number of samples.

    Raises:
        InputError: the harness counted otherwise, or its set has not the official size.
    """
    where = f"{results_path}, n-samples.{task}"
    said = object_(object_(results.get("n-samples"), f"{results_path}, n-samples").get(task), where)
    original, effective = said.get("original"), said.get("effective")
    if effective != n or not isinstance(original, int) or original < n:
        raise InputError(where, f"original {original}, effective {effective}", f"{n} effective, as sampled", AGAIN)
    if documents.get(task, original) != original:
        found = f"{original:,} documents"
        fix = "evaluate on the official set (use --limit for a part of it)"
        raise InputError(where, found, f"{documents[task]:,}, the size of the official set", fix)
    return original == n


def row(content: dict[str, Any], where: object) -> Row:
    """The row of that content; InputError when something in it has the wrong type."""
    try:
        return Row.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        found = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise InputError(where, found, "the results and provenance of `synth-eval eval`", AGAIN) from error


def beside(file: Path, name: str) -> Path:
    """The file of that name in the folder of ``file``; InputError when it is elsewhere or missing."""
    path = file.with_name(Path(name).name)
    if Path(name).name != name or not path.is_file():
        raise InputError(file, f"no {name} beside it", "every file of the evaluation", AGAIN)
    return path


def data_hash(rows: list[dict[str, Any]]) -> str:
    """SHA-256 of the pairs that were asked, whatever their order: equal sets of documents have equal hashes."""
    fields = ("pairID", "premise", "hypothesis", "gold_label")
    return sha256_text("\n".join(sorted(json.dumps([row["doc"].get(field) for field in fields]) for row in rows)))


def object_(value: object, where: object) -> dict[str, Any]:
    """``value`` when it is a JSON object, else InputError."""
    if not isinstance(value, dict):
        raise InputError(where, type(value).__name__, "a JSON object", AGAIN)
    return value


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            where = f"{path}, line {number}"
            content = object_(parse_json(line, where), where)
            if content.get("filter", FILTER) != FILTER:
                continue
            found = {"doc_id": content.get("doc_id"), "doc": object_(content.get("doc"), f"{where}, doc")}
            for metric in METRICS:
                if metric in content:
                    found[metric] = _fraction(content[metric], f"{where}, {metric}")
            if found["doc_id"] is None or not {"acc", "acc_2label"} & set(found):
                raise InputError(where, "no doc_id or no acc", "a sample of these tasks", AGAIN)
            yield found


def _fraction(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InputError(where, repr(value), "a number between 0 and 1", AGAIN)
    return float(value)


def _same_mean(said: object, values: list[float], where: str) -> None:
    if not values and said is None:
        return
    mean = math.fsum(values) / len(values) if values else None
    number = isinstance(said, int | float) and not isinstance(said, bool) and math.isfinite(said)
    if mean is None or not number or not isinstance(said, int | float) or abs(said - mean) > TOLERANCE:
        raise InputError(where, f"{said!r}", f"{mean}, the mean over the samples", AGAIN)
