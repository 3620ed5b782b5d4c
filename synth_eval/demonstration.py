"""``synth-eval demo``: the whole loop in small, with no network: train, evaluate with the harness, board, figure.

Three small models are trained from scratch on pairs of the built-in grammar: a language model and a classifier on data
in which lexical overlap gives entailment away, as in synthetic NLI data, and the same classifier with that cue off.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from synth_eval import __version__, leaderboard, provenance, terminal
from synth_eval.data import sources
from synth_eval.errors import InputError
from synth_eval.leaderboard.plots import heuristic_by_label
from synth_eval.leaderboard.rows import Row
from synth_eval.nli.hans import HEURISTICS
from synth_eval.nli.labels import ENTAILMENT, NON_ENTAILMENT
from synth_eval.paths import folder

CUE, NO_CUE, LANGUAGE_MODEL = "classifier", "classifier-no-cue", "language-model"
MODELS = {  # name -> recipe script, its YAML, harness backend
    CUE: ("nli_classifier.py", "nli_classifier_fresh.yaml", "synth-classifier"),
    NO_CUE: ("nli_classifier.py", "nli_classifier_fresh_no_cue.yaml", "synth-classifier"),
    LANGUAGE_MODEL: ("sft.py", "sft_nli_fresh.yaml", "hf"),
}
FRESH = "nli_fresh,hans_fresh"
REAL = {"hans": "hans_heuristics", "multinli": "multinli"}
QUICK_TRAINING = ["--set", "data.size=600", "--set", "epochs=1"]
QUICK_SIZES, QUICK_LIMIT = "size=90,per_subcase=2", 5
REAL_LIMIT = 200  # documents a leaf: HANS stays balanced over subcases; such rows say "limit"


def run(output_dir: Path, quick: bool = False) -> dict[str, Any]:
    """Do everything, in ``output_dir``; what is done already is kept.

    Args:
        output_dir: where models, runs, boards and the figure go.
        quick: little data and few documents, to try the installation; in its own folder ``quick``.

    Returns:
        Scores by model and board, and the files.

    Raises:
        InputError: a recipe or an evaluation failed; what was finished stays.
    """
    console, start = Console(soft_wrap=True, highlight=False), time.monotonic()
    output_dir = output_dir / "quick" if quick else output_dir
    os.environ.setdefault("LMEVAL_LOG_LEVEL", "WARNING")
    real = [name for name in REAL if _at_hand(name)]
    rows = _boards(_runs(console, output_dir, real, quick), real, output_dir / "leaderboards")
    figure = heuristic_by_label(
        [row["hans_fresh"].model_copy(update={"name": name}) for name, row in rows.items()],
        output_dir / "hans_fresh",
        title="hans_fresh: three small models trained on nli_fresh",
    )
    terminal.comparison(rows)
    if quick:
        console.print("Everything works. This was the quick run: the numbers mean nothing.")
    else:
        _say_what_was_found(console, rows)
    _say_what_is_next(console, real, output_dir, time.monotonic() - start)
    return {
        "seconds": round(time.monotonic() - start, 1),
        "scores": {name: {board: row.model_dump()["scores"] for board, row in b.items()} for name, b in rows.items()},
        "figure": [str(path) for path in figure],
        "boards": str(output_dir / "leaderboards"),
    }


def _runs(console: Console, output_dir: Path, real: list[str], quick: bool) -> dict[str, list[Path]]:
    """Model -> its evaluations: on the generated sets, and on real ones where they are at hand."""
    runs: dict[str, list[Path]] = {}
    for number, (name, (script, recipe, backend)) in enumerate(MODELS.items(), 1):
        console.rule(f"{number} of {len(MODELS)}: {name}")
        model = _train(script, recipe, output_dir / name, quick)
        runs[name] = [_evaluate(model, backend, FRESH, None, quick)]
        if real:
            tasks = ",".join(REAL[part] for part in real)
            runs[name].append(_evaluate(model, backend, tasks, QUICK_LIMIT if quick else REAL_LIMIT, quick))
    console.rule("boards")
    return runs


def _boards(runs: dict[str, list[Path]], real: list[str], folder: Path) -> dict[str, dict[str, Row]]:
    """Build the boards; model -> board -> row."""
    rows: dict[str, dict[str, Row]] = {name: {} for name in runs}
    for board, position in {"nli_fresh": 0, "hans_fresh": 0, **dict.fromkeys(real, 1)}.items():
        report = leaderboard.board_build([paths[position] for paths in runs.values()], board, folder)
        if report.refused:
            raise InputError(*report.refused[0], "a verified run", "remove the folder and run the demo again")
        terminal.build_summary(report)
        built = {row.provenance: row for row in (*report.added, *report.skipped)}
        for name, paths in runs.items():
            rows[name][board] = next(built[hash_] for hash_ in _provenance_hashes(paths[position]) if hash_ in built)
    return rows


def _at_hand(name: str) -> bool:
    """Whether real data is on this machine: the demo downloads nothing."""
    tasks = ("multinli_matched", "multinli_mismatched") if name == "multinli" else (name,)
    return all(sources.locate(task).where == "SYNTH_EVAL_DATA" for task in tasks)


def _train(script: str, recipe: str, output_dir: Path, quick: bool) -> Path:
    recipes = folder("recipes")
    command = [sys.executable, recipes / script, "--config", recipes / recipe, "--output_dir", output_dir]
    command += QUICK_TRAINING if quick else []
    one_thread = {"OMP_NUM_THREADS": "1", **os.environ}  # models this small are slower with more
    done = subprocess.run([str(part) for part in command], check=False, env=one_thread, stdout=sys.stdout)  # noqa: S603
    if done.returncode:
        raise InputError(
            f"recipes/{recipe}", f"exit status {done.returncode}", "a trained model", "read the recipe's messages above"
        )
    return output_dir / "model"


def _evaluate(model: Path, backend: str, tasks: str, limit: int | None, quick: bool) -> Path:
    """Run the harness unless this very checkpoint was asked already; returns the folder of the results."""
    from synth_eval.experiment.evaluate import evaluate

    asked = provenance.sha256_text(f"{__version__} {provenance.sha256_folder(model)} {tasks} {limit} {quick}")[:12]
    output = model.parent / f"eval-{asked}"
    if not list(output.rglob("provenance_*.json")):
        arguments = ["--model", backend, "--model_args", f"pretrained={model}", "--tasks", tasks, "--batch_size", "64"]
        arguments += ["--output_path", str(output)] + (["--limit", str(limit)] if limit else [])
        arguments += ["--metadata", QUICK_SIZES] if quick else []
        with open(model.parent / "harness.log", "a", encoding="utf-8") as log:
            stdout, sys.stdout = sys.stdout, log  # the harness's long tables
            try:
                evaluate(arguments)
            finally:
                sys.stdout = stdout
    return output


def _provenance_hashes(run_path: Path) -> list[str]:
    return [provenance.sha256_file(file) for file in run_path.rglob("provenance_*.json")]


def _say_what_was_found(console: Console, rows: dict[str, dict[str, Row]]) -> None:
    cue, no_cue = rows[CUE]["hans_fresh"].scores, rows[NO_CUE]["hans_fresh"].scores
    low = [name for name in HEURISTICS if cue[f"{name}/{NON_ENTAILMENT}"].value < 0.3] or list(HEURISTICS)
    misled = max(low, key=lambda name: no_cue[name].value - cue[name].value)
    entailed, other = f"{misled}/{ENTAILMENT}", f"{misled}/{NON_ENTAILMENT}"
    general, language = rows[CUE]["nli_fresh"].scores["acc"], rows[LANGUAGE_MODEL]["nli_fresh"].scores["acc"]
    shown = cue[other].value < 0.3 < no_cue[other].value - cue[other].value and no_cue[misled].value > cue[misled].value
    verdict = "That gap comes from the data." if shown else "The gap did not appear in this run."
    console.print(
        f"\nThe classifier is right on {general.value:.0%} of new pairs of its own kind. On hans_fresh, "
        f"{misled.replace('_', ' ')}, it is right on {cue[entailed].value:.0%} of the entailed pairs and on "
        f"{cue[other].value:.0%} of those that are not entailed.\nTrained the same way on data in which overlap gives "
        f"nothing away: {no_cue[entailed].value:.0%} and {no_cue[other].value:.0%}. {verdict}"
        f"\nThe language model, asked with the paper's prompt, is right on {language.value:.0%} "
        f"[{language.low:.0%}, {language.high:.0%}] of nli_fresh; chance is 33%."
        f"\nOne seed each: the intervals are sampling error only."
    )


def _say_what_is_next(console: Console, real: list[str], output_dir: Path, seconds: float) -> None:
    if not real:
        console.print("No real data at hand: set SYNTH_EVAL_DATA to a folder with HANS and MultiNLI to add them.")
    console.print(
        f"\nDone in {seconds / 60:.1f} minutes. Look at {output_dir}/hans_fresh.png and {output_dir}/leaderboards/*.md"
        "\nNext:"
        f"\n  lm_eval --tasks hans_fresh --model synth-classifier --model_args pretrained={output_dir}/{CUE}/model "
        "--metadata seed=7"
        "\n  synth-eval eval --tasks hans_heuristics --model hf --model_args pretrained=YOUR_MODEL --batch_size 64"
        "\n  synth-eval path recipes   # train your own",
        soft_wrap=True,
    )
