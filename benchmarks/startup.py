"""What the start-up hook costs every Python of an environment, and how fast the command line answers.

Run: ``python benchmarks/startup.py [starts]``. Prints medians and quartiles in milliseconds over alternating starts of
two bare environments, one with our package and its start-up file and one without, from source and from compiled files;
then of ``synth-eval --help`` in this environment.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HELP = "import sys; sys.argv = ['synth-eval', '--help']; from synth_eval.cli import main; main()"


def environment(folder: Path, *, hook: bool) -> Path:
    """The interpreter of a bare environment, with the package and its start-up file laid into it or not."""
    venv.EnvBuilder(symlinks=True).create(folder)
    (site,) = (folder / "lib").glob("python*/site-packages")
    if hook:
        shutil.copytree(ROOT / "synth_eval", site / "synth_eval", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "synth_eval_autoload.pth", site)
    return folder / "bin" / "python"


def milliseconds(python: str | Path, code: str, **variables: str) -> float:
    """Wall time of one start of ``python`` that runs ``code``."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SYNTH_EVAL"))}
    start = time.perf_counter()
    subprocess.run([python, "-c", code], env=inherited | variables, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    return (time.perf_counter() - start) * 1e3


def line(name: str, times: list[float]) -> str:
    """One line of the report."""
    low, middle, high = statistics.quantiles(times, n=4)
    return f"{name:<44}{middle:8.2f} ms   [{low:.2f}, {high:.2f}]"


def main(starts: int = 30) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bare, ours = (environment(Path(folder, name), hook=name == "ours") for name in ("bare", "ours"))
        # in this order, for the first leaves no compiled files behind; each checks that the hook did run
        for kind, variables in (("source only", {"PYTHONDONTWRITEBYTECODE": "1"}), ("compiled", {})):
            milliseconds(
                ours, "import sys; sys.exit(not hasattr(sys.meta_path[0], 'synth_eval_hook'))", **variables
            )  # it ran
            pairs = [(milliseconds(bare, "", **variables), milliseconds(ours, "", **variables)) for _ in range(starts)]
            print(line(f"start without the hook ({kind})", [without for without, _ in pairs]))
            print(line(f"start with the hook ({kind})", [hooked for _, hooked in pairs]))
            print(line("  difference, pair by pair", [hooked - without for without, hooked in pairs]))
    milliseconds(sys.executable, HELP)
    print(line("synth-eval --help", [milliseconds(sys.executable, HELP) for _ in range(starts)]))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
