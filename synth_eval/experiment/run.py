"""Running a plan: every stage that is not there, as soon as its parents are; a failure stops only what needs it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path

import yaml

from synth_eval.experiment import jobs
from synth_eval.experiment.jobs import Job
from synth_eval.experiment.plan import Plan
from synth_eval.experiment.stages import EVALUATE, Kind, Stage
from synth_eval.files import dump_json, write_atomic
from synth_eval.provenance import sha256_text

STAGES, CELLS = "stages", "cells.json"
Submit = Callable[[Job], "Future[int]"]


@dataclass(frozen=True)
class Failure:
    """A stage that did not end well."""

    stage: Stage
    status: int | None
    """Exit status; negative: killed by that signal; None: it could not be started."""
    lines: list[str]
    """The end of its log."""
    log: Path


@dataclass
class Report:
    """What a run did."""

    done: list[str] = field(default_factory=list)
    """Stages that were run now."""
    there: list[str] = field(default_factory=list)
    """Stages that were there before."""
    failed: list[Failure] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    """Stages that need one that failed."""


def run(
    plan: Plan,
    root: Path,
    kinds: Mapping[str, Kind],
    scripts: Path,
    submit: Submit,
    slots: int | None,
    say: Callable[[str], None],
) -> Report:
    """Run what is missing of a plan.

    Args:
        plan: the stages and cells.
        root: the folder of all runs: stages are in ``stages/`` (shared), the experiment's cells in its own folder.
        kinds: the recipe of each kind of stage.
        scripts: where the recipe scripts are.
        submit: the launcher.
        slots: stages to hand to it at a time, so that whole cells come first; None: all that can start.
        say: takes a line for every stage that ends.
    """
    folder = (root / STAGES).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    write_cells(plan, root)
    report, tries = Report(), dict.fromkeys(plan.stages, 0)
    report.there = [name for name in plan.stages if (folder / name).exists()]
    waiting = {name: stage for name, stage in plan.stages.items() if name not in report.there}
    running: dict[Future[int], Stage] = {}
    whole = len(plan.stages)
    while waiting or running:
        for name, stage in list(waiting.items()):
            if slots is not None and len(running) >= slots:
                break
            if all((folder / parent).exists() for parent in stage.parents):
                running[submit(job(stage, plan, folder, kinds, scripts))] = waiting.pop(name)
        if not running:
            report.blocked = list(waiting)
            break
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            stage = running.pop(future)
            failure = _ended(future, stage, folder)
            if failure is None:
                report.done.append(stage.name)
                number = len(report.done) + len(report.there)
                seconds = jobs.timing(folder / stage.name)["seconds"]
                say(f"[{number}/{whole}] {stage.name}  {stage.what}  {seconds:,.0f} s")
            elif (failure.status or 0) < 0 and tries[stage.name] < plan.settings.launcher.retries:
                tries[stage.name] += 1
                say(f"again: {stage.name} was killed by signal {-(failure.status or 0)}  {stage.what}")
                waiting = {stage.name: stage, **waiting}
            else:
                report.failed.append(failure)
                say(f"failed: {stage.name}  {stage.what}; the others go on")
    return report


def _ended(future: Future[int], stage: Stage, folder: Path) -> Failure | None:
    """None for a stage that is whole now."""
    log = folder / f".{stage.name}" / "log.txt"
    try:
        status: int | None = future.result()
        lines: list[str] = []
    except Exception as error:  # a full disk, a lost cluster: whatever the launcher meets ends this stage alone
        status, lines = None, [f"{type(error).__name__}: {error}"]
    if status == 0:
        return None
    return Failure(stage, status, [*jobs.last_lines(log), *lines], log)


def job(stage: Stage, plan: Plan, folder: Path, kinds: Mapping[str, Kind], scripts: Path) -> Job:
    """The command of a stage; its recipe file is written into its work folder."""
    work, launcher = folder / f".{stage.name}", plan.settings.launcher
    if stage.kind == EVALUATE:
        command = _evaluate(stage, work.name)
    else:
        config = write_atomic(work / f"{stage.kind}.yaml", yaml.safe_dump(stage.content, sort_keys=False))
        script = scripts / kinds[stage.kind].script
        command = [sys.executable, str(script), "--config", f"{work.name}/{config.name}", "--output_dir", work.name]
    threads = str(max(1, int(launcher.cpus)))
    return Job(
        stage.name,
        tuple(command),
        folder,
        work,
        folder / stage.name,
        cpus=launcher.cpus,
        gpus=0 if stage.kind == "data" else launcher.gpus,
        environment={"OMP_NUM_THREADS": threads, "TOKENIZERS_PARALLELISM": "false"},
    )


def _evaluate(stage: Stage, output: str) -> list[str]:
    asked = stage.content
    command = [sys.executable, "-m", "synth_eval.cli", "eval", "--model", "synth-classifier"]
    command += ["--model_args", _pairs(asked["model_args"]), "--tasks", ",".join(asked["tasks"])]
    command += ["--batch_size", str(asked["batch_size"]), "--output_path", output]
    command += ["--limit", str(asked["limit"])] if asked["limit"] else []
    return command + (["--metadata", _pairs(asked["metadata"])] if asked["metadata"] else [])


def _pairs(values: Mapping[str, object]) -> str:
    return ",".join(f"{key}={value}" for key, value in values.items())


def write_cells(plan: Plan, root: Path) -> Path:
    """Write ``cells.json`` of the experiment: which stages each cell is made of, done or not."""
    settings = plan.settings
    said = settings.model_dump(mode="json", exclude={"launcher"})
    content = {
        "experiment": settings.name,
        "recipe_hash": sha256_text(dump_json(said)),
        "note": settings.note,
        "stages": f"../{STAGES}",
        "settings": said,
        "cells": [asdict(cell) for cell in plan.cells],
    }
    return write_atomic(root / settings.name / CELLS, dump_json(content))


def state(stage: Stage, folder: Path) -> str:
    """``done``, ``running``, ``failed``, ``begun`` (stopped before its end) or ``waiting``."""
    work = folder / f".{stage.name}"
    if (folder / stage.name).exists():
        return "done"
    if jobs.is_locked(work):
        return "running"
    if not work.exists():
        return "waiting"
    status = jobs.timing(work)["status"]
    return "failed" if status is not None and status > 0 and status != 130 else "begun"
