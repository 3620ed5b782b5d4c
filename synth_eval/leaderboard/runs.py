"""From a run folder, as the harness and `synth-eval eval` leave it, to a verified row.

``FOLDER/<model>/results_<time>.json``, ``samples_<task>_<time>.jsonl`` and ``provenance_<time>.json`` belong together.
Every number on a row is recomputed from the samples; the harness's own must agree.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth_eval.errors import InputError
from synth_eval.files import read_json
from synth_eval.leaderboard import remarks, verify
from synth_eval.leaderboard.boards import Board, leaf
from synth_eval.leaderboard.hans_scores import Verdict, report, require_subcase
from synth_eval.leaderboard.rows import NOT_CONFIGURATION, Entry, Row, entry, with_fingerprint
from synth_eval.metrics.statistics import score
from synth_eval.nli import docs
from synth_eval.nli.labels import canonical
from synth_eval.provenance import sha256_file, without_secrets

FACTS = ("model", "model_args", "prompt", "seeds", "model_config", "commit", "date")
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
    """The evaluations at ``path`` that hold tasks of the board: `find_any`, and at least one.

    Raises:
        InputError: nothing there, or no provenance beside it.
    """
    found = find_any(path, board)
    if not found:
        files = _results_files(path)
        there = f"{len(files)} results files, none of them with the board's tasks" if files else "no results_*.json"
        fix = f"synth-eval eval {board.command} --model ... --output_path {path if not path.is_file() else 'FOLDER'}"
        raise InputError(path, there, f"results of the {board.name} tasks", fix)
    return found


def find_any(path: Path, board: Board) -> list[Run]:
    """The evaluations at ``path`` that hold tasks of the board, perhaps none.

    A results file stands for itself. Under a folder, of several evaluations of one model that were asked the same in
    the same way (arguments, prompt, ``--metadata``, tasks, status, dtype, batch size) the newest counts.

    Raises:
        InputError: a results file that is no JSON object, or without provenance beside it.
    """
    newest: dict[tuple[str, str], Run] = {}
    for file in _results_files(path):
        results = verify.object_(read_json(file), file)
        if not set(board.tasks) & set(verify.object_(results.get("results"), f"{file}, results")):
            continue
        run = _with_provenance(file, results)
        newest[str(file.parent), _asked(run, board)] = run
    return list(newest.values())


def _results_files(path: Path) -> list[Path]:
    """``path`` itself when it is a file, else the results files below it, oldest first."""
    if path.is_file():
        return [path]
    # a killed evaluation leaves its working folder: those files were never verified
    whole = (file for file in path.rglob("results_*.json") if ".running-" not in str(file.relative_to(path)))
    return sorted(whole, key=lambda file: (str(file.parent), _stamp(file)))


def make_row(run: Run, board: Board) -> Row:
    """Verify one evaluation and make its row.

    Raises:
        InputError: a file, task or document is missing, repeated or malformed, or the numbers disagree.
    """
    samples = {task: verify.samples(run.path, run.results, task) for task in _tasks(run, board)}
    whole = [verify.counts(run.path, run.results, task, len(samples[task]), board.documents) for task in samples]
    scores, subcases, constant = (_hans if board.by_heuristic else _plain)(samples, board)
    ties = remarks.ties([row for rows in samples.values() for row in rows])
    settings = _settings(run, board.options, samples)
    facts = {key: run.provenance.get(key) for key in FACTS}
    content = facts | {
        "board": board.name,
        "kind": "run",
        "name": _name(run),
        "status": remarks.status(run.provenance.get("status"), all(whole), settings, board, ties),
        "scores": scores,
        "subcases": subcases,
        "n": sum(map(len, samples.values())),
        "constant_answer": constant,
        "ties": ties,
        "settings": settings or None,
        "task_versions": _by_task(run, "versions", samples),
        "task_hashes": _by_task(run, "task_hashes", samples),
        "data_hashes": {task: verify.data_hash(rows) for task, rows in samples.items()},
        "lm_eval_version": run.results.get("lm_eval_version"),
        "synth_eval_version": _mapping(run.provenance.get("versions")).get("synth-eval"),
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


Samples = dict[str, list[dict[str, Any]]]  # by task
Scores = tuple[dict[str, Entry], dict[str, Entry], str | None]


def _hans(samples: Samples, board: Board) -> Scores:
    verdicts = []
    for task, rows in samples.items():
        for row in rows:
            doc = row["doc"]
            where = f"{task}, doc {row['doc_id']}"
            if "acc" not in row:
                raise InputError(where, "no acc", "the accuracy of every pair", verify.AGAIN)
            subcase = require_subcase(doc.get("subcase"), where)
            verdict = Verdict(subcase, row["acc"])
            own = leaf(board.name, verdict.heuristic, verdict.gold_label)
            if task != own or canonical(doc.get("gold_label")) != verdict.gold_label:
                found = f"subcase {subcase}, gold_label {doc.get('gold_label')!r}"
                raise InputError(where, found, "a pair that belongs to this task", "evaluate again; check the data")
            verdicts.append(verdict)
    found_report = report(verdicts)
    scores = {name: entry(value) for name, value in found_report.scores.items()}
    return scores, {name: entry(v) for name, v in found_report.subcases.items()}, found_report.constant_answer


def _plain(samples: Samples, board: Board) -> Scores:
    """Scores of three-way tasks; under a two-label prompt there is no ``acc``."""
    scores: dict[str, Entry] = {}
    for task, rows in samples.items():
        view = task.removeprefix("multinli_") if board.name == "multinli" else None
        for metric in ("acc", "acc_2label"):
            name = metric if view is None else view + metric.removeprefix("acc")
            if all(metric in row for row in rows):
                scores[name] = entry(score([row[metric] for row in rows]))
    return scores, {}, remarks.constant([row for rows in samples.values() for row in rows])


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


def _settings(run: Run, known: Iterable[str], tasks: Iterable[str]) -> dict[str, Any]:
    """Those of the known settings that were given, from the tasks' metadata in the results and the provenance."""
    found: dict[str, Any] = dict(_mapping(run.provenance.get("metadata")))
    for task in tasks:
        found |= _mapping(_mapping(_mapping(run.results.get("configs")).get(task)).get("metadata"))
    return {key: found[key] for key in known if key in found}


def _asked(run: Run, board: Board) -> str:
    """What was asked, of what and how, as one text; equal for an evaluation that was run again."""
    tasks = [task for task in board.tasks if task in run.results["results"]]
    how = {k: v for k, v in _mapping(run.provenance.get("model_config")).items() if k not in NOT_CONFIGURATION}
    same = [run.provenance.get(key) for key in ("model", "model_args", "prompt", "status")]
    return json.dumps([*same, tasks, _settings(run, docs.SETTINGS, tasks), how], sort_keys=True)


def _mapping(value: object) -> dict[str, Any]:
    """``value`` when it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def _by_task(run: Run, key: str, tasks: Iterable[str]) -> dict[str, str]:
    content = verify.object_(run.results.get(key, {}), f"{run.path}, {key}")
    return {task: str(content.get(task)) for task in tasks}


def _stamp(file: Path) -> str:
    return file.stem.partition("_")[2]
