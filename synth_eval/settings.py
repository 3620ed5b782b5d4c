"""The types that every YAML file of ours is made of: strict mappings, counts, fractions, data sets."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Strict(BaseModel):
    """Unknown keys, infinities and NaN are refused; a value never changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataSettings(BaseModel):
    """One data set: a source's name or a file, and the source's own options (``size``, ``seed``, ``cue``, ...)."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)
    name: str
    rows: Count | None = None
    """Take this many rows, sampled with the recipe's seed."""

    @property
    def options(self) -> dict[str, Any]:
        """The keys that go to the source."""
        return dict(self.model_extra or {})


def as_list(value: Any) -> Any:
    """What a list of data sets may be written as: ``hans``, ``{name: hans}``, and a list of either."""
    items = value if isinstance(value, list) else [value]
    return [{"name": item} if isinstance(item, str) else item for item in items]


def as_one(value: Any) -> Any:
    """What one data set may be written as: ``hans`` or ``{name: hans}``."""
    return {"name": value} if isinstance(value, str) else value


Data = Annotated[DataSettings, BeforeValidator(as_one)]
DataList = Annotated[list[DataSettings], BeforeValidator(as_list)]
