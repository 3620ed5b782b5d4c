"""Accuracy of evaluations by how hard the items are: the samples of a run against a hardness.jsonl.

The classes come from recipes/nli_hardness.py (arXiv 2410.03429). The samples are verified as a board verifies them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from synth_eval.errors import InputError
from synth_eval.files import parse_json
from synth_eval.leaderboard import cells, runs, verify
from synth_eval.leaderboard.boards import BOARDS, Board
from synth_eval.metrics.hardness import CLASSES, pair_hash
from synth_eval.metrics.statistics import Score, score

MAKE = "make it with recipes/nli_hardness.py"
EVERY_TASK = Board(
    "NLI",
    "Every NLI task",
    tuple(task for board in BOARDS.values() for task in board.tasks),
    "--tasks multinli",
    ("acc",),
    {task: size for board in BOARDS.values() for task, size in board.documents.items()},
    whole=False,
)


@dataclass(frozen=True)
class Breakdown:
    """One task of one run."""

    run: str
    """The results file."""
    name: str
    """The model's name or folder, as the run has it; of an experiment's folder, the cell's name."""
    task: str
    metric: str
    """``acc``, or ``acc_2label`` where a two-label prompt was asked."""
    scores: dict[str, Score]
    """Class -> accuracy; classes without a document are left out."""
    unknown: int
    """Documents that the file does not know: by pairID, texts and gold label."""


def read_classes(path: Path) -> dict[tuple[str, str], str]:
    """(pairID, hash of the pair) -> easy, ambiguous or hard.

    Raises:
        InputError: no such file, or a line that is none of a hardness.jsonl, naming it.
    """
    if not path.is_file():
        raise InputError(path, "no such file", "a hardness.jsonl", MAKE)
    found: dict[tuple[str, str], str] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(path, f"bytes that are not UTF-8 ({error.reason})", "a hardness.jsonl", MAKE) from error
    for number, line in enumerate(lines, 1):
        where = f"{path}, line {number}"
        content = parse_json(line, where)
        if not isinstance(content, dict) or not {"pairID", "pair_hash", "hardness"} <= content.keys():
            raise InputError(where, line[:80], "an object with pairID, pair_hash and hardness", MAKE)
        key = str(content["pairID"]), str(content["pair_hash"])
        if content["hardness"] not in CLASSES or key in found:
            said = f"pairID {key[0]} again" if key in found else f"hardness {content['hardness']!r}"
            raise InputError(where, said, f"every pair once, with one of {', '.join(CLASSES)}", MAKE)
        found[key] = content["hardness"]
    if not found:
        raise InputError(path, "no lines", "the class of every pair", MAKE)
    return found


def break_down(paths: Iterable[Path], by: Path) -> list[Breakdown]:
    """Accuracy by class for every NLI task of every run; tasks of which the file knows no document come without scores.

    Args:
        paths: results files, or folders with them, of which under a folder of equal evaluations the newest counts; or
            experiments' folders, of which every finished cell counts.
        by: a hardness.jsonl.

    Raises:
        InputError: a run that a board would refuse, a broken file, or no document that is in the file.
    """
    classes = read_classes(by)
    found = {
        (name, str(run.path), task): _one(run, name, task, classes)
        for path in paths
        for name, run in _runs(path)
        for task in EVERY_TASK.tasks
        if task in run.results["results"]
    }
    if not any(one.scores for one in found.values()):
        asked = ", ".join(sorted({one.task for one in found.values()})) or "no run"
        fix = "characterise the set that the run was asked, with the same seed, size and cue"
        raise InputError(by, f"none of the documents of {asked}", "the documents' pairIDs and texts", fix)
    return list(found.values())


def _runs(path: Path) -> list[tuple[str, runs.Run]]:
    """The evaluations at a path, each with the name of its model, or of its cell in an experiment's folder."""
    if not (path / cells.FILE_NAME).is_file() and path.name != cells.FILE_NAME:
        return [(_name(run), run) for run in runs.find(path, EVERY_TASK)]
    experiment = cells.read(path)
    found = [
        (cell.name, run)
        for cell in experiment.finished
        for name in cell.evaluations
        for run in runs.find_any(experiment.stages / name, EVERY_TASK)
    ]
    if not found:
        done = f"{len(experiment.finished)} of {len(experiment.planned)} cells finished, no evaluation with an NLI task"
        raise InputError(path, done, "a finished cell with an NLI task", "run the experiment first")
    return found


def _name(run: runs.Run) -> str:
    return str(run.provenance.get("name") or run.results.get("model_name") or run.path.parent.name)


def _one(run: runs.Run, name: str, task: str, classes: dict[tuple[str, str], str]) -> Breakdown:
    rows = verify.samples(run.path, run.results, task)
    verify.counts(run.path, run.results, task, len(rows), EVERY_TASK.documents)
    metric = "acc" if all("acc" in row for row in rows) else "acc_2label"
    values: dict[str, list[float]] = {name: [] for name in CLASSES}
    unknown = 0
    for row in rows:
        hardness = classes.get((str(row["doc"].get("pairID")), pair_hash(row["doc"])))
        if hardness is None:
            unknown += 1
        else:
            values[hardness].append(row[metric])
    scores = {hardness: score(one) for hardness, one in values.items() if one}
    return Breakdown(str(run.path), name, task, metric, scores, unknown)


def as_json(found: Iterable[Breakdown]) -> dict[str, Any]:
    """The breakdowns as one object for machines."""
    return {"breakdowns": [asdict(one) for one in found]}


def show(found: Iterable[Breakdown]) -> None:
    """Print accuracy in percent with its interval and n, by class; then the tasks that the file does not know."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True, highlight=False)
    table = Table(title="Accuracy in percent [95 % Wilson interval], pairs", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("run", overflow="fold")
    table.add_column("task", overflow="fold")
    for heading in (*CLASSES, "not in\nthe file"):
        table.add_column(heading, no_wrap=True)
    for one in found:
        if one.scores:
            task = one.task if one.metric == "acc" else f"{one.task} (2 labels)"
            table.add_row(one.name, task, *(_cell(one.scores.get(name)) for name in CLASSES), f"{one.unknown:,}")
    console.print(table)
    unknown: dict[tuple[str, int], list[str]] = {}
    for one in found:
        if not one.scores:
            unknown.setdefault((one.task, one.unknown), []).append(one.name)
    for (task, pairs), names in unknown.items():
        who = names[0] if len(names) == 1 else f"{len(names)} runs"
        console.print(f"{who}, {task}: none of its {pairs:,} pairs is in the file", markup=False)


def _cell(found: Score | None) -> str:
    if found is None:
        return "–"
    return f"{100 * found.value:.1f}, n = {found.n:,}\n[{100 * found.low:.1f}, {100 * found.high:.1f}]"
