"""Slurm: real processes under a small stand-in for sbatch, squeue and scancel, and under submitit's local executor."""

import os
import subprocess
import sys
import time
from concurrent.futures import wait
from pathlib import Path

import psutil
import pytest

from synth_eval.errors import InputError
from synth_eval.experiment import launch_slurm
from synth_eval.experiment.jobs import Job
from synth_eval.experiment.launch_slurm import SlurmSettings

pytest.importorskip("submitit", reason="needs the extra slurm")

# One script under four names. A job is a process group; its state is a file.
STAND_IN = r"""
import os, re, signal, subprocess, sys
from pathlib import Path

name, arguments, state = Path(sys.argv[0]).name, sys.argv[1:], Path(os.environ["STAND_IN"])


def alive(pid):
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{pid}/stat").exists() or Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


if name == "sbatch":
    script = Path(arguments[-1]).read_text()
    if "--partition=nowhere" in script:
        sys.exit("sbatch: error: invalid partition specified: nowhere")
    number = 1 + len(list(state.glob("*.script")))
    (state / f"{number}.script").write_text(script)
    array = re.search(r"--array=0-(\d+)%", script)
    for index in range(int(array[1]) + 1) if array else [None]:
        key = str(number) if index is None else f"{number}_{index}"
        extra = {} if index is None else {"SLURM_ARRAY_JOB_ID": str(number), "SLURM_ARRAY_TASK_ID": str(index)}
        child = subprocess.Popen(
            ["bash", arguments[-1]], env={**os.environ, "SLURM_JOB_ID": str(number), **extra},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )
        (state / f"{key}.pid").write_text(str(child.pid))
    print(f"Submitted batch job {number}")
elif name == "srun":
    start = next(i for i, word in enumerate(arguments) if word.startswith("/"))
    while not arguments[start].endswith(("python", "python3", "python3.11", "python3.12", "python3.13")):
        start += 1
    os.execv(arguments[start], arguments[start:])
elif name == "squeue":
    for file in state.glob("*.pid"):
        told = state / f"{file.stem}.state"
        now = told.read_text() if told.exists() else "RUNNING" if alive(int(file.read_text())) else "FAILED"
        print(file.stem, now)
elif name == "scancel":
    (state / f"{arguments[0]}.state").write_text("CANCELLED")
    pid = int((state / f"{arguments[0]}.pid").read_text())
    if alive(pid):
        os.killpg(pid, signal.SIGKILL)
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Path:
    """The stand-in's folder of states."""
    for name in ("sbatch", "srun", "squeue", "scancel"):
        script = tmp_path / "bin" / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"#!{sys.executable}\n{STAND_IN}")
        script.chmod(0o755)
    (tmp_path / "states").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("STAND_IN", str(tmp_path / "states"))
    monkeypatch.setattr(launch_slurm, "_GRACE_SECONDS", 0.5)
    return tmp_path / "states"


def job(folder: Path, name: str, code: str, **options) -> Job:
    return Job(name, (sys.executable, "-c", code), folder, folder / f".{name}", folder / name, **options)


def quick(**options) -> SlurmSettings:
    return SlurmSettings(poll_seconds=0.2, **options)


def until(condition, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def gone(pid: int) -> bool:
    """Whether a process runs no more (what is left of it may wait for its parent)."""
    return psutil.pid_exists(pid) is False or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def lines_in(path: Path) -> int:
    return path.read_text().count("\n") if path.exists() else 0


WAIT = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"


def test_jobs_that_come_together_are_one_array_and_each_gives_its_status(tmp_path, slurm, capsys):
    settings = quick(partition="short", account="lab", time=30, mem_gb=2, array_parallelism=3, extra={"qos": "long"})
    with launch_slurm.opened(settings, tmp_path / "slurm") as submit:
        good = submit(
            job(tmp_path, "good", "import os; print(os.environ['SEED'], os.getcwd())", environment={"SEED": "7"})
        )
        bad = submit(job(tmp_path, "bad", "import sys; print('no such thing'); sys.exit(3)"))
        large = submit(job(tmp_path, "large", "print('hi')", cpus=1.5, gpus=0.5))
        assert (good.result(20), bad.result(20), large.result(20)) == (0, 3, 0)
    assert (tmp_path / "good" / "log.txt").read_text().split() == ["7", str(tmp_path)]
    assert "no such thing" in (tmp_path / ".bad" / "log.txt").read_text()
    scripts = sorted((file.read_text() for file in slurm.glob("*.script")), key=len)
    assert len(scripts) == 2
    single, array = ({line[8:] for line in text.splitlines() if line.startswith("#SBATCH")} for text in scripts)
    common = {"--partition=short", "--account=lab", "--time=30", "--mem=2GB", "--qos=long", "--nodes=1"}
    assert common | {"--array=0-1%2", "--cpus-per-task=1"} <= array
    assert common | {"--cpus-per-task=2", "--gpus-per-node=1", "--job-name=large"} <= single
    assert not any(line.startswith("--gpus") for line in array)
    assert "good: slurm job 1_" in capsys.readouterr().err


def test_a_job_that_slurm_ended_is_a_killed_one_and_its_log_says_why(tmp_path, slurm):
    with launch_slurm.opened(quick(), tmp_path / "slurm") as submit:
        lost, preempted = submit(job(tmp_path, "lost", WAIT)), submit(job(tmp_path, "preempted", WAIT))
        until(lambda: lines_in(tmp_path / ".lost/log.txt") and lines_in(tmp_path / ".preempted/log.txt"))
        ids = {Path(file).stem for file in slurm.glob("*.pid")}
        first, second = sorted(ids)
        os.killpg(int((slurm / f"{first}.pid").read_text()), 9)  # the node is gone
        (slurm / f"{first}.state").write_text("NODE_FAIL")
        (slurm / f"{second}.state").write_text("PREEMPTED")  # and stays so: Slurm may bring it back at any time
        assert (lost.result(20), preempted.result(20)) == (-9, -9)
    assert "NODE_FAIL" in (tmp_path / ".lost/log.txt").read_text()
    assert "PREEMPTED" in (tmp_path / ".preempted/log.txt").read_text()
    until(lambda: gone(int((tmp_path / ".preempted/log.txt").read_text().split()[0])))  # it cannot meet its successor


def test_a_job_that_comes_back_from_a_preemption_is_waited_for(tmp_path, slurm, monkeypatch):
    monkeypatch.setattr(launch_slurm, "_GRACE_SECONDS", 3.0)
    with launch_slurm.opened(quick(), tmp_path / "slurm") as submit:
        code = "import pathlib, time; print(1, flush=True)\nwhile not pathlib.Path('go').exists(): time.sleep(.05)"
        future = submit(job(tmp_path, "back", code))
        until(lambda: lines_in(tmp_path / ".back/log.txt"))
        (slurm / "1.state").write_text("PREEMPTED")
        assert not wait([future], timeout=1).done
        (slurm / "1.state").write_text("RUNNING")
        assert not wait([future], timeout=2.5).done
        (tmp_path / "go").touch()
        assert future.result(10) == 0


def test_leaving_early_cancels_and_says_so(tmp_path, slurm, capsys):
    with pytest.raises(KeyboardInterrupt), launch_slurm.opened(quick(), tmp_path / "slurm") as submit:
        future = submit(job(tmp_path, "long", WAIT))
        until(lambda: lines_in(tmp_path / ".long/log.txt"))
        raise KeyboardInterrupt
    assert "cancelling unfinished jobs: 1" in capsys.readouterr().err
    assert future.result(0) == -9
    until(lambda: gone(int((tmp_path / ".long/log.txt").read_text().split()[0])))


def test_what_a_killed_command_left_in_the_queue_is_cancelled_first(tmp_path, slurm, capsys):
    script = tmp_path / "earlier.py"
    script.write_text(
        "import os, sys, time\nfrom pathlib import Path\n"
        "from synth_eval.experiment.jobs import Job\nfrom synth_eval.experiment import launch_slurm as launch\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "with launch.opened(launch.SlurmSettings(), folder / 'slurm') as submit:\n"
        f"    submit(Job('long', (sys.executable, '-c', {WAIT!r}), folder, folder / '.long', folder / 'long'))\n"
        "    while not (folder / '.long/log.txt').exists() or not (folder / '.long/log.txt').read_text():\n"
        "        time.sleep(.05)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, script], timeout=30).returncode == -9
    pid = int((tmp_path / ".long/log.txt").read_text())
    assert not gone(pid)
    with launch_slurm.opened(quick(), tmp_path / "slurm") as submit:
        until(lambda: gone(pid))
        assert submit(job(tmp_path, "long", "print('again')")).result(20) == 0
    assert "cancelling unfinished jobs: 1" in capsys.readouterr().err


def test_a_refusal_and_a_missing_program_end_one_job_alone(tmp_path, slurm):
    with launch_slurm.opened(quick(partition="nowhere"), tmp_path / "a") as submit:
        refusal = submit(job(tmp_path, "refused", "")).exception(20)
    assert isinstance(refusal, InputError) and "invalid partition specified: nowhere" in str(refusal)
    with launch_slurm.opened(quick(), tmp_path / "b") as submit:
        missing = Job("missing", ("/no/such/program",), tmp_path, tmp_path / ".missing", tmp_path / "missing")
        assert submit(missing).result(20) == -9
    assert "FileNotFoundError" in (tmp_path / ".missing/log.txt").read_text()


def test_one_command_a_folder_and_slurm_must_be_there(tmp_path, slurm, monkeypatch):
    second = launch_slurm.opened(quick(), tmp_path / "slurm")
    with launch_slurm.opened(quick(), tmp_path / "slurm"), pytest.raises(InputError, match="one run a folder"):
        second.__enter__()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(InputError, match="login node"), launch_slurm.opened(quick(), tmp_path / "other"):
        pass
    monkeypatch.setattr(launch_slurm, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"synth-eval\[slurm\]"), launch_slurm.opened(quick(), tmp_path / "other"):
        pass


def test_submitit_without_a_cluster(tmp_path):
    with launch_slurm.opened(quick(cluster="local"), tmp_path / "slurm") as submit:
        jobs = {"good": "print('hi')", "bad": "raise SystemExit(1)"}
        futures = [submit(job(tmp_path, name, code)) for name, code in jobs.items()]
        assert [future.result(30) for future in futures] == [0, 1]
    assert (tmp_path / "good/log.txt").read_text() == "hi\n"
    assert not (tmp_path / "slurm/submitted.txt").exists()
