"""What a recipe file may say. One YAML file is one run; anything it does not know is an error, never ignored."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from synth_eval.nli import prompts
from synth_eval.settings import Count, DataList, Fraction, Seed, Strict


class TokenizerSettings(Strict):
    """A tokenizer trained on the training text."""

    kind: Literal["word", "bpe"] = "bpe"
    """``word``: lower-cased words and punctuation, unknown words become one token. ``bpe``: byte-level BPE."""
    vocab_size: Annotated[int, Field(ge=16, le=1_000_000)] = 4000


class LoraSettings(Strict):
    """Low-rank adapters instead of full fine-tuning (Hu et al. 2021)."""

    r: Count = 16
    alpha: Annotated[float, Field(gt=0)] = 32
    dropout: Fraction = 0.05
    target_modules: list[str] | Literal["all-linear"] = "all-linear"


class TrainingSettings(Strict):
    """What both recipes share."""

    data: Annotated[DataList, Field(min_length=1)]
    evaluation_data: DataList = Field(default_factory=list)
    """Pairs that must not be trained on; the run stops when one is."""
    drop_overlap: bool = False
    """Drop training pairs that are in ``evaluation_data`` instead of stopping; the number is recorded."""
    base_model: str | None = None
    """Model id on the Hub, or a folder."""
    revision: str | None = None
    from_config: dict[str, Any] | None = None
    """Instead of ``base_model``: build this architecture, for example ``{model_type: bert, hidden_size: 128}``."""
    tokenizer: TokenizerSettings = TokenizerSettings()
    """Used with ``from_config``."""
    lora: LoraSettings | None = None
    prompt: str = "paper"
    epochs: Annotated[float, Field(gt=0, le=1000)] = 1.0
    batch_size: Count = 32
    """Rows a step on each device, before accumulation."""
    gradient_accumulation_steps: Count = 1
    learning_rate: Annotated[float, Field(gt=0)] = 5e-5
    scheduler: Literal["linear", "cosine", "constant", "constant_with_warmup"] = "linear"
    warmup: Fraction = 0.06
    """Part of all steps in which the learning rate rises."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    max_length: Annotated[int, Field(ge=8)] = 128
    """Tokens a row, special tokens included."""
    truncate: bool = False
    """Cut rows longer than ``max_length`` instead of stopping; the number is recorded."""
    gradient_checkpointing: bool = False
    save_every: Count = 500
    """Steps between checkpoints, from which the same command resumes."""
    log_every: Count = 20
    seed: Seed = 0
    report_to: Literal["none", "trackio", "wandb"] = "none"

    @field_validator("prompt")
    @classmethod
    def _known(cls, name: str) -> str:
        return prompts.get(name).name

    @model_validator(mode="after")
    def _one_origin(self) -> TrainingSettings:
        if (self.base_model is None) == (self.from_config is None):
            raise ValueError("exactly one of base_model and from_config")
        if self.from_config is not None and (self.lora is not None or self.revision is not None):
            raise ValueError("base_model when lora or revision is given: a random base model is not kept")
        return self

    def steps(self, rows: int, processes: int = 1) -> int:
        """Optimizer steps for so many rows."""
        batch = self.batch_size * self.gradient_accumulation_steps * processes
        return math.ceil(round(rows * self.epochs) / batch)


class ClassifierSettings(TrainingSettings):
    """A classification head on an encoder or decoder."""

    input_format: Literal["pair", "prompt"] = "pair"
    """``pair``: tokenizer(premise, hypothesis), for encoders. ``prompt``: the text of ``prompt``, for decoders."""

    @property
    def synth_eval_input(self) -> str:
        """What the checkpoint's config says about its input: ``pair`` or ``prompt:NAME``."""
        return "pair" if self.input_format == "pair" else f"prompt:{self.prompt}"


class SFTSettings(TrainingSettings):
    """Supervised fine-tuning of a causal language model on prompt -> answer word."""
