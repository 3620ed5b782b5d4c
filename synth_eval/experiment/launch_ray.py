"""Jobs as tasks of a Ray cluster (Ray Core): a local one that is started and stopped here, or one that is named.

Ray counts processors and GPUs, queues what does not fit, and starts a job again when its worker or node has died
(https://docs.ray.io/en/latest/ray-core/fault-tolerance.html). A job's command does not outlive its worker: the kernel
kills it then (``jobs.run_job``), so two processes never write in one folder.

On a cluster of several machines the experiment's folder and the models and data that it names must lie on storage
that all of them see under the same path, and synth-eval must be installed on each, in the same place.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Annotated, Any

from pydantic import Field, model_validator

from synth_eval.errors import InputError
from synth_eval.experiment.jobs import Job, run_job
from synth_eval.settings import Count, Strict

_STORE_BYTES = 100 * 2**20  # what passes through Ray is a status a job; its default is 30 % of the memory
_CANCEL_SECONDS, _CONNECT_SECONDS = 10.0, 5.0


class RaySettings(Strict):
    """The key ``launcher.ray`` of an experiment."""

    address: Annotated[str, Field(pattern=r"^(auto|[^/]+:\d+)$")] | None = None
    """A running cluster: ``auto`` (this machine belongs to it) or ``host:6379`` (the machine belongs to that one);
    without it a local one is started, for the time of the command."""
    num_cpus: Count | None = None
    """Processors of the local cluster; all by default."""
    num_gpus: Annotated[int, Field(ge=0)] | None = None
    """GPUs of the local cluster; all by default."""
    max_retries: Annotated[int, Field(ge=0)] = 2
    """How often a job is started again when its worker died; a command that failed by itself is not."""

    @model_validator(mode="after")
    def _one_of_two(self) -> RaySettings:
        if self.address is not None and (self.num_cpus is not None or self.num_gpus is not None):
            raise ValueError("num_cpus and num_gpus are for the local cluster; leave them out beside an address")
        return self


@contextmanager
def opened(settings: RaySettings) -> Iterator[Callable[[Job], Future[int]]]:
    """Connect, or start a cluster, and give the function that submits a job.

    The future holds the command's status. What broke down around the command (its worker died too often, its folder
    cannot be written) is a status too, that of a killed process, and the reason stands in the job's log.
    Whoever leaves early, by Ctrl-C too, cancels what is not finished. Only a cluster that was started here is stopped.

    Raises:
        InputError: Ray is not installed, the cluster cannot be reached, or (on submission, local cluster) no node
            could ever run the job.
    """
    if find_spec("ray") is None:
        raise InputError(
            "launcher.kind: ray", "the package ray is missing", "it installed", "pip install 'synth-eval[ray]'"
        )
    import ray

    here = not ray.is_initialized()
    if here:
        _start(settings)
    unfinished: dict[Future[int], Any] = {}

    def submit(job: Job) -> Future[int]:
        _check_fits(job, settings)
        task = ray.remote(run_job).options(
            name=job.name,
            num_cpus=job.cpus,
            num_gpus=job.gpus,
            max_retries=settings.max_retries,
            retry_exceptions=[OSError],
        )
        future: Future[int] = Future()
        future.set_running_or_notify_cancel()
        unfinished[future] = reference = task.remote(job)
        future.add_done_callback(unfinished.pop)
        reference.future().add_done_callback(lambda answer: _pass_on(answer, job, future))
        return future

    try:
        yield submit
    finally:
        left = dict(unfinished)
        for reference in left.values():
            ray.cancel(reference, force=True)
        wait(left, timeout=_CANCEL_SECONDS)
        if here:
            ray.shutdown()


def _start(settings: RaySettings) -> None:
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_task_oom_retries", str(settings.max_retries))  # its default: without end
    local: dict[str, Any] = {
        "address": "local",  # also where RAY_ADDRESS is set: a cluster is used when the experiment names it
        "num_cpus": settings.num_cpus,
        "num_gpus": settings.num_gpus,
        "include_dashboard": False,
        "object_store_memory": _STORE_BYTES,
    }
    try:
        if settings.address and settings.address != "auto":  # Ray itself would try for minutes
            host, _, port = settings.address.rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS).close()
        ray.init(
            **({"address": settings.address} if settings.address else local),
            logging_level=logging.ERROR,
            log_to_driver=False,
        )
    except (OSError, RuntimeError, ValueError) as error:
        where = f"launcher.ray.address: {settings.address}" if settings.address else "launcher.kind: ray"
        told = f"{error}\n{error.__cause__ or ''}".splitlines()  # the cause is a traceback as text
        reason = next((line for line in reversed(told) if "Error: " in line), told[0])[:300]
        fix = (
            "`ray status` on the cluster's head tells its address (with tokens: RAY_AUTH_MODE=token here too); "
            "without an address a local cluster is started"
        )
        raise InputError(where, reason, "a Ray cluster that answers", fix) from error


def _check_fits(job: Job, settings: RaySettings) -> None:
    """Say at once what Ray would wait for without end: a job larger than every node."""
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    if any(node.get("CPU", 0) >= job.cpus and node.get("GPU", 0) >= job.gpus for node in nodes):
        return
    found = f"{job.name} asks for {job.cpus:g} CPUs and {job.gpus:g} GPUs"
    if settings.address is None:
        largest = max(
            (f"{node.get('CPU', 0):g} CPUs and {node.get('GPU', 0):g} GPUs" for node in nodes), default="none"
        )
        raise InputError("launcher.ray", found, f"no more than this machine has ({largest})", "ask for less")
    print(f"{found}: no node has them now; Ray waits for one that has", file=sys.stderr)


def _pass_on(answer: Future[int], job: Job, future: Future[int]) -> None:
    """Turn Ray's answer into the status that the caller waits for."""
    error = answer.exception()
    try:
        if error is None:
            future.set_result(answer.result())
        else:
            cause = getattr(error, "cause", None) or error  # what run_job raised, without Ray's traceback
            reason = (str(cause).splitlines() or ["no reason given"])[0]
            future.set_result(lost(job, f"Ray could not end {job.name}: {type(cause).__name__}: {reason}"))
    except OSError as unwritable:
        future.set_exception(unwritable)


def lost(job: Job, why: str) -> int:
    """The status of a job whose machine broke down, as if it had been killed; the reason goes into its log.

    Returns:
        0 when the job had ended well before, else ``-SIGKILL``.
    """
    if job.target.exists():
        return 0
    job.work.mkdir(parents=True, exist_ok=True)
    with open(job.log, "a", encoding="utf-8") as log:
        log.write(f"{why}\n")
    return -signal.SIGKILL
