"""Running a plan: order, sharing, failures, kills, restarts. The stages' scripts are small; everything else is real."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from synth_eval.errors import InputError
from synth_eval.experiment import jobs, launch, run
from synth_eval.experiment.plan import Plan
from synth_eval.experiment.settings import ExperimentSettings
from synth_eval.experiment.stages import Kind, Stage
from synth_eval.settings import Strict

SCRIPT = """
import os, pathlib, signal, sys, time
import yaml
config, out = sys.argv[2], pathlib.Path(sys.argv[4])
what = yaml.safe_load(open(config))
with open(what["journal"], "a") as journal:
    journal.write(what["name"] + "\\n")
time.sleep(what.get("seconds", 0))
if what.get("kill") and not (out / "killed").exists():
    (out / "killed").touch()
    os.kill(os.getpid(), signal.SIGKILL)
if what.get("fail"):
    print("reading", "." * 5)
    sys.exit("error: nothing works")
before = [open(f"{parent}/data.jsonl").read() for parent in what["parents"]]
(out / "data.jsonl").write_text("".join(before) + what["name"])
"""


class Anything(Strict):
    pass


KINDS = {"data": Kind("step.py", Anything)}
MINIMAL = {
    "name": "test",
    "human": "nli_fresh",
    "starting_points": [0],
    "sizes": [3],
    "classifier": {},
    "arms": {"original": {"sources": "human"}},
    "evaluations": [{"tasks": ["nli_fresh"]}],
}


@pytest.fixture
def scripts(tmp_path):
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "step.py").write_text(SCRIPT)
    return folder


def plan(tmp_path, graph, **launcher):
    """A plan of stages ``{name: (parents, changes)}``."""
    settings = ExperimentSettings(**MINIMAL | {"launcher": launcher})
    stages = {}
    for name, (parents, changes) in graph.items():
        content = {"name": name, "parents": list(parents), "journal": str(tmp_path / "journal")} | changes
        stages[name] = Stage(name, "data", content, tuple(parents), f"stage {name}", 1)
    return Plan(settings, stages)


def go(tmp_path, scripts, made, workers=1):
    lines = []
    with launch.opened(made.settings.launcher, tmp_path / "test") as submit:
        report = run.run(made, tmp_path, KINDS, scripts, submit, workers, lines.append)
    return report, [line for line in lines if not line.startswith("started")]


def journal(tmp_path):
    return (tmp_path / "journal").read_text().split()


DIAMOND = {"a": ((), {}), "b": (("a",), {}), "c": (("a",), {}), "d": (("b", "c"), {})}


def test_parents_come_first_and_nothing_runs_twice(tmp_path, scripts):
    report, lines = go(tmp_path, scripts, plan(tmp_path, DIAMOND, workers=2), workers=2)
    assert sorted(report.done) == ["a", "b", "c", "d"] and not report.failed and len(lines) == 4
    assert (tmp_path / "stages" / "d" / "data.jsonl").read_text() == "abacd"
    assert json.loads((tmp_path / "test" / "cells.json").read_text())["cells"] == []
    report, _ = go(tmp_path, scripts, plan(tmp_path, DIAMOND | {"e": (("d",), {})}))
    assert report.done == ["e"] and report.there == ["a", "b", "c", "d"]
    assert sorted(journal(tmp_path)) == ["a", "b", "c", "d", "e"]


def test_a_failure_stops_only_what_needs_it(tmp_path, scripts):
    graph = DIAMOND | {"b": (("a",), {"fail": True}), "e": ((), {})}
    report, lines = go(tmp_path, scripts, plan(tmp_path, graph))
    assert sorted(report.done) == ["a", "c", "e"] and report.blocked == ["d"]
    assert [(f.stage.name, f.status) for f in report.failed] == [("b", 1)]
    assert report.failed[0].lines == ["reading .....", "error: nothing works"]
    assert any("failed: b" in line for line in lines)
    found = {name: run.state(plan(tmp_path, graph).stages[name], tmp_path / "stages") for name in graph}
    assert found == {"a": "done", "b": "failed", "c": "done", "d": "waiting", "e": "done"}
    report, _ = go(tmp_path, scripts, plan(tmp_path, DIAMOND))  # mended
    assert sorted(report.done) == ["b", "d"]


def test_what_a_signal_killed_is_started_again(tmp_path, scripts):
    report, lines = go(tmp_path, scripts, plan(tmp_path, {"a": ((), {"kill": True})}))
    assert report.done == ["a"] and "again: a was killed by signal 9" in lines[0]
    assert jobs.timing(tmp_path / "stages" / "a")["starts"] == 2
    report, _ = go(tmp_path, scripts, plan(tmp_path, {"b": ((), {"kill": True})}, retries=0))
    assert [(f.stage.name, f.status) for f in report.failed] == [("b", -9)]


def test_a_stage_that_cannot_be_written_fails_alone(tmp_path, scripts, monkeypatch):
    def full(job):
        if job.name == "a":
            raise OSError(28, "No space left on device", str(job.work))
        return jobs.run_job(job)

    monkeypatch.setattr(launch, "run_job", full)
    report, _ = go(tmp_path, scripts, plan(tmp_path, {"a": ((), {}), "b": ((), {})}))
    assert report.done == ["b"] and "No space left" in report.failed[0].lines[-1]


def test_each_stage_that_asks_for_a_gpu_has_its_own(tmp_path, scripts, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    seen = []

    def note(job):
        seen.append(job.environment.get("CUDA_VISIBLE_DEVICES"))
        time.sleep(0.2)
        return jobs.run_job(job)

    monkeypatch.setattr(launch, "run_job", note)
    made = plan(tmp_path, {name: ((), {}) for name in "abc"}, workers=3, gpus=1)
    stages = {name: replace(stage, kind="train") for name, stage in made.stages.items()}
    monkeypatch.setitem(KINDS, "train", KINDS["data"])
    go(tmp_path, scripts, Plan(made.settings, stages), workers=3)
    assert sorted(seen) in (["4", "4", "7"], ["4", "7", "7"])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(InputError, match=r"launcher\.gpus: found no GPU"):
        go(tmp_path, scripts, made)


RUNNER = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import test_runner
tmp, scripts = Path({tmp!r}), Path({scripts!r})
report, _ = test_runner.go(tmp, scripts, test_runner.plan(tmp, {graph!r}, workers=2), workers=2)
print(*report.done)
"""


def start(tmp_path, scripts, graph):
    code = RUNNER.format(tests=str(Path(__file__).parent), tmp=str(tmp_path), scripts=str(scripts), graph=graph)
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.DEVNULL)


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


SLOW = {"a": ((), {"seconds": 0.3}), "b": (("a",), {"seconds": 0.3}), "c": ((), {"seconds": 0.3})}


def test_kill_9_leaves_no_survivor_and_the_same_command_goes_on(tmp_path, scripts):
    graph = SLOW | {"c": ((), {"seconds": 30})}
    process = start(tmp_path, scripts, graph)
    wait_for(lambda: (tmp_path / "journal").exists() and "c" in journal(tmp_path))
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not jobs.is_locked(tmp_path / "stages" / ".c"))
    survivors = subprocess.run(["pgrep", "-f", str(scripts)], capture_output=True, text=True).stdout.split()
    assert [pid for pid in survivors if int(pid) != os.getpid()] == []
    assert run.state(plan(tmp_path, graph).stages["c"], tmp_path / "stages") == "begun"
    report, _ = go(tmp_path, scripts, plan(tmp_path, SLOW))
    assert not report.failed and (tmp_path / "stages" / "b" / "data.jsonl").read_text() == "ab"


def test_ctrl_c_stops_the_stages_too(tmp_path, scripts):
    process = start(tmp_path, scripts, {"a": ((), {"seconds": 30})})
    wait_for(lambda: (tmp_path / "journal").exists() and "a" in journal(tmp_path))
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=25) != 0
    assert not jobs.is_locked(tmp_path / "stages" / ".a") and not (tmp_path / "stages" / "a").exists()


def test_two_experiments_at_once_run_a_shared_stage_once(tmp_path, scripts):
    processes = [start(tmp_path, scripts, SLOW), start(tmp_path, scripts, SLOW | {"d": (("b",), {})})]
    assert [process.wait(timeout=40) for process in processes] == [0, 0]
    assert sorted(journal(tmp_path)) == ["a", "b", "c", "d"]


def test_the_end_of_a_log_is_short(tmp_path):
    log = tmp_path / "log.txt"
    log.write_bytes(b"one\n10%\r50%\r100% done\n\ntwo \xff\n" + b"x" * 30000 + b"\nlast\n")
    assert jobs.last_lines(log, 2)[-1] == "last" and jobs.last_lines(tmp_path / "none") == []
    log.write_bytes(b"one\n10%\r50%\r100% done\n\ntwo\n")
    assert jobs.last_lines(log) == ["one", "100% done", "two"]
