"""From a run folder, as the harness and `synth-eval eval` leave it, to a verified row.

``FOLDER/<model>/results_<time>.json``, ``samples_<task>_<time>.jsonl`` and ``provenance_<time>.json`` belong together.
Every number on a row is recomputed from the samples; the harness's own must agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth_eval.errors import InputError
from synth_eval.files import read_json
from synth_eval.leaderboard import verify
from synth_eval.leaderboard.boards import Board
from synth_eval.leaderboard.hans_scores import TEMPLATE_FIELD, Verdict, report, require_subcase
from synth_eval.leaderboard.rows import Entry, Row, entry, with_fingerprint
from synth_eval.metrics.statistics import score
from synth_eval.nli.labels import canonical
from synth_eval.provenance import sha256_file, without_secrets

SETTINGS = ("seed", "size", "per_subcase", "cue")  # what generated sets are told with ``--metadata``
CHECKPOINT = ("model_hash", "recipe_name", "recipe_hash", "base_model", "revision", "seed", "overrides", "commit")


@dataclass(frozen=True)
class Run:
    """One evaluation: the files of one time stamp."""

    path: Path
    """The harness's results file."""
    results: dict[str, Any]
    provenance: dict[str, Any]
    provenance_hash: str


def build(run_paths: Iterable[Path], board: Board) -> list[Row]:
    """The rows of all run paths, without repetitions. InputError at the first path that gives none."""
    rows: dict[str, Row] = {}
    for path in run_paths:
        for run in find(path, board):
            row = make_row(run, board)
            rows.setdefault(row.fingerprint, row)
    return list(rows.values())


def find(path: Path, board: Board) -> list[Run]:
    """The evaluations at ``path`` that hold tasks of the board.

    A results file stands for itself. Under a folder, of several evaluations of one model with the same arguments,
    prompt and status the newest counts.

    Raises:
        InputError: nothing there, or no provenance beside it.
    """
    if path.is_file():
        files = [path]
    else:
        files = sorted(path.rglob("results_*.json"), key=lambda file: (str(file.parent), _stamp(file)))
    newest: dict[tuple[str, ...], Run] = {}
    for file in files:
        results = verify.object_(read_json(file), file)
        if not set(board.tasks) & set(verify.object_(results.get("results"), f"{file}, results")):
            continue
        run = _with_provenance(file, results)
        facts = (str(run.provenance.get(key)) for key in ("model", "model_args", "prompt", "status"))
        newest[str(file.parent), *facts] = run
    if not newest:
        found = f"{len(files)} results files, none of them with the board's tasks" if files else "no results_*.json"
        fix = f"synth-eval eval {board.command} --model ... --output_path {path if not path.is_file() else 'FOLDER'}"
        raise InputError(path, found, f"results of the {board.name} tasks", fix)
    return list(newest.values())


def make_row(run: Run, board: Board) -> Row:
    """Verify one evaluation and make its row.

    Raises:
        InputError: a file, task or document is missing, repeated or malformed, or the numbers disagree.
    """
    samples = {task: verify.samples(run.path, run.results, task) for task in _tasks(run, board)}
    whole = [verify.counts(run.path, run.results, task, len(samples[task]), board.documents) for task in samples]
    scores, subcases, constant = _hans(samples) if board.by_heuristic else _plain(samples, board)
    ties = any(sample["acc"] not in (0, 1) for rows in samples.values() for sample in rows if "acc" in sample)
    status = "limit" if not all(whole) else "ties" if ties else "valid"
    said = run.provenance.get("status")
    facts = {key: run.provenance.get(key) for key in ("model", "model_args", "prompt", "seeds", "date")}
    content = facts | {
        "board": board.name,
        "kind": "run",
        "name": _name(run),
        "status": said if isinstance(said, str) and said != "valid" else status,
        "scores": scores,
        "subcases": subcases,
        "n": sum(map(len, samples.values())),
        "constant_answer": constant,
        "settings": None if board.documents else _settings(run, samples),
        "task_versions": _by_task(run, "versions", samples),
        "task_hashes": _by_task(run, "task_hashes", samples),
        "data_hashes": {task: verify.data_hash(rows) for task, rows in samples.items()},
        "lm_eval_version": run.results.get("lm_eval_version"),
        "checkpoint": _checkpoint(run.provenance.get("checkpoint")),
        "command": run.provenance.get("command") or [],
        "provenance": run.provenance_hash,
    }
    return with_fingerprint(verify.row(without_secrets(content), run.path))


def _with_provenance(file: Path, results: dict[str, Any]) -> Run:
    path = file.with_name(f"provenance_{_stamp(file)}.json")
    if not path.is_file():
        fix = "evaluate with `synth-eval eval`, which writes it; plain lm_eval does not"
        raise InputError(file, f"no {path.name} beside it", "a provenance file: without one there is no row", fix)
    content = verify.object_(read_json(path), path)
    if content.get("kind") != "evaluation":
        found = f"kind {content.get('kind')!r}"
        raise InputError(path, found, "the provenance of an evaluation", "evaluate again with `synth-eval eval`")
    for name, digest in verify.object_(content.get("files", {}), f"{path}, files").items():
        if sha256_file(verify.beside(file, name)) != digest:
            raise InputError(file.with_name(name), "other content than at evaluation", "its SHA-256", verify.AGAIN)
    return Run(file, results, content, sha256_file(path))


def _tasks(run: Run, board: Board) -> list[str]:
    there = [task for task in board.tasks if task in run.results["results"]]
    missing = [task for task in board.tasks if task not in there]
    if missing and board.whole:
        found = f"{len(there)} of {len(board.tasks)} tasks; {missing[0]} is missing"
        raise InputError(run.path, found, "all tasks of the board in one run", f"synth-eval eval {board.command}")
    return there


Scores = tuple[dict[str, Entry], dict[str, Entry], str | None]


def _hans(samples: dict[str, list[dict[str, Any]]]) -> Scores:
    verdicts = []
    for task, rows in samples.items():
        for row in rows:
            doc = row["doc"]
            where = f"{task}, doc {row['doc_id']}"
            if "acc" not in row:
                raise InputError(where, "no acc", "the accuracy of every pair", verify.AGAIN)
            subcase = require_subcase(doc.get("subcase"), where)
            verdict = Verdict(subcase, row["acc"], str(doc.get(TEMPLATE_FIELD) or ""))
            suffix = f"{verdict.heuristic}_{'entailed' if verdict.gold_label == 'entailment' else 'non_entailed'}"
            belongs = task.endswith(f"_{suffix}") and canonical(doc.get("gold_label")) == verdict.gold_label
            if not belongs:
                found = f"subcase {subcase}, gold_label {doc.get('gold_label')!r}"
                raise InputError(where, found, "a pair that belongs to this task", "evaluate again; check the data")
            verdicts.append(verdict)
    found_report = report(verdicts)
    scores = {name: entry(value) for name, value in found_report.scores.items()}
    return scores, {name: entry(v) for name, v in found_report.subcases.items()}, found_report.constant_answer


def _plain(samples: dict[str, list[dict[str, Any]]], board: Board) -> Scores:
    """Scores of three-way tasks; under a two-label prompt there is no ``acc``."""
    scores: dict[str, Entry] = {}
    for task, rows in samples.items():
        view = task.removeprefix("multinli_") if board.name == "multinli" else None
        for metric in ("acc", "acc_2label"):
            name = metric if view is None else view + metric.removeprefix("acc")
            if all(metric in row for row in rows):
                scores[name] = entry(score([row[metric] for row in rows]))
    rates = {row["predicted_entailment"] for rows in samples.values() for row in rows if "predicted_entailment" in row}
    constant = {1.0: "entailment"}.get(rates.pop()) if len(rates) == 1 else None
    return scores, {}, constant


def _name(run: Run) -> str:
    """The checkpoint's folder or the model's name; ``runs/a/sft-1f2e/model`` is ``sft-1f2e``."""
    name = str(run.provenance.get("name") or run.results.get("model_name") or run.provenance.get("model") or "unnamed")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if len(parts) <= 2 and not name.startswith((".", "/")):
        return name
    if len(parts) > 1 and parts[-1] == "model":
        parts.pop()
    return parts[-1] if parts else name


def _checkpoint(said: object) -> dict[str, Any] | None:
    """The hash of a local checkpoint's files, and its recipe and base model where it was trained by one."""
    return {key: said[key] for key in CHECKPOINT if key in said} if isinstance(said, dict) else None


def _settings(run: Run, tasks: Iterable[str]) -> dict[str, Any] | None:
    """The settings of generated sets, from the tasks' metadata in the results."""
    found: dict[str, Any] = {}
    for task in tasks:
        config = (run.results.get("configs") or {}).get(task) or {}
        found |= {key: value for key, value in (config.get("metadata") or {}).items() if key in SETTINGS}
    return found or None


def _by_task(run: Run, key: str, tasks: Iterable[str]) -> dict[str, str]:
    content = verify.object_(run.results.get(key, {}), f"{run.path}, {key}")
    return {task: str(content.get(task)) for task in tasks}


def _stamp(file: Path) -> str:
    return file.stem.partition("_")[2]
