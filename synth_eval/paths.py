"""Where ``tasks/``, ``recipes/`` and ``leaderboards/`` are: in the installed package, or at the root of a checkout."""

from __future__ import annotations

from pathlib import Path

FOLDERS = ("tasks", "recipes", "leaderboards")


def folder(name: str) -> Path:
    """Absolute path of a data folder (``tasks``, ``recipes`` or ``leaderboards``).

    Raises:
        FileNotFoundError: the installation is incomplete.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package / name, package.parent / name):
        if name in FOLDERS and candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"no folder '{name}' beside {package}: reinstall synth-eval")
