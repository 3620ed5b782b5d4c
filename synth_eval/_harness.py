"""What an installed lm-eval can see of synth-eval, and the package that its own discovery scans for our tasks.

The value of our ``lm_eval.tasks`` entry point is ``synth_eval._harness.tasks``: a harness that discovers tasks takes
the name of a package and scans its folder. Ours is ``synth_eval/tasks`` in a wheel and ``tasks`` beside the package in
a checkout; looked up below this module, the name ``tasks`` leads to wherever the folder is, and never to ``recipes``,
whose YAML is not the harness's.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from pathlib import Path

from synth_eval.paths import folder

try:
    TASKS: Path | None = folder("tasks")
except FileNotFoundError:
    TASKS = None
__path__ = [str(TASKS.parent)] if TASKS else []

_DISCOVERY = {
    "tasks": ("tasks/manager.py", "discover_plugin_task_paths"),
    "models": ("api/registry.py", "load_plugins"),
}
"""What a harness that discovers plug-ins has: door -> (file, function); lm-eval's pull requests 4015 and 4013."""


def doors(hook: str) -> dict[str, str | None]:
    """Which doors between synth-eval and a plain ``lm_eval`` are open; nothing heavy is imported, not even lm_eval.

    Args:
        hook: state of the start-up hook in this interpreter: ``active``, ``disabled`` or ``missing``.

    Returns:
        ``lm_eval``: its version, or None when it is not installed.
        ``tasks_folder``: where our task files are, or None when the installation is incomplete.
        ``tasks_entry_point``, ``models_entry_point``: ``name = value`` as the installed metadata say, or None.
        ``hook``: ``active``; ``inert`` (active, but this harness discovers all by itself); ``disabled`` (by
        ``SYNTH_EVAL_NO_AUTOLOAD``); ``missing`` (the start-up file did not run: not installed, or ``python -S``).
        ``tasks``, ``models``: the door by which plain ``lm_eval`` sees ours: ``entry point``, ``hook`` or ``closed``.
    """
    home = _home()
    discovers = {door: home is not None and _mentions(home / file, name) for door, (file, name) in _DISCOVERY.items()}
    points = {door: _entry_point(f"lm_eval.{door}") for door in _DISCOVERY}

    def door(name: str) -> str:
        if home is None or (name == "tasks" and TASKS is None):
            return "closed"
        if discovers[name]:
            return "entry point" if points[name] else "closed"
        return "hook" if hook == "active" else "closed"

    return {
        "lm_eval": version("lm_eval") if home else None,
        "tasks_folder": str(TASKS) if TASKS else None,
        "tasks_entry_point": points["tasks"],
        "models_entry_point": points["models"],
        "hook": "inert" if hook == "active" and all(discovers.values()) else hook,
        "tasks": door("tasks"),
        "models": door("models"),
    }


def _home() -> Path | None:
    """Folder of the installed lm-eval, found without importing it; None when there is none."""
    spec = find_spec("lm_eval")
    try:
        version("lm_eval")
    except PackageNotFoundError:
        return None
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _mentions(file: Path, name: str) -> bool:
    """Whether the source ``file`` holds ``name``; importing the harness to ask it would take seconds."""
    return file.is_file() and name in file.read_text(encoding="utf-8")


def _entry_point(group: str) -> str | None:
    """Our entry points in ``group``, or None."""
    ours = {
        f"{point.name} = {point.value}" for point in entry_points(group=group) if point.value.startswith("synth_eval.")
    }
    return ", ".join(sorted(ours)) or None
