"""The data stages of a plan: pools of usable pairs, what generators write, samples, and the pairs of an arm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth_eval.errors import InputError, nearest
from synth_eval.experiment.settings import HUMAN, Arm, ExperimentSettings, Source
from synth_eval.experiment.stages import Stages, data_of, model_of
from synth_eval.nli.labels import LABELS
from synth_eval.settings import DataSettings


@dataclass
class DataStages:
    """Adds the data stages that an experiment needs."""

    settings: ExperimentSettings
    stages: Stages
    human_pairs: int

    def human(self) -> str:
        """All usable human pairs."""
        return self.pool(DataSettings(name=HUMAN))

    def pool(self, source: DataSettings) -> str:
        """All usable pairs of a source: the human ones, those of a generator, or of a data set."""
        settings, generator = self.settings, self.settings.generators.get(source.name)
        if generator is not None:
            made = self.generated(source.name)
            content, parents = {"name": data_of(made), "called": source.name}, (made,)
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
            fix = f"{nearest(source.name, [HUMAN, *self.settings.generators])} (data sets: {error.fix})"
            expected = "human, a generator, or a data set"
            raise InputError(f"arms.{arm}.sources", f"'{source.name}'", expected, fix) from error

    def generated(self, name: str) -> str:
        """Pairs written by a generator."""
        generator = self.settings.generators[name]
        sample = self.stages.local(generator.sample, "model", "adapter")
        parents: tuple[str, ...] = ()
        if generator.train is not None:
            human = self.human()
            train = self.stages.local(generator.train, "base_model") | {"data": {"name": data_of(human)}}
            work, section = self.human_pairs * float(train.get("epochs", 1)), f"generators.{name}.train"
            trained = self.stages.add("generator", train, (human,), f"generator {name}", work, section)
            parents = (trained,)
            sample = {key: value for key, value in sample.items() if key not in ("adapter", "revision")}
            sample |= {"model": model_of(trained)}
            if generator.train.get("lora"):
                sample |= {"model": train["base_model"], "adapter": model_of(trained)}
                sample |= {"revision": train["revision"]} if train.get("revision") else {}
        units = float(sample.get("per_label", 1)) * len(sample.get("labels", LABELS))
        return self.stages.add("generate", sample, parents, f"pairs by {name}", units, f"generators.{name}.sample")

    def sample(self, pool: str, size: int | None, seed: int, what: str) -> str:
        """Some of the human pairs, unbalanced as they are."""
        mix: dict[str, Any] = {"sources": [{"name": data_of(pool)}], "balanced": False, "seed": seed}
        return self.stages.add("data", mix | ({"size": size} if size else {}), (pool,), what)

    def of_arm(self, name: str, arm: Arm, size: int, seed: int, start_data: str | None) -> str:
        """The training pairs of an arm."""
        pools = [(source, self._source(name, source)) for source in arm.sources]
        mix: dict[str, Any] = {
            "sources": [{"name": data_of(p)} | ({"share": s.share} if s.share else {}) for s, p in pools],
            "filter": arm.filter,
            "rule": arm.rule,
            "size": size,
            "repeat": arm.repeat,
            "seed": seed,
        }
        parents = tuple(pool for _, pool in pools)
        if arm.exclude_start and start_data is not None:
            mix["exclude"] = [{"name": data_of(start_data)}]
            parents += (start_data,)
        return self.stages.add(
            "data", mix, parents, f"data of {name}, {size:,} pairs, seed {seed}", section=f"arms.{name}"
        )
