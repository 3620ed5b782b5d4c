"""Launchers: where the stages of an experiment run. Each gives a function from a job to the future of its status."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from synth_eval.experiment import launch_ray, launch_slurm
from synth_eval.experiment.jobs import Job, run_job, stop_all
from synth_eval.experiment.settings import Launcher


@contextmanager
def opened(launcher: Launcher, folder: Path) -> Iterator[Callable[[Job], Future[int]]]:
    """The launcher that the settings name; what still runs when it is left early is stopped.

    Args:
        launcher: its settings.
        folder: the experiment's, for the launcher's own logs.
    """
    match launcher.kind:
        case "ray":
            with launch_ray.opened(launcher.ray) as submit:
                yield submit
        case "slurm":
            with launch_slurm.opened(launcher.slurm, folder / "slurm") as submit:
                yield submit
        case _:
            with _local(launcher.workers) as submit:
                yield submit


@contextmanager
def _local(workers: int) -> Iterator[Callable[[Job], Future[int]]]:
    pool = ThreadPoolExecutor(workers, thread_name_prefix="stage")
    try:
        yield lambda job: pool.submit(run_job, job)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        stop_all()
        pool.shutdown(wait=True)
