"""Jobs on a real local Ray cluster of two processors: one cluster for the file."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from synth_eval.errors import InputError
from synth_eval.experiment import launch_ray
from synth_eval.experiment.jobs import Job
from synth_eval.experiment.launch_ray import RaySettings

pytest.importorskip("ray", reason="needs the extra ray")

WAIT = "import os, time; print(os.getpid(), os.getppid(), flush=True); time.sleep(60)"


def job(folder: Path, name: str, code: str, **options) -> Job:
    return Job(name, (sys.executable, "-c", code), folder, folder / f".{name}", folder / name, **options)


def until(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def gone(pid: int) -> bool:
    """Whether a process runs no more (what is left of it may wait for its parent)."""
    return psutil.pid_exists(pid) is False or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def pids(log: Path, line: int = 0) -> list[int]:
    """The pids of a command and of its worker, once they are printed."""
    until(lambda: log.exists() and log.read_text().count("\n") > line)
    return [int(word) for word in log.read_text().splitlines()[line].split()]


def test_what_cannot_be_reached_or_is_not_installed_is_said(monkeypatch):
    started = time.monotonic()
    with (
        pytest.raises(InputError, match=r"launcher\.ray\.address: 127\.0\.0\.1:9"),
        launch_ray.opened(RaySettings(address="127.0.0.1:9")),
    ):
        pass
    assert time.monotonic() - started < 10  # Ray itself tries for minutes
    monkeypatch.setattr(launch_ray, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"synth-eval\[ray\]"), launch_ray.opened(RaySettings()):
        pass


@pytest.mark.parametrize("wrong", [{"address": "auto", "num_cpus": 2}, {"address": "ray://host:1"}, {"adress": "auto"}])
def test_settings_that_contradict_or_are_unknown_are_refused(wrong):
    with pytest.raises(ValueError, match=r"num_cpus|pattern|Extra"):
        RaySettings.model_validate(wrong)


@pytest.fixture(scope="module")
def submit():
    with launch_ray.opened(RaySettings(num_cpus=2, max_retries=2)) as function:
        yield function
    import ray

    assert not ray.is_initialized()


def test_statuses_logs_folders_and_environment(tmp_path, submit):
    code = "import os; print(os.environ['SEED'], os.environ['OMP_NUM_THREADS'], os.getcwd())"
    good = submit(job(tmp_path, "good", code, environment={"SEED": "7", "OMP_NUM_THREADS": "1"}))
    bad = submit(job(tmp_path, "bad", "import sys; print('no such thing'); sys.exit(3)"))
    killed = submit(job(tmp_path, "killed", "import os; os.kill(os.getpid(), 15)"))
    assert (good.result(60), bad.result(60), killed.result(60)) == (0, 3, -15)
    assert (tmp_path / "good/log.txt").read_text().split() == ["7", "1", str(tmp_path)]
    assert (tmp_path / ".bad/log.txt").read_text() == "no such thing\n"  # once: a command that fails is not repeated


def test_as_many_at_a_time_as_there_are_processors(tmp_path, submit):
    code = "import time; s = time.time(); time.sleep(.5); print(s, time.time())"
    names = ["a", "b", "c", "d"]
    futures = [submit(job(tmp_path, name, code)) for name in names]
    alone = submit(job(tmp_path, "alone", code, cpus=2))
    assert [future.result(60) for future in (*futures, alone)] == [0] * 5
    spans = {name: [float(x) for x in (tmp_path / name / "log.txt").read_text().split()] for name in [*names, "alone"]}

    def beside(name: str) -> int:
        begin = spans[name][0]
        return sum(start <= begin < end for start, end in spans.values())

    assert max(map(beside, names)) == 2
    assert beside("alone") == 1
    assert not any(start < spans["alone"][1] and spans["alone"][0] < end for start, end in map(spans.get, names))


def test_a_job_whose_worker_was_killed_starts_again_and_the_first_start_is_over(tmp_path, submit):
    code = f"import pathlib\nif not pathlib.Path('second').exists():\n    {WAIT}\nprint('well')"
    future = submit(job(tmp_path, "twice", code))
    command, worker = pids(tmp_path / ".twice/log.txt")
    (tmp_path / "second").touch()
    os.kill(worker, signal.SIGKILL)
    until(lambda: gone(command), 5)
    assert future.result(60) == 0
    assert (tmp_path / "twice/log.txt").read_text().splitlines()[1:] == ["well"]


def test_a_job_that_kills_every_worker_is_a_killed_one_and_its_log_says_why(tmp_path, submit):
    future = submit(
        job(tmp_path, "deadly", "import os, time; print(1, flush=True); os.kill(os.getppid(), 9); time.sleep(60)")
    )
    assert future.result(60) == -signal.SIGKILL
    lines = (tmp_path / ".deadly/log.txt").read_text().splitlines()
    assert lines[:-1] == ["1"] * 3  # and two retries
    assert "deadly: WorkerCrashedError" in lines[-1]


def test_what_cannot_be_started_or_written_ends_one_job_alone(tmp_path, submit):
    missing = submit(Job("missing", ("/no/such/program",), tmp_path, tmp_path / ".missing", tmp_path / "missing"))
    (tmp_path / "file").touch()
    inside = tmp_path / "file"
    unwritable = submit(Job("x", ("true",), tmp_path, inside / ".x", inside / "x"))
    assert missing.result(60) == -signal.SIGKILL
    assert "FileNotFoundError" in (tmp_path / ".missing/log.txt").read_text()
    assert isinstance(unwritable.exception(60), OSError)


def test_a_job_larger_than_the_machine_is_refused_at_once(tmp_path, submit):
    with pytest.raises(
        InputError, match=r"asks for 3 CPUs and 1 GPUs; expected no more than this machine has \(2 CPUs"
    ):
        submit(job(tmp_path, "large", "", cpus=3, gpus=1))


def test_leaving_early_ends_the_jobs_and_leaves_a_cluster_that_was_there(tmp_path, submit):
    import ray

    with pytest.raises(KeyboardInterrupt), launch_ray.opened(RaySettings()) as second:
        futures = [second(job(tmp_path, name, WAIT)) for name in ("one", "two", "queued")]
        commands = [pids(tmp_path / f".{name}/log.txt")[0] for name in ("one", "two")]
        raise KeyboardInterrupt
    until(lambda: all(map(gone, commands)), 5)
    assert [future.result(0) for future in futures] == [-signal.SIGKILL] * 3
    assert ray.is_initialized()
    assert submit(job(tmp_path, "after", "print('well')")).result(60) == 0
    assert "cancelled" in (tmp_path / ".queued/log.txt").read_text().lower()  # and no process printed its number
    assert not (tmp_path / ".queued/log.txt").read_text()[0].isdigit()
