"""Launchers: where the stages of an experiment run. Each gives a function from a job to the future of its status."""

from __future__ import annotations

import math
import os
import queue
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from synth_eval.errors import InputError
from synth_eval.experiment import launch_ray, launch_slurm
from synth_eval.experiment.jobs import Job, run_job, start_again, stop_all
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
            with _local(launcher.workers, _devices() if launcher.gpus else []) as submit:
                yield submit


@contextmanager
def _local(workers: int, devices: list[str]) -> Iterator[Callable[[Job], Future[int]]]:
    """Threads that each wait for one command. A job that asks for GPUs gets some of ``devices`` for itself."""
    free: queue.SimpleQueue[str] = queue.SimpleQueue()
    for device in devices:
        free.put(device)

    def work(job: Job) -> int:
        wanted = min(math.ceil(job.gpus), len(devices))
        own = [free.get() for _ in range(wanted)]
        if wanted:
            job = replace(job, environment={**job.environment, "CUDA_VISIBLE_DEVICES": ",".join(own)})
        try:
            return run_job(job)
        finally:
            for device in own:
                free.put(device)

    start_again()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="stage")
    try:
        yield lambda job: pool.submit(work, job)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        stop_all()
        pool.shutdown(wait=True)


def _devices() -> list[str]:
    """The GPUs of this machine that we may use, by number; InputError when there is none."""
    told = os.environ.get("CUDA_VISIBLE_DEVICES")
    if told is not None:
        found = [device for device in told.split(",") if device.strip()]
    else:
        program = shutil.which("nvidia-smi")
        listed = subprocess.run([program, "-L"], capture_output=True, text=True, check=False) if program else None  # noqa: S603
        found = [str(number) for number, _ in enumerate(listed.stdout.splitlines())] if listed else []
    if not found:
        raise InputError("launcher.gpus", "no GPU on this machine", "at least one", "--set launcher.gpus=0")
    return found
