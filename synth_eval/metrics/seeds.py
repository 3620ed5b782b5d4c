"""Several training seeds: mean, spread between them, and what they say about a difference.

The interval of one run's score (`metrics.statistics`) is over test items; it says nothing about another seed, and the
spread between seeds says nothing about other test items. Both are kept, side by side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LEVEL = 0.95
ALIKE = 1e-12
"""Values that differ by less are the same but for rounding."""
SINGLE_SEED = 0.25
"""A single-seed difference below this is no evidence on HANS' lexical overlap, non-entailment: twice the standard
deviation, .1236, of the 100 BERT fine-tunings of McCoy, Min & Linzen 2020 (arXiv 1911.02969)."""


@dataclass(frozen=True)
class OverSeeds:
    """A number that was measured once a seed."""

    mean: float
    n: int
    """Seeds."""
    sd: float | None
    """Standard deviation between seeds, with n - 1; None for one seed."""
    low: float | None
    """Lower end of the interval of the mean (Student's t, n - 1 degrees of freedom); None for one seed, and where all
    seeds are alike, which says nothing about their spread. Not cut off at 0 or 1."""
    high: float | None
    sampling: float | None = None
    """Mean half-width of the single runs' own intervals, over test items; None where they were not given."""

    @property
    def too_few(self) -> bool:
        """It rests on one seed and is smaller than what seeds alone do on HANS: see `SINGLE_SEED`."""
        return self.n == 1 and abs(self.mean) < SINGLE_SEED


@dataclass(frozen=True)
class Welch:
    """Difference of two means of independent groups of seeds."""

    difference: float
    """First minus second."""
    low: float
    high: float
    p: float
    """Two-sided, of no difference."""
    degrees_of_freedom: float


def over_seeds(values: Sequence[float], half_widths: Sequence[float] = (), level: float = LEVEL) -> OverSeeds:
    """Mean, standard deviation and t interval of one value a seed, in any order.

    Args:
        values: at least one, finite.
        half_widths: half the width of each value's own sampling interval, where there is one.
        level: coverage.

    Raises:
        ValueError: no values, or one that is not finite.
    """
    mean, variance = _moments(values)
    n, sampling = len(values), math.fsum(half_widths) / len(half_widths) if half_widths else None
    if variance is None:
        return OverSeeds(mean, n, None, None, None, sampling)
    sd = math.sqrt(variance)
    if max(values) - min(values) < ALIKE:
        return OverSeeds(mean, n, 0.0, None, None, sampling)
    half = _quantile(level, n - 1) * sd / math.sqrt(n)
    return OverSeeds(mean, n, sd, mean - half, mean + half, sampling)


def paired_difference(
    values: Mapping[int, float], starts: Mapping[int, float], level: float = LEVEL
) -> OverSeeds | None:
    """Difference to the own starting point: each seed's value minus the start of the same seed.

    Args:
        values: seed -> value.
        starts: seed -> value of the starting point; seeds that are in one of the two only are left out.
        level: coverage.

    Returns:
        None when no seed is in both.
    """
    both = sorted(values.keys() & starts.keys())
    return over_seeds([values[seed] - starts[seed] for seed in both], level=level) if both else None


def welch(first: Sequence[float], second: Sequence[float], level: float = LEVEL) -> Welch | None:
    """Welch's t test of two groups of seeds whose variances may differ (Welch 1947).

    Returns:
        None when it cannot be told: a group of one seed, or no spread in either.

    Raises:
        ValueError: no values, or one that is not finite.
    """
    from scipy.stats import t

    (mean_1, variance_1), (mean_2, variance_2) = _moments(first), _moments(second)
    if variance_1 is None or variance_2 is None or not variance_1 + variance_2:
        return None
    part_1, part_2 = variance_1 / len(first), variance_2 / len(second)
    free = (part_1 + part_2) ** 2 / (part_1**2 / (len(first) - 1) + part_2**2 / (len(second) - 1))
    difference, error = mean_1 - mean_2, math.sqrt(part_1 + part_2)
    half = _quantile(level, free) * error
    p = float(2 * t.sf(abs(difference) / error, free))
    return Welch(difference, difference - half, difference + half, p, free)


def _moments(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean, and variance with n - 1 (None for one value)."""
    if not values or not all(map(math.isfinite, values)):
        raise ValueError(f"seeds: {list(values)}; expected at least one value, all finite")
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return mean, None
    return mean, math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _quantile(level: float, free: float) -> float:
    from scipy.stats import t

    return float(t.isf((1 - level) / 2, free))
