"""The one door to lm-evaluation-harness: ``lm_eval run`` with our tasks and backends, checked files and provenance.

On top of the harness: the 13,986 built-in task files are indexed only when one of them is asked for; the response
cache is keyed by what answers (the harness's is not); result files must exist, parse and be finite (the harness warns
and exits 0); ``provenance_<time>.json`` stands beside them.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from synth_eval import _autoload, provenance
from synth_eval.errors import InputError
from synth_eval.files import parse_json, read_json
from synth_eval.paths import folder

DEFAULT_OUTPUT = "runs/eval"


@dataclass(frozen=True)
class Evaluation:
    """What one harness run left behind."""

    results: Path
    samples: dict[str, Path]
    """Task -> its per-document file."""
    provenance: Path
    status: str
    """``valid``; ``limit``: only a part of the documents was asked; ``truncated``: long prompts may be cut."""
    scores: dict[str, dict[str, float]]
    """Task or group -> metric -> value."""


def evaluate(arguments: list[str]) -> Evaluation:
    """Run the harness with the flags of ``lm_eval run`` and verify what it wrote.

    Args:
        arguments: e.g. ``["--model", "hf", "--model_args", "pretrained=gpt2", "--tasks", "hans_heuristics"]``.
            Without ``--output_path`` files go to ``runs/eval``; per-document files are always written.

    Raises:
        InputError: bad arguments, missing, broken or non-finite result files.
        SystemExit: the harness's own argument parser refused the flags.
    """
    options = parse(arguments)
    _refuse_secrets_and_odd_names(options)
    output = Path(options.output_path or DEFAULT_OUTPUT)
    options.output_path, options.log_samples = str(output), True
    if options.use_cache:
        options.use_cache = f"{options.use_cache}-{cache_key(options)}"
    before = set(output.rglob("results_*.json"))
    with _our_tasks_and_backends(options):
        options.func(options)
    written = sorted(set(output.rglob("results_*.json")) - before)
    if len(written) != 1:
        raise InputError(
            output,
            f"{len(written)} new result files",
            "one",
            "read the harness's log above: it only warns when saving fails",
        )
    return _verify(written[0], arguments, options)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The harness's own reading of the flags of ``lm_eval run``."""
    from lm_eval._cli import HarnessCLI
    from lm_eval.utils import setup_logging

    setup_logging()
    with mock.patch.object(sys, "argv", ["synth-eval eval", "run", *arguments]):
        options: argparse.Namespace = HarnessCLI().parse_args()
    if options.config:
        _fill_from_config(options)
    if options.tasks is None:
        raise InputError("--tasks", "nothing", "at least one task", "e.g. --tasks hans_heuristics")
    return options


def _fill_from_config(options: argparse.Namespace) -> None:
    """Take what the flags leave open from the harness's YAML configuration, so that one set of options is checked."""
    from lm_eval.config.evaluate_config import EvaluatorConfig

    for key, value in EvaluatorConfig.load_yaml_config(options.config).items():
        if not getattr(options, key, None):
            setattr(options, key, value)
    options.config = None


def documents(options: argparse.Namespace) -> dict[str, int]:
    """Documents a leaf task, loaded and checked as a run would, without any model (``--dry-run``)."""
    from lm_eval.config.evaluate_config import EvaluatorConfig

    with _our_tasks_and_backends(options):
        config = EvaluatorConfig.from_cli(options)
        loaded = config.process_tasks(config.metadata).load(config.tasks)
    return {name: len(task.eval_docs) for name, task in loaded["tasks"].items()}


def cache_key(options: argparse.Namespace) -> str:
    """Eight hex digits over what answers: backend, arguments, local weights, chat template, system prompt."""
    arguments = _dictionary(options.model_args)
    weights = [
        (str(path), path.stat().st_size, path.stat().st_mtime_ns)
        for key in ("pretrained", "peft", "tokenizer")
        if Path(str(arguments.get(key))).is_dir()
        for path in sorted(Path(str(arguments[key])).rglob("*"))
        if path.is_file()
    ]
    asked = vars(options)
    template = [asked.get("apply_chat_template"), asked.get("system_instruction"), asked.get("fewshot_as_multiturn")]
    facts = [asked.get("model"), arguments, weights, template]
    return provenance.sha256_text(json.dumps(facts, sort_keys=True, default=str))[:8]


@contextlib.contextmanager
def _our_tasks_and_backends(options: argparse.Namespace) -> Iterator[None]:
    """Show our tasks and backends; leave the built-in tasks unread when none of them is asked for."""
    import lm_eval.models
    import lm_eval.tasks
    import lm_eval.tasks.manager

    _autoload.show_tasks(lm_eval.tasks.manager)
    _autoload.show_backends(lm_eval.models)
    ours = lm_eval.tasks.TaskManager(include_defaults=False, include_path=str(folder("tasks"))).all_tasks
    asked = [name for item in _asked(options) for name in item.split(",")]
    if asked and set(asked) <= set(ours) and not options.include_path:
        only_ours = functools.partial(lm_eval.tasks.TaskManager, include_defaults=False)
        with mock.patch.object(lm_eval.tasks, "TaskManager", only_ours):
            yield
    else:
        yield


def _asked(options: argparse.Namespace) -> list[str]:
    tasks = options.tasks or []
    return [tasks] if isinstance(tasks, str) else list(tasks)


def _dictionary(value: str | dict[str, Any] | None) -> dict[str, Any]:
    """A flag that the harness takes as ``key=value,…`` or as a mapping."""
    from lm_eval.utils import simple_parse_args_string

    return value if isinstance(value, dict) else dict(simple_parse_args_string(value or ""))


def _refuse_secrets_and_odd_names(options: argparse.Namespace) -> None:
    arguments = _dictionary(options.model_args)
    for key, value in arguments.items():
        if provenance.without_secrets({key: value}) != {key: value}:
            raise InputError(
                f"--model_args {key}=…",
                "a credential, which the harness would write into its result files",
                "no credential on the command line",
                "set HF_TOKEN in the environment",
            )
    name = str(arguments.get("pretrained", ""))
    if name and (not name.strip("./") or "\0" in name):
        raise InputError(
            "--model_args pretrained", repr(name), "a model's name or path", "write the folder's full path"
        )


def _verify(results_file: Path, arguments: list[str], options: argparse.Namespace) -> Evaluation:
    """Check the result and sample files, write the provenance beside them."""
    results = read_json(results_file)
    scores = {task: _finite(task, values, results_file) for task, values in results["results"].items()}
    stamp = results_file.stem.removeprefix("results_")
    samples = {task: results_file.with_name(f"samples_{task}_{stamp}.jsonl") for task in results["configs"]}
    counts = results["n-samples"]
    for task, file in samples.items():
        _check_samples(file, counts[task]["effective"])
    limited = any(count["effective"] < count["original"] for count in counts.values())
    record = provenance.describe(
        "evaluation",
        command=["synth-eval", "eval", *arguments],
        status="limit" if limited else "truncated" if _dictionary(options.metadata).get("truncate") else "valid",
        model=results["config"]["model"],
        model_args=results["config"]["model_args"],
        checkpoint=_checkpoint(_dictionary(options.model_args)),
        prompt=_prompt(results),
        metadata=_dictionary(options.metadata),
        seeds={
            name: results["config"].get(name) for name in ("random_seed", "numpy_seed", "torch_seed", "fewshot_seed")
        },
        task_versions=results["versions"],
        task_hashes=results.get("task_hashes", {}),
        documents={task: counts[task]["effective"] for task in samples},
        files={file.name: provenance.sha256_file(file) for file in (results_file, *samples.values())},
        seconds=float(results["total_evaluation_time_seconds"]),
    )
    path = provenance.write(results_file.with_name(f"provenance_{stamp}.json"), record)
    return Evaluation(results_file, samples, path, record["status"], scores)


def _finite(task: str, values: dict[str, Any], where: Path) -> dict[str, float]:
    numbers = {key: value for key, value in values.items() if isinstance(value, int | float) and "," in key}
    for key, value in numbers.items():
        if not math.isfinite(value):
            raise InputError(f"{where} {task}", f"{key} = {value}", "a finite number", "check the model's weights")
    return {key.removesuffix(",none"): float(value) for key, value in numbers.items()}


def _check_samples(file: Path, expected: int) -> None:
    if not file.is_file():
        raise InputError(
            file, "no such file", f"{expected} documents", "read the harness's log above; is the disk full?"
        )
    with open(file, encoding="utf-8") as lines:
        count = sum(1 for number, line in enumerate(lines, 1) if parse_json(line, f"{file}:{number}"))
    if count != expected:
        raise InputError(file, f"{count} documents", f"{expected} documents", "run again; is the disk full?")


def _prompt(results: dict[str, Any]) -> str | None:
    """The name of the NLI prompt: asked for with ``--metadata prompt=``, else the default one."""
    from synth_eval.nli.prompts import DEFAULT

    named = {config.get("metadata", {}).get("prompt", DEFAULT) for config in results["configs"].values()}
    return str(named.pop()) if len(named) == 1 else None


def _checkpoint(arguments: dict[str, Any]) -> dict[str, Any] | None:
    """Training provenance of a local checkpoint (or adapter) and the hash of its files; None for a Hub name."""
    path = Path(str(arguments.get("peft") or arguments.get("pretrained") or ""))
    if not path.is_dir():
        return None
    near = next((place for place in (path, path.parent) if (place / provenance.FILE_NAME).is_file()), None)
    return (provenance.read(near) if near else {}) | {"model_hash": provenance.sha256_folder(path)}
