"""What an experiment's YAML may say: human data, generators, arms, starting points, sizes, seeds, evaluations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from synth_eval import recipe
from synth_eval.experiment.launch_ray import RaySettings
from synth_eval.experiment.launch_slurm import SlurmSettings
from synth_eval.settings import Count, Data, DataList, DataSettings, Seed, Share, Strict, as_list

HUMAN = "human"
FULL = "full"
ORIGIN = ("from_config", "tokenizer", "base_model", "revision", "lora", "quantization")
"""Keys of a classifier that one experiment has once."""
NONE = "none"  # the arm of a starting point as it is
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
StartingPoint = Annotated[int, Field(ge=0)] | Literal["full"]
Keys = dict[str, Any]
"""Of a recipe, checked against its settings when the plan is made. ``recipe: FILE`` takes over what that file says."""
_OF_ONE_RUN = ("data", "evaluation_data", "drop_overlap")  # what the plan decides


class Source(DataSettings):
    """What an arm is made of: ``human``, a generator's name, or a data set (a name or a file)."""

    share: Share | None = None


class Generator(Strict):
    """A model that writes pairs: trained here, or used as it is."""

    train: Keys | None = None
    """Keys of recipes/nli_generator.py; the data are the human pairs. None: ``sample.model`` as it is."""
    sample: Keys
    """Keys of recipes/generate_nli.py."""


class Weighting(Strict):
    """A weighted loss in step 2 (arXiv 2410.21526) and how many human pairs its quality checker is trained on."""

    loss: Literal["imp", "dimp"]
    real: Count = 400
    smoothing: Annotated[float, Field(ge=0)] | None = None
    clip: Annotated[float, Field(gt=0)] | None = None
    """As in recipes/nli_classifier.py."""


class Arm(Strict):
    """What step 2 trains on, and how."""

    sources: Annotated[list[Source], BeforeValidator(as_list), Field(min_length=1)]
    filter: Literal["none", "biased", "debiased"] = "none"
    rule: Literal["paper", "words"] = "paper"
    exclude_start: bool = False
    """Leave out the pairs that the starting point was trained on; in the paper they may come again."""
    repeat: bool = False
    """Take pairs again where a size is larger than the data."""
    weighting: Weighting | None = None
    classifier: Keys = Field(default_factory=dict)
    """Changes to step 2 for this arm alone."""


class Evaluation(Strict):
    """One call of the harness for every cell."""

    tasks: Annotated[list[str], Field(min_length=1)]
    limit: Count | None = None
    """Documents a task, the first ones: balanced over HANS' subcases, and the same for every cell."""
    sizes: list[Annotated[int, Field(ge=0)]] | None = None
    """For cells of these augmentation sizes alone."""
    batch_size: Count = 64
    metadata: dict[str, Any] = Field(default_factory=dict)
    model_args: dict[str, Any] = Field(default_factory=dict)


class Launcher(Strict):
    """Where stages run."""

    kind: Literal["local", "ray", "slurm"] = "local"
    workers: Count = 1
    """Stages at a time (local)."""
    cpus: Annotated[float, Field(gt=0)] = 1
    """Cores of a stage; also its threads."""
    gpus: Annotated[float, Field(ge=0)] = 0
    """GPUs of a training, generation or evaluation."""
    retries: Annotated[int, Field(ge=0, le=20)] = 2
    """Times that a stage is started again after a signal killed it."""
    ray: RaySettings = RaySettings()
    slurm: SlurmSettings = SlurmSettings()


class ExperimentSettings(Strict):
    """One experiment."""

    name: Name
    note: str = ""
    """What a reader of the board must know: model, subset, hardware."""
    human: Data
    held_out: DataList = Field(default_factory=list)
    """Evaluation sets: no source may hold their pairs or near-duplicates of them."""
    near_duplicates: Literal["drop", "keep"] = "drop"
    seeds: Annotated[list[Seed], Field(min_length=1)] = [0]  # noqa: RUF012
    starting_points: Annotated[list[StartingPoint], Field(min_length=1)]
    """Human pairs in step 1; 0: the base model with an untrained head."""
    sizes: Annotated[list[Count], Field(min_length=1)]
    """Pairs in step 2, balanced over the labels."""
    classifier: Keys
    """Keys of recipes/nli_classifier.py, for both steps."""
    start: Keys = Field(default_factory=dict)
    """Changes to step 1."""
    augment: Keys = Field(default_factory=dict)
    """Changes to step 2."""
    generators: dict[Name, Generator] = Field(default_factory=dict)
    arms: Annotated[dict[Name, Arm], Field(min_length=1)]
    baselines: dict[Name, Keys] = Field(default_factory=dict)
    """Starting points of another kind, by their changes: ``hypothesis_only: {input_format: hypothesis}``."""
    evaluations: Annotated[list[Evaluation], Field(min_length=1)]
    pace: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """Kind of stage (train, generator, generate) -> pairs a second, to estimate hours before one has finished."""
    launcher: Launcher = Launcher()

    @field_validator("seeds", "starting_points", "sizes")
    @classmethod
    def _each_once(cls, values: list[Any]) -> list[Any]:
        if len(set(values)) != len(values):
            raise ValueError("each value once")
        return values

    @model_validator(mode="after")
    def _names(self) -> ExperimentSettings:
        if NONE in self.baselines:
            raise ValueError(f"another name than '{NONE}' for a baseline")
        taken = {NONE, *self.baselines} & set(self.arms)
        if taken:
            raise ValueError(f"another name than '{min(taken)}' for an arm")
        if {HUMAN} & set(self.generators):
            raise ValueError(f"another name than '{HUMAN}' for a generator")
        return self

    @model_validator(mode="after")
    def _one_origin(self) -> ExperimentSettings:
        changes = {"start": self.start, "augment": self.augment}
        changes |= {f"arms.{name}.classifier": arm.classifier for name, arm in self.arms.items()}
        changes |= {f"baselines.{name}": keys for name, keys in self.baselines.items()}
        for section, keys in {"classifier": self.classifier, **changes}.items():
            if found := sorted({"data", "seed"} & set(keys)):
                raise ValueError(f"no {found[0]} under {section}: the experiment decides it")
        for section, keys in changes.items():
            if found := sorted({*ORIGIN} & set(keys)):
                raise ValueError(
                    f"{found[0]} under classifier, not under {section}: another model is another experiment"
                )
        sizes = {size for one in self.evaluations for size in one.sizes or []}
        if unknown := sorted(sizes - {0, *self.sizes}):
            raise ValueError(f"sizes of evaluations among 0 and {self.sizes}, not {unknown[0]}")
        return self


def with_recipes(settings: ExperimentSettings, folder: Path) -> ExperimentSettings:
    """The settings with every ``recipe: FILE`` replaced by what that file, in ``folder``, says; other keys count more.

    Raises:
        InputError: a file that is missing or no mapping.
    """
    generators = {
        name: Generator(
            train=None if generator.train is None else _filled(generator.train, folder),
            sample=_filled(generator.sample, folder),
        )
        for name, generator in settings.generators.items()
    }
    changes = {"classifier": _filled(settings.classifier, folder), "generators": generators}
    return settings.model_copy(update=changes)


def _filled(keys: Keys, folder: Path) -> Keys:
    if "recipe" not in keys:
        return keys
    said = recipe.content(folder / str(keys["recipe"]))
    own = {key: value for key, value in keys.items() if key != "recipe"}
    return {key: value for key, value in said.items() if key not in _OF_ONE_RUN} | own
