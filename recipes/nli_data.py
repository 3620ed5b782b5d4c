"""Make an NLI training set from sources: python recipes/nli_data.py --config recipes/X.yaml

Takes out what is in the evaluation sets, filters by lexical overlap, balances, mixes. Writes data.jsonl and
provenance.json, with every count, into --output_dir.
"""

from __future__ import annotations

import sys
from pathlib import Path

from synth_eval import provenance, recipe
from synth_eval.data import mixes
from synth_eval.data.mix_settings import MixSettings
from synth_eval.files import write_jsonl

DATA = "data.jsonl"


def main() -> int:
    """Read the settings and sources, make the set, write it."""
    options = recipe.arguments(__doc__ or "")
    this = recipe.read(options.config, MixSettings, options.set)
    folder = Path(options.output_dir or f"runs/{this.path.stem}-{this.hash[:12]}")
    there = provenance.near(folder)  # written last
    if there and not (options.overwrite or options.dry_run):
        mixes.require_same(there, this.settings, folder / DATA)
        print(f"already there: {folder / DATA}; --overwrite makes it again")
        return 0

    made = mixes.mix(this.settings)
    print(mixes.summary(made))
    if options.dry_run:
        return 0

    data = write_jsonl(folder / DATA, made.records)
    settings = this.settings.model_dump(mode="json")
    record = provenance.describe(
        "data", settings=settings, recipe_hash=this.hash, counts=made.counts, sha256=provenance.sha256_file(data)
    )
    provenance.write(folder, record)
    print(f"{len(made.records):,} pairs: {data}")
    return 0


if __name__ == "__main__":
    sys.exit(recipe.run_main(main))
