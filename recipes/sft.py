"""Fine-tune a causal language model on NLI prompts: python recipes/sft.py --config recipes/X.yaml

Writes model/ and provenance.json into --output_dir. The same command resumes a run that was stopped.
Launch on several devices with `accelerate launch` or `torchrun --nproc_per_node=N`.
"""

from __future__ import annotations

import sys

from synth_eval import recipe
from synth_eval.training import report, run, scratch, sft
from synth_eval.training.pairs import load_pairs
from synth_eval.training.settings import SFTSettings


def main() -> int:
    """Load settings and data, build the model, train it, save it."""
    options = recipe.arguments(__doc__ or "")
    scratch.quiet()

    # What to train on what
    this = recipe.read(options.config, SFTSettings, options.set)
    settings = this.settings
    pairs = load_pairs(settings)
    folder = run.open_run(options.output_dir, this, pairs, options.overwrite)
    if folder.done and not options.dry_run:
        report.already_done(folder, report.evaluation_command(folder, "hf"))
        return 0

    # The same prompt as the tasks, the model, and the rows as token ids
    rows = sft.rows(settings, pairs)
    tokenizer, model = sft.build(settings, rows)
    encoded, truncated = sft.tokenise(settings, rows, tokenizer)
    report.announce(folder, model, [len(row["input_ids"]) for row in encoded], truncated)
    if options.dry_run:
        return 0

    # Train, then save under a temporary name and rename
    with run.hold(folder):
        trainer = sft.trainer(settings, folder, encoded, tokenizer, model)
        run.train(trainer, folder)
        run.publish(trainer, folder, sft.facts(settings, model, truncated))
    report.summary(folder, trainer, report.evaluation_command(folder, "hf"))
    return 0


if __name__ == "__main__":
    sys.exit(recipe.run_main(main))
