"""One job: a command that fills a stage's folder, which gets its name when the command has ended well.

The command writes into ``work`` (a hidden name); at exit status 0 the folder is renamed to ``target``. What is killed
leaves ``work``, and the same job goes on there. Nobody else works in it: a lock beside it is held meanwhile.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synth_eval.files import dump_json, fsync_folder, read_json, write_atomic

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
TIMING = "job.json"
_PR_SET_PDEATHSIG = 1
_running: set[subprocess.Popen[bytes]] = set()
_stopping = threading.Event()


@dataclass(frozen=True)
class Job:
    """A command, where it runs and what it leaves."""

    name: str
    """``train-0f3c91aa02b4``"""
    command: tuple[str, ...]
    folder: Path
    """The working directory; ``work`` and ``target`` lie in it."""
    work: Path
    target: Path
    cpus: float = 1.0
    gpus: float = 0.0
    environment: dict[str, str] = field(default_factory=dict)
    """Added to the inherited one."""
    files: dict[str, str] = field(default_factory=dict)
    """Name in ``work`` -> text, written before the command."""

    @property
    def log(self) -> Path:
        """What the command printed, of every start."""
        return self.work / "log.txt"


def run_job(job: Job) -> int:
    """Run the command unless its target is there, and rename the work folder when it ended well.

    Returns:
        The exit status; negative: the number of the signal that killed it.

    Raises:
        OSError: a folder cannot be written.
    """
    with lock(job.work) as handle:
        if job.target.exists():  # another experiment was faster
            return 0
        job.work.mkdir(parents=True, exist_ok=True)
        for name, text in job.files.items():
            write_atomic(job.work / name, text)
        earlier, start = timing(job.work), time.monotonic()
        status = _run(job, handle)
        record = {"seconds": earlier["seconds"] + time.monotonic() - start, "starts": earlier["starts"] + 1}
        write_atomic(job.work / TIMING, dump_json(record | {"status": status}))
        if status == 0:
            os.replace(job.work, job.target)
            fsync_folder(job.target.parent)
        return status


def timing(folder: Path) -> dict[str, Any]:
    """Seconds of all starts of a job that ended, their number, and the last exit status (None: none has ended)."""
    path = folder / TIMING
    return dict(read_json(path)) if path.is_file() else {"seconds": 0.0, "starts": 0, "status": None}


def _run(job: Job, lock_handle: int) -> int:
    with open(job.log, "ab") as log:
        process = subprocess.Popen(  # noqa: S603 - the planner's own command
            job.command,
            cwd=job.folder,
            env={**os.environ, **job.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_parent,
            pass_fds=(lock_handle,),  # the lock is free when the command is gone, whatever became of us
        )
        _running.add(process)
        try:
            return process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            _running.discard(process)


def stop_all() -> None:
    """End the commands that run in this process: politely, so that a training can say where it stopped."""
    _stopping.set()
    for process in list(_running):
        process.send_signal(signal.SIGINT)
    for process in list(_running):
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


def start_again() -> None:
    """Take jobs again after `stop_all`."""
    _stopping.clear()


def _die_with_parent() -> None:
    """In the child: be killed when the thread that waits is gone, so that a restart meets no survivor."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def lock(work: Path) -> Iterator[int]:
    """Hold the lock of a work folder, and give its handle; wait for whoever holds it, until `stop_all`."""
    work.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(work.with_name(f"{work.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while not _taken(handle, work):
            if _stopping.wait(0.5):
                raise KeyboardInterrupt
        yield handle
    finally:
        os.close(handle)


def _taken(handle: int, work: Path) -> bool:
    """Take the lock if it is free."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # some network file systems have no locks
        warnings.warn(f"{work} cannot be locked ({error.strerror}): run one experiment at a time there", stacklevel=3)
    return True


def is_locked(work: Path) -> bool:
    """Whether somebody is at work in the folder."""
    path = work.with_name(f"{work.name}.lock")
    if not path.exists():
        return False
    handle = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def last_lines(path: Path, count: int = 12) -> list[str]:
    """The end of a log, progress bars reduced to their last state."""
    if not path.is_file():
        return []
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 20_000))
        text = file.read().decode("utf-8", errors="replace")
    lines = [line.rpartition("\r")[2].rstrip() for line in text.split("\n")]
    return [line for line in lines if line][-count:]
