"""Which items of an NLI set are easy, ambiguous or hard: python recipes/nli_hardness.py --config recipes/X.yaml

Trains two models on the set itself, one on premise and hypothesis, one on the hypothesis alone, and clusters what
their logits do over the epochs (arXiv 2410.03429). Writes hardness.jsonl and provenance.json into --output_dir.
The same command resumes a run that was stopped. Next: synth-eval breakdown RUNS --by OUTPUT_DIR/hardness.jsonl
"""

from __future__ import annotations

import sys

from rich import box
from rich.console import Console
from rich.table import Table

from synth_eval import recipe
from synth_eval.metrics import hardness
from synth_eval.training import dynamics, run, scratch


def main() -> int:
    """Load settings and data, train both models, cluster, write."""
    options = recipe.arguments(__doc__ or "")
    scratch.quiet()

    # What to characterise
    this = recipe.read(options.config, dynamics.HardnessSettings, options.set)
    records, pairs = dynamics.load_items(this.settings)
    folder = run.open_run(options.output_dir, this, pairs, options.overwrite)
    file = folder.folder / dynamics.FILE_NAME
    if dynamics.whole(folder, [file]) and not options.dry_run:
        print(f"already done: {file} is what this recipe and data make")
        return 0
    if options.dry_run:
        for one in dynamics.INPUTS:
            dynamics.prepare(folder, one, options.overwrite)
        return 0

    # Train, record, cluster
    with run.hold(folder):
        logits = {one: dynamics.record(folder, one, options.overwrite) for one in dynamics.INPUTS}
        found = dynamics.characterise(pairs, logits, this.settings.seed)
        dynamics.publish(folder, records, found)
    show(found)
    print(f"written: {file}\nnext: synth-eval breakdown RUN... --by {file}")
    return 0


def show(found: hardness.Found) -> None:
    """Print counts and means by class, and how the hard items differ on the surface."""
    console = Console(soft_wrap=True, highlight=False)
    members = {name: [label == name for label in found.clusters.labels] for name in hardness.CLASSES}
    means = Table("mean", *members, title="Items by class", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    means.add_row("items", *(f"{sum(chosen):,}" for chosen in members.values()))
    columns = {f"{model}: {name}": values for model, part in found.features.items() for name, values in part.items()}
    for name, values in (columns | found.cues).items():
        means.add_row(name, *(f"{values[chosen].mean():.3f}" for chosen in members.values()))
    console.print(means)
    for name, one in found.differences.items():
        console.print(
            f"{name}: hard {one.mean_hard:.3f}, rest {one.mean_rest:.3f}; a hard item has more with probability "
            f"{one.hard_larger:.2f} (Mann-Whitney, Bonferroni: p = {one.p_value:.2g})"
        )
    if not found.clusters.converged:
        console.print("The mixture did not come to rest: read the classes with care.", style="yellow")


if __name__ == "__main__":
    sys.exit(recipe.run_main(main))
