"""``synth-eval doctor``: is everything in place, and if not, what to do."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from importlib.util import find_spec
from typing import Any

from synth_eval import _autoload, provenance
from synth_eval.data import sources
from synth_eval.errors import InputError
from synth_eval.models import devices
from synth_eval.paths import FOLDERS, folder

EXTRAS = {
    "ray": "ray",
    "slurm": "submitit",
    "vllm": "vllm",
    "tracking": "trackio",
    "embeddings": "sentence_transformers",
    "gpu": "bitsandbytes",
}


def examine() -> dict[str, Any]:
    """All findings as one JSON-ready object; ``healthy`` is whether lm_eval will see our tasks."""
    doors = _autoload.doors()
    return {
        "healthy": doors["tasks"] != "closed",
        "versions": provenance.versions(),
        "plug_in": doors,
        "folders": {name: str(folder(name)) for name in FOLDERS},
        "data": {name: _place(name) for name in sources.names()},
        "hub": _hub(),
        "gpu": dict(enumerate(devices.gpus())) or {"found": "none: everything runs on the CPU"},
        "extras": {extra: find_spec(module) is not None for extra, module in EXTRAS.items()},
    }


def show(report: dict[str, Any]) -> None:
    """Print the findings as a table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None, padding=(0, 2))
    for title in ("versions", "plug_in", "folders", "data", "hub", "gpu", "extras"):
        section = report[title]
        for i, (key, value) in enumerate(section.items()):
            table.add_row(f"[bold]{title.replace('_', '-')}[/bold]" if i == 0 else "", key, str(value))
    console = Console(soft_wrap=True)
    console.print(table)
    verdict = "[green]lm_eval --tasks hans_heuristics works here.[/green]"
    if report["data"]["hans"].startswith("hub") and not report["hub"]["reachable"]:
        verdict = (
            "[yellow]lm_eval sees our tasks, but HANS is neither in SYNTH_EVAL_DATA nor is the Hub reachable "
            "(a cached copy works); hans_fresh and nli_fresh need no data.[/yellow]"
        )
    closed = "[red]Plain lm_eval does not see our tasks here[/red]; use `synth-eval eval`, or see plug-in above."
    console.print(verdict if report["healthy"] else closed)


def _place(name: str) -> str:
    try:
        place = sources.locate(name)
    except InputError as error:
        return f"not found ({error.fix})"
    return f"{place.where}: {place.detail}"


def _hub() -> dict[str, Any]:
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    if os.environ.get("HF_HUB_OFFLINE", "0").lower() in ("1", "true", "yes", "on"):
        return {"endpoint": endpoint, "reachable": False, "why": "HF_HUB_OFFLINE is set"}
    if not endpoint.startswith(("http://", "https://")):
        return {"endpoint": endpoint, "reachable": False, "why": "HF_ENDPOINT is no http address"}
    try:
        urllib.request.urlopen(urllib.request.Request(endpoint, method="HEAD"), timeout=3).close()  # noqa: S310
    except urllib.error.HTTPError:
        return {"endpoint": endpoint, "reachable": True}  # it answered
    except OSError as error:
        return {"endpoint": endpoint, "reachable": False, "why": str(error)}
    return {"endpoint": endpoint, "reachable": True}
