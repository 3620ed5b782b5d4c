"""From an experiment to its stages and cells. A stage's folder is named by a hash over all that determines its content.

    human ─ data ─┬─ start data ── start ─┐
                  └─ generator ─ generate ─ pool ─ arm data ─ augmented model ─ evaluation   (one chain a cell)

Stages that cells, seeds or experiments share are the same folder, so they run once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synth_eval.errors import InputError, nearest
from synth_eval.experiment.settings import FULL, HUMAN, NONE, Arm, Evaluation, ExperimentSettings, Source
from synth_eval.experiment.stages import EVALUATE, Cell, Digest, Kind, Stage, Stages
from synth_eval.settings import DataSettings

ORIGIN = ("from_config", "tokenizer", "base_model", "revision", "lora")  # of the base stage alone


@dataclass
class Plan:
    """Stages, parents before children, and cells."""

    settings: ExperimentSettings
    stages: dict[str, Stage] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)


def make(settings: ExperimentSettings, kinds: Mapping[str, Kind], digest: Digest) -> Plan:
    """The plan of an experiment.

    Args:
        settings: the experiment.
        kinds: ``data``, ``train``, ``generator`` and ``generate``.
        digest: identifies a data set's content.

    Raises:
        InputError: a key that the recipes do not know, an unknown data set, a source that is nothing known.
    """
    stages = Stages(kinds, digest)
    planner = _Planner(settings, stages, Plan(settings, stages.found))
    for seed in settings.seeds:
        base = planner.base(seed, {}, "base model")
        for start in settings.starting_points:
            planner.starting_point(seed, start, base)
        for name, changes in settings.baselines.items():
            other = planner.base(seed, changes, f"base model of {name}")
            for start in settings.starting_points:
                if start != 0:
                    planner.baseline(name, changes, seed, start, other)
    return planner.plan


@dataclass
class _Planner:
    settings: ExperimentSettings
    stages: Stages
    plan: Plan

    # Data ------------------------------------------------------------------------------------------------------------

    def pool(self, source: DataSettings) -> str:
        """All usable pairs of a source: the human ones, those of a generator, or of a data set."""
        settings, generator = self.settings, self.settings.generators.get(source.name)
        if generator is not None:
            made = self.generated(source.name)
            content, parents = {"name": _data(made), "called": source.name}, (made,)
        else:
            data = settings.human if source.name == HUMAN else source
            content, parents = self.stages.external(data), None
            content["called"] = source.name if source.name == HUMAN else Path(data.name).stem
        mix = {
            "sources": [content],
            "held_out": [self.stages.external(data) for data in settings.held_out],
            "near_duplicates": settings.near_duplicates,
            "balanced": False,
        }
        return self.stages.add("data", mix, parents or (), f"pairs of {source.name}")

    def _source(self, arm: str, source: Source) -> str:
        """The pool of one of an arm's sources."""
        try:
            return self.pool(DataSettings(**source.model_dump(exclude_none=True, exclude={"share"})))
        except InputError as error:
            if error.where != "data":
                raise
            fix = f"{nearest(source.name, [HUMAN, *self.settings.generators])} Data sets: `synth-eval data list`"
            expected = "human, a generator, or a data set"
            raise InputError(f"arms.{arm}.sources", f"'{source.name}'", expected, fix) from error

    def generated(self, name: str) -> str:
        """Pairs written by a generator."""
        generator = self.settings.generators[name]
        sample = self.stages.local(generator.sample, "model", "adapter")
        parents: tuple[str, ...] = ()
        if generator.train is not None:
            human = self.pool(DataSettings(name=HUMAN))
            train = self.stages.local(generator.train, "base_model") | {"data": {"name": _data(human)}}
            trained = self.stages.add(
                "generator", train, (human,), f"generator {name}", section=f"generators.{name}.train"
            )
            parents = (trained,)
            if generator.train.get("lora"):
                sample |= {"model": train["base_model"], "adapter": _model(trained)}
            else:
                sample |= {"model": _model(trained)}
        units = float(sample.get("per_label", 1)) * 3
        return self.stages.add("generate", sample, parents, f"pairs by {name}", units, f"generators.{name}.sample")

    def sample(self, pool: str, size: int | None, seed: int, what: str) -> str:
        """Some of the human pairs, unbalanced as they are."""
        mix: dict[str, Any] = {"sources": [{"name": _data(pool)}], "balanced": False, "seed": seed}
        return self.stages.add("data", mix | ({"size": size} if size else {}), (pool,), what)

    def arm_data(self, name: str, arm: Arm, size: int, seed: int, start_data: str | None) -> str:
        """The training pairs of an arm."""
        pools = [(source, self._source(name, source)) for source in arm.sources]
        mix: dict[str, Any] = {
            "sources": [{"name": _data(p)} | ({"share": s.share} if s.share else {}) for s, p in pools],
            "filter": arm.filter,
            "rule": arm.rule,
            "size": size,
            "repeat": arm.repeat,
            "seed": seed,
        }
        parents = tuple(pool for _, pool in pools)
        if arm.exclude_start and start_data is not None:
            mix["exclude"] = [{"name": _data(start_data)}]
            parents += (start_data,)
        return self.stages.add(
            "data", mix, parents, f"data of {name}, {size:,} pairs, seed {seed}", section=f"arms.{name}"
        )

    # Models ----------------------------------------------------------------------------------------------------------

    def base(self, seed: int, changes: Mapping[str, Any], what: str) -> str:
        """The model before any training, with its new head (and tokenizer, from scratch)."""
        human = self.pool(DataSettings(name=HUMAN))
        content = self.stages.local(self.settings.classifier | dict(changes), "base_model")
        rows = {"rows": 1000} if content.get("base_model") else {}  # enough to see the labels
        content |= {"data": {"name": _data(human)} | rows, "epochs": 0, "seed": seed}
        return self.stages.add("train", content, (human,), f"{what}, seed {seed}", section="classifier")

    def trained(self, model: str, data: str, seed: int, size: float, what: str, **changes: Any) -> str:
        """``model`` trained on ``data``."""
        section = changes.pop("section", "classifier")
        parents = (model, data, *changes.pop("parents", ()))
        content = self.stages.local(self.settings.classifier, "base_model")
        origin = {key: content.pop(key) for key in ORIGIN if key in content}
        if origin.get("lora"):
            content |= {"base_model": origin["base_model"], "adapter": _model(model)}
            content |= {"revision": origin["revision"]} if "revision" in origin else {}
        else:
            content |= {"base_model": _model(model)}
        content |= {key: value for key, value in changes.items() if key not in ORIGIN}
        content |= {"data": {"name": _data(data)}, "seed": seed}
        units = size * float(content.get("epochs", 1))
        return self.stages.add("train", content, parents, what, units, section)

    def starting_point(self, seed: int, start: int | str, base: str) -> None:
        """A starting model, its own cell, and the cells of every arm on it."""
        settings, number = self.settings, None if start == FULL else int(start)
        model, data = self._start(seed, start, base, settings.start, "start")
        self.cell(NONE, number, 0, seed, {"start": model} | ({"data": data} if data else {}), model)
        for name, arm in settings.arms.items():
            for size in settings.sizes:
                rows = self.arm_data(name, arm, size, seed, data)
                what = f"{name}, start {_said(start)}, {size:,} pairs, seed {seed}"
                more = self._weighting(name, arm, seed, base, rows, size)
                changes = {**settings.augment, **arm.classifier, **more}
                trained = self.trained(model, rows, seed, size, what, section=f"arms.{name}.classifier", **changes)
                self.cell(name, number, size, seed, {"start": model, "data": rows, "train": trained}, trained)

    def baseline(self, name: str, changes: Mapping[str, Any], seed: int, start: int | str, base: str) -> None:
        """A starting point of another kind."""
        model, data = self._start(seed, start, base, {**self.settings.start, **changes}, name)
        stages = {"start": model} | ({"data": data} if data else {})
        self.cell(name, None if start == FULL else int(start), 0, seed, stages, model)

    def _start(
        self, seed: int, start: int | str, base: str, changes: Mapping[str, Any], name: str
    ) -> tuple[str, str | None]:
        if start == 0:
            return base, None
        human = self.pool(DataSettings(name=HUMAN))
        size = None if start == FULL else int(start)
        data = self.sample(human, size, seed, f"human pairs, {_said(start)}, seed {seed}")
        what = f"{name} {_said(start)}, seed {seed}"
        return self.trained(base, data, seed, size or 1, what, section="start", **changes), data

    def _weighting(self, name: str, arm: Arm, seed: int, base: str, rows: str, size: int) -> dict[str, Any]:
        """The checkers of a weighted loss, trained from the base model."""
        if arm.weighting is None:
            return {}
        human = self.pool(DataSettings(name=HUMAN))
        real = arm.weighting.real
        few = self.sample(human, real, seed, f"human pairs, {real:,}, seed {seed}")
        quality = self.trained(base, few, seed, real, f"quality checker, {real:,} pairs, seed {seed}")
        weighting, parents = {"loss": arm.weighting.loss, "quality_checker": _model(quality)}, [quality]
        if arm.weighting.loss == "imp":
            what = f"diversity checker of {name}, {size:,} pairs, seed {seed}"
            parents.append(self.trained(base, rows, seed, size, what))
            weighting["diversity_checker"] = _model(parents[-1])
        return {"weighting": weighting, "parents": tuple(parents)}

    # Cells -----------------------------------------------------------------------------------------------------------

    def cell(self, arm: str, start: int | None, size: int, seed: int, stages: dict[str, str], model: str) -> None:
        """A cell and its evaluations."""
        asked = [one for one in self.settings.evaluations if one.sizes is None or size in one.sizes]
        evaluations = tuple(self.evaluation(one, model) for one in asked)
        self.plan.cells.append(Cell(arm, start, size, seed, stages, evaluations))

    def evaluation(self, asked: Evaluation, model: str) -> str:
        """One call of the harness for one model."""
        classifier = self.stages.local(self.settings.classifier, "base_model")
        named = {"pretrained": _model(model)}
        if classifier.get("lora"):
            named = {"pretrained": classifier["base_model"], "peft": _model(model)}
        named |= {key: classifier[key] for key in ("revision", "quantization") if classifier.get(key)}
        content = {
            "model_args": {**named, **asked.model_args},
            "tasks": asked.tasks,
            "limit": asked.limit,
            "batch_size": asked.batch_size,
            "metadata": asked.metadata,
            "data": [self.stages.by_digest(self.stages.external(data)) for data in self.settings.held_out],
        }
        return self.stages.add(
            EVALUATE, content, (model,), f"{', '.join(asked.tasks)}: {self.stages.found[model].what}"
        )


def _data(stage: str) -> str:
    return f"{stage}/data.jsonl"


def _model(stage: str) -> str:
    return f"{stage}/model"


def _said(start: int | str) -> str:
    return start if isinstance(start, str) else f"{start:,}"
