"""Generate NLI pairs with a language model: python recipes/generate_nli.py --config recipes/X.yaml

Writes samples.jsonl, data.jsonl and provenance.json into --output_dir. The same command goes on with a run that was
stopped, at whatever moment: nothing is drawn twice. --set per_label=100 changes one setting, --dry-run only looks.
"""

from __future__ import annotations

import sys

from synth_eval import recipe
from synth_eval.generation import engines, nli, report, run
from synth_eval.generation.settings import NliGenerationSettings


def main() -> int:
    """Read the settings, open store and engine, draw and parse, save."""
    options = recipe.arguments(__doc__ or "")

    # Which model writes how many pairs
    this = recipe.read(options.config, NliGenerationSettings, options.set)
    folder = run.open_run(options.output_dir, this, options.overwrite)
    if folder.done and not options.dry_run:
        report.already_done(folder)
        return 0
    report.announce(folder)
    if options.dry_run:
        return 0

    # Draw and parse until each label has its pairs; every sample is kept as it comes
    with run.hold(folder) as samples:
        with engines.opened(this.settings) as engine:
            tallies = nli.draw(folder, samples, engine)

        # Save the pairs, then what made them
        counts = {tally.label: tally.counts for tally in tallies}
        pairs = [pair for tally in tallies for pair in tally.pairs]
        run.finish(folder, samples, pairs, {"counts": counts})
    report.summary(folder, tallies)
    return 0


if __name__ == "__main__":
    sys.exit(recipe.run_main(main))
