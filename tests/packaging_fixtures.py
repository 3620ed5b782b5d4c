"""Built wheels, clean environments and a small harness, for the tests of what an installation does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DEPENDENCIES = Path(sysconfig.get_path("purelib"))
KEPT_TASKS = ("hellaswag",)  # the built-in tasks that the small harness keeps: indexing all of them takes 10 s


@dataclass(frozen=True)
class Environment:
    """A virtual environment of its own."""

    python: Path
    site: Path

    def run(self, *arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run this environment's Python, away from the checkout and from the caller's Python variables."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SYNTH_EVAL"))}
        return subprocess.run(
            [str(self.python), *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=cwd or self.site,
            env=inherited | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"} | variables,
        )

    def output(self, *arguments: str, cwd: Path | None = None, **variables: str) -> str:
        """Standard output of a run that must succeed and say nothing on standard error."""
        done = self.run(*arguments, cwd=cwd, **variables)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    def pip(self, *arguments: str) -> None:
        """Run pip on this environment, without a network."""
        _check([sys.executable, "-m", "pip", "--python", str(self.python), *arguments])


def _check(command: list[str], cwd: Path | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr


def environment(folder: Path, *wheels: Path, dependencies: bool = True, harness: bool = True) -> Environment:
    """A fresh environment with ``wheels`` installed by pip.

    Args:
        dependencies: let it import what the tests' own environment has, but for synth-eval and start-up files.
        harness: the installed lm-eval is among them.
    """
    venv.EnvBuilder(symlinks=True).create(folder)
    python = folder / "bin" / "python"
    (site,) = (folder / "lib").glob("python*/site-packages")
    made = Environment(python, site)
    if dependencies:
        borrowed = folder / "borrowed"
        borrowed.mkdir()
        for entry in DEPENDENCIES.iterdir():
            left_out = ("synth_eval", "_synth_eval") if harness else ("synth_eval", "_synth_eval", "lm_eval")
            if not entry.name.startswith(left_out) and entry.suffix != ".pth":
                (borrowed / entry.name).symlink_to(entry)
        (site / "zz_borrowed.pth").write_text(f"{borrowed}\n", encoding="utf-8")
    if wheels:
        made.pip("install", "-q", "--no-index", "--no-deps", "--disable-pip-version-check", *map(str, wheels))
    return made


def _build(hook: str, backend: str, source: Path, out: Path) -> Path:
    """The wheel that ``build_wheel`` or ``build_editable`` of a build backend makes of ``source``."""
    out.mkdir(parents=True)
    _check([sys.executable, "-c", f"import {backend} as b; b.{hook}({str(out)!r})"], cwd=source)
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def built_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheel, built from this checkout."""
    return _build("build_wheel", "hatchling.build", ROOT, tmp_path_factory.mktemp("wheel") / "dist")


@pytest.fixture(scope="session")
def editable_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``pip install -e`` installs for this checkout."""
    return _build("build_editable", "hatchling.build", ROOT, tmp_path_factory.mktemp("editable") / "dist")


def small_harness(folder: Path) -> Path:
    """A copy of the installed lm-eval with few built-in tasks, as a source folder that setuptools can build."""
    spec = find_spec("lm_eval")
    assert spec is not None and spec.submodule_search_locations
    original = Path(spec.submodule_search_locations[0])

    def unwanted(where: str, names: list[str]) -> list[str]:
        is_tasks = Path(where) == original / "tasks"
        return [n for n in names if n == "__pycache__" or (is_tasks and not n.endswith(".py") and n not in KEPT_TASKS)]

    shutil.copytree(original, folder / "lm_eval", ignore=unwanted)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "lm_eval"\nversion = "0.4.13"\n'
        '[tool.setuptools.packages.find]\ninclude = ["lm_eval*"]\n',
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="session")
def editable_harness(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``pip install -e`` installs for a checkout of (a small) lm-eval."""
    folder = tmp_path_factory.mktemp("lm-evaluation-harness")
    return _build("build_editable", "setuptools.build_meta", small_harness(folder), folder / "dist")


@pytest.fixture(scope="session")
def with_editable_harness(
    tmp_path_factory: pytest.TempPathFactory, built_wheel: Path, editable_harness: Path
) -> Environment:
    """An environment with our wheel and an editable lm-eval."""
    return environment(tmp_path_factory.mktemp("environment"), built_wheel, editable_harness, harness=False)
