"""The queue of a Slurm cluster: the states of our jobs, and their cancelling."""

from __future__ import annotations

import getpass
import subprocess
import sys
import time
from typing import Any

_CANCEL_SECONDS = 90.0  # Slurm kills a cancelled job that does not end after KillWait, by default 30 s
ENDED = {
    *("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED"),
    *("BOOT_FAIL", "DEADLINE", "REVOKED", "gone from the queue"),
    *("FINISHED", "INTERRUPTED"),  # submitit's words for a local process
}  # https://slurm.schedmd.com/squeue.html, job state codes


def states(jobs: list[Any], cluster: str) -> dict[str, str]:
    """The state of each job by its id, in Slurm's words; nothing while the queue does not answer.

    From ``squeue``: it needs no accounting database, which ``sacct`` (and submitit) does.
    """
    if cluster == "local" or not jobs:
        return {job.job_id: job.state for job in jobs}
    command = ["squeue", "--noheader", "--array", "--states=all", "--format=%i %T", f"--user={getpass.getuser()}"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):  # a busy controller: asked again at the next look
        return {}
    queued = dict(line.split(maxsplit=1) for line in answer.stdout.splitlines() if line.strip())
    return {job.job_id: queued.get(job.job_id, "gone from the queue") for job in jobs}


def cancel(jobs: list[Any], cluster: str) -> None:
    """Cancel what is still queued or runs, say so, and wait until it is gone."""

    def left() -> list[Any]:
        now = states(jobs, cluster)
        return [job for job in jobs if now.get(job.job_id) not in ENDED - {"PREEMPTED"}]

    if unfinished := left():
        for job in unfinished:
            job.cancel(check=False)
        print(f"cancelling unfinished jobs: {', '.join(job.job_id for job in unfinished)}", file=sys.stderr)
    end = time.monotonic() + _CANCEL_SECONDS
    while left() and time.monotonic() < end:
        time.sleep(0.5)
