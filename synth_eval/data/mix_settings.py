"""What recipes/nli_data.py may be told: sources and shares, filter, size, held-out sets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from synth_eval.settings import Count, DataList, DataSettings, Seed, Share, Strict, as_list


class SourceSettings(DataSettings):
    """A source of training pairs, and its share of the mix."""

    share: Share | None = None
    """Part of each label's pairs; None for all sources: the pairs of all are one pool."""
    called: str | None = None
    """What its pairs' ``source`` says; by default what they say already, else ``name``."""


Sources = Annotated[list[SourceSettings], BeforeValidator(as_list), Field(min_length=1)]


class MixSettings(Strict):
    """What recipes/nli_data.py makes a training set from."""

    sources: Sources
    filter: Literal["none", "biased", "debiased"] = "none"
    rule: Literal["paper", "words"] = "paper"
    """Which tokens overlap: see `nli.overlap`."""
    size: Count | None = None
    """Pairs in all; None: everything that is left."""
    balanced: bool = True
    """Equally many pairs of each label (the first labels get what does not divide)."""
    held_out: DataList = Field(default_factory=list)
    """Evaluation sets: what equals one of their pairs is left out, and what nearly does unless it is kept."""
    near_duplicates: Literal["drop", "keep"] = "drop"
    threshold: Share = 0.8
    """Jaccard similarity from which two pairs are near-duplicates."""
    exclude: DataList = Field(default_factory=list)
    """Pairs that must not come again, such as those of the starting point."""
    repeat: bool = False
    """Take pairs again where there are too few, instead of stopping."""
    seed: Seed = 0

    @model_validator(mode="after")
    def _shares(self) -> MixSettings:
        shares = [source.share for source in self.sources]
        if any(shares) and (None in shares or abs(sum(share or 0 for share in shares) - 1) > 1e-9):
            raise ValueError("a share for every source, 1 in all, or no share at all")
        if any(shares) and self.size is None:
            raise ValueError("a size when there are shares")
        return self
