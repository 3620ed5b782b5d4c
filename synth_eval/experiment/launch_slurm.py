"""Jobs as batch jobs of a Slurm cluster, through submitit (https://github.com/facebookincubator/submitit).

Started on a login node. Jobs that become ready together go as one array; each is polled until its result lies in the
launcher's folder. A node that died, a preemption, a time limit: the job has failed, its log says why, and whoever
submitted it may submit it again. Ctrl-C cancels what is queued or runs; what a killed command left in the queue is
cancelled by the next one, before anything is submitted.

The experiment's folder must lie on storage that the compute nodes see under the same path, and the Python
environment that submits is the one that runs.
"""

from __future__ import annotations

import itertools
import os
import queue
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from shutil import which
from typing import Annotated, Any, Literal

from pydantic import Field

from synth_eval.errors import InputError
from synth_eval.experiment import slurm_queue
from synth_eval.experiment.jobs import Job, run_job
from synth_eval.experiment.launch_ray import lost
from synth_eval.files import lock
from synth_eval.settings import Count, Strict

_RECORD = "submitted.txt"
_GATHER_SECONDS = 0.3  # jobs that come within this time go as one array
_GRACE_SECONDS = 30.0  # so late a result may come over a network file system, or a job back into the queue


class SlurmSettings(Strict):
    """The key ``launcher.slurm`` of an experiment; what is left out is the cluster's default."""

    cluster: Literal["slurm", "local"] = "slurm"
    """``local`` runs the same jobs as processes of this machine, to try an experiment out."""
    partition: str | None = None
    account: str | None = None
    time: Count = 240
    """Time limit of one job, in minutes."""
    cpus_per_task: Count | None = None
    """For every job; by default what the job asks for."""
    gpus_per_node: Annotated[int, Field(ge=0)] | None = None
    """For every job; by default what the job asks for."""
    mem_gb: Annotated[float, Field(gt=0)] | None = None
    array_parallelism: Count = 64
    """How many jobs of one array run at a time."""
    poll_seconds: Annotated[float, Field(gt=0)] = 15.0
    """How often results are looked for and the queue is asked."""
    setup: tuple[str, ...] = ()
    """Shell lines before the job, such as ``module load cuda``."""
    extra: dict[str, str | int | bool] = Field(default_factory=dict)
    """More options of ``sbatch``: ``{qos: long, constraint: a100}``."""


_Asked = tuple[Job, Future[int]]


@dataclass
class _Submitted:
    job: Job
    future: Future[int]
    slurm: Any  # submitit.Job[int]
    ended: tuple[float, str] | None = None  # when it was first seen so, without a result, and its state


@contextmanager
def opened(settings: SlurmSettings, folder: Path) -> Iterator[Callable[[Job], Future[int]]]:
    """Give the function that submits a job.

    Args:
        settings: of the launcher.
        folder: where submitit keeps its files, inside the experiment's folder.

    The future holds the command's status. What broke down around the command (node, time limit, preemption) is a
    status too, that of a killed process, and the reason stands in the job's log.

    Raises:
        InputError: submitit or Slurm is missing, or another command is at work in the folder. In a future: Slurm
            refused the job.
    """
    if find_spec("submitit") is None:
        raise InputError(
            "launcher.kind: slurm", "the package submitit is missing", "it installed", "pip install 'synth-eval[slurm]'"
        )
    folder = folder.absolute()
    _executor(settings, folder)
    handle = lock(folder)
    inbox: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
    try:
        _cancel_leftovers(settings, folder)
        server = ThreadPoolExecutor(1).submit(_serve, settings, folder, inbox)

        def submit(job: Job) -> Future[int]:
            future: Future[int] = Future()
            future.set_running_or_notify_cancel()
            inbox.put((job, future))
            return future

        try:
            yield submit
        finally:
            inbox.put(None)
            while not server.done():
                with suppress(KeyboardInterrupt):  # a second Ctrl-C: jobs are being cancelled
                    wait([server])
    finally:
        os.close(handle)


def _executor(settings: SlurmSettings, folder: Path, **parameters: Any) -> Any:
    """A submitit executor with the settings, and ``parameters`` of the jobs at hand."""
    from submitit import AutoExecutor

    missing = [name for name in ("sbatch", "srun", "squeue", "scancel") if which(name) is None]
    if missing and settings.cluster == "slurm":
        fix = "start on a login node of the cluster, or use launcher.kind: local or ray"
        raise InputError("launcher.kind: slurm", f"no {', '.join(missing)} on this machine", "a Slurm cluster", fix)
    executor = AutoExecutor(folder / "%j", cluster=settings.cluster)
    executor.update_parameters(
        timeout_min=settings.time,
        mem_gb=settings.mem_gb,
        nodes=1,
        tasks_per_node=1,
        stderr_to_stdout=True,
        slurm_partition=settings.partition,
        slurm_account=settings.account,
        slurm_array_parallelism=settings.array_parallelism,
        slurm_setup=list(settings.setup) or None,
        slurm_additional_parameters=settings.extra or None,
        **parameters,
    )
    return executor


def _serve(settings: SlurmSettings, folder: Path, inbox: queue.SimpleQueue[_Asked | None]) -> None:
    """Submit what comes in and answer what has ended, until None comes in; then cancel the rest."""
    running: list[_Submitted] = []
    batch: list[_Asked | None] = []
    while None not in batch:
        batch = _gather(inbox, settings.poll_seconds)
        asked = [item for item in batch if item is not None]
        try:
            running += [] if None in batch else _submit(asked, settings, folder)
        except Exception as error:  # whoever waits hears of a full disk or a refusal; the others go on
            for _, future in asked:
                future.set_exception(error)
        states = slurm_queue.states([one.slurm for one in running], settings.cluster)
        running = [one for one in running if not _answered(one, states, settings)]
    slurm_queue.cancel([one.slurm for one in running], settings.cluster)
    for one in running:
        _answer(one, "cancelled")
    (folder / _RECORD).unlink(missing_ok=True)


def _gather(inbox: queue.SimpleQueue[Any], seconds: float) -> list[Any]:
    """Wait for the first item at most so long, then take all that come right after it."""
    items: list[Any] = []
    try:
        while True:
            items.append(inbox.get(timeout=_GATHER_SECONDS if items else seconds))
    except queue.Empty:
        return items


def _submit(batch: list[_Asked], settings: SlurmSettings, folder: Path) -> list[_Submitted]:
    """Submit jobs, as an array those that ask for the same."""
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    def need(item: _Asked) -> tuple[int, int]:
        job = item[0]
        gpus = ceil(job.gpus) if settings.gpus_per_node is None else settings.gpus_per_node
        return settings.cpus_per_task or max(1, ceil(job.cpus)), gpus

    submitted: list[_Submitted] = []
    for (cpus, gpus), group in itertools.groupby(sorted(batch, key=need), key=need):
        items = list(group)
        name = items[0][0].name if len(items) == 1 else "synth-eval"
        executor = _executor(settings, folder, name=name, cpus_per_task=cpus, gpus_per_node=gpus or None)
        try:
            with executor.batch():
                slurm = [executor.submit(run_job, job) for job, _ in items]
        except (FailedJobError, FailedSubmissionError, OSError) as error:
            refusal = str(error).strip().splitlines()[-1]
            for _, future in items:
                future.set_exception(
                    InputError("launcher.slurm", refusal, "a job that sbatch takes", "correct the settings")
                )
            continue
        with open(folder / _RECORD, "a", encoding="utf-8") as record:
            record.writelines(f"{one.job_id}\n" for one in slurm)
        for (job, future), one in zip(items, slurm, strict=True):
            print(f"{job.name}: {settings.cluster} job {one.job_id}", file=sys.stderr)
            submitted.append(_Submitted(job, future, one))
    return submitted


def _answered(one: _Submitted, states: dict[str, str], settings: SlurmSettings) -> bool:
    """Answer the future of a job that has ended; whether it has."""
    if not one.slurm.paths.result_pickle.exists():
        state = states.get(one.slurm.job_id)
        if state not in slurm_queue.ENDED:
            one.ended = None
            return False
        one.ended = one.ended or (time.monotonic(), state)
        if time.monotonic() - one.ended[0] < _GRACE_SECONDS:
            return False
        slurm_queue.cancel([one.slurm], settings.cluster)  # no return from a preemption beside its successor
    _answer(one, one.ended[1] if one.ended else "")
    return True


def _answer(one: _Submitted, state: str) -> None:
    """The status that the job returned, or, where it returned none, that of a lost job."""
    from submitit.core.utils import FailedJobError

    why = f"it ended as {state}, without a result"
    try:
        if one.slurm.paths.result_pickle.exists():
            try:
                return one.future.set_result(one.slurm.result())
            except FailedJobError as error:  # run_job raised, or Slurm's signal before the time limit
                why = next((line for line in reversed(str(error).splitlines()) if "Error: " in line), str(error))
                why = "the time limit ended it (launcher.slurm.time)" if "timed-out" in why else why
        why = f"{one.job.name}, job {one.slurm.job_id}: {why}; its own output: {one.slurm.paths.stdout}"
        return one.future.set_result(lost(one.job, why))
    except Exception as error:  # a full disk, a broken result: the others go on
        return one.future.set_exception(error)


def _cancel_leftovers(settings: SlurmSettings, folder: Path) -> None:
    """Cancel what a command that was killed has left in the queue."""
    from submitit import SlurmJob

    if settings.cluster == "slurm" and (folder / _RECORD).exists():
        ids = (folder / _RECORD).read_text(encoding="utf-8").split()
        slurm_queue.cancel([SlurmJob[int](folder / "%j", job_id) for job_id in ids], settings.cluster)
    (folder / _RECORD).unlink(missing_ok=True)
