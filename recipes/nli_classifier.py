"""Train a classification head on NLI pairs: python recipes/nli_classifier.py --config recipes/X.yaml

Writes model/ and provenance.json into --output_dir. The same command resumes a run that was stopped.
Launch on several devices with `accelerate launch` or `torchrun --nproc_per_node=N`.
"""

from __future__ import annotations

import sys

from synth_eval import recipe
from synth_eval.training import classifier, report, run, scratch
from synth_eval.training.pairs import load_pairs
from synth_eval.training.settings import ClassifierSettings


def main() -> int:
    """Load settings and data, build the model, train it, save it."""
    options = recipe.arguments(__doc__ or "")
    scratch.quiet()

    # What to train on what
    this = recipe.read(options.config, ClassifierSettings, options.set)
    settings = this.settings
    pairs = load_pairs(settings)
    folder = run.open_run(options.output_dir, this, pairs, options.overwrite)
    if folder.done and not options.dry_run:
        report.already_done(folder, report.evaluation_command(folder, "synth-classifier"))
        return 0

    # The model, and the pairs as token ids
    tokenizer, model = classifier.build(settings, pairs)
    rows, truncated = classifier.tokenise(settings, pairs, tokenizer)
    report.announce(folder, model, [len(row["input_ids"]) for row in rows], truncated)
    if options.dry_run:
        return 0

    # Train, then save under a temporary name and rename
    with run.hold(folder):
        trainer = classifier.trainer(settings, folder, rows, tokenizer, model)
        run.train(trainer, folder)
        run.publish(trainer, folder, classifier.facts(settings, folder, model, truncated, trainer))
    report.summary(folder, trainer, report.evaluation_command(folder, "synth-classifier"))
    return 0


if __name__ == "__main__":
    sys.exit(recipe.run_main(main))
