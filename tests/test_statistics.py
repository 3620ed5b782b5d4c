"""Intervals: against statsmodels, against published standard errors, and by simulated coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from synth_eval.errors import InputError
from synth_eval.metrics.statistics import cluster_bootstrap, score, wilson


@settings(deadline=None)
@given(st.integers(1, 40_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_wilson_is_statsmodels(case: tuple[int, int], level: float) -> None:
    successes, n = case
    low, high = wilson(successes, n, level)
    expected = proportion_confint(successes, n, alpha=1 - level, method="wilson")
    assert (low, high) == pytest.approx(expected, abs=1e-12)
    assert 0 <= low <= successes / n <= high <= 1
    assert low < high


@pytest.mark.parametrize(("successes", "n"), [(-1, 3), (4, 3), (0, 0), (float("nan"), 3)])
def test_wilson_refuses(successes: float, n: int) -> None:
    with pytest.raises(ValueError, match="expected 0 <= successes <= n"):
        wilson(successes, n)


def coverage(clusters: int, strata: int, simulations: int = 600) -> tuple[float, float]:
    """Share of simulations whose cluster bootstrap, and whose Wilson interval, cover the true mean."""
    generator = np.random.default_rng(7)
    offsets = np.linspace(-1, 1, strata)
    draws = np.random.default_rng(0).normal(0, 1.5, 50_000)
    truth = float(np.mean([1 / (1 + np.exp(-(draws + offset))) for offset in offsets]))
    stratum = np.repeat(np.arange(strata), clusters // strata)
    hits = np.zeros(2)
    for simulation in range(simulations):
        shares = 1 / (1 + np.exp(-(generator.normal(0, 1.5, clusters) + offsets[stratum])))
        values = (generator.random((clusters, 30)) < shares[:, None]).astype(float).ravel()
        names = np.repeat(np.arange(clusters), 30).tolist()
        ends = cluster_bootstrap(
            values, names, resamples=1_000, seed=simulation, strata=np.repeat(stratum, 30).tolist()
        )
        for at, (low, high) in enumerate((ends, wilson(values.sum(), values.size))):
            hits[at] += low <= truth <= high
    return tuple(hits / simulations)


@pytest.mark.parametrize("strata", [1, 6])
def test_coverage_with_30_clusters(strata: int) -> None:
    clustered, independent = coverage(30, strata)
    assert 0.92 <= clustered <= 0.98
    assert independent < 0.6  # the same data, taken for 900 independent items


def test_five_clusters_are_widened() -> None:
    assert coverage(5, 1)[0] > 0.88  # 0.85 without the expansion


def test_stderr_is_the_clustered_one() -> None:
    """BERT's lexical-overlap cells by subcase: CR0 standard errors .04068, .06707 (statsmodels OLS, cluster)."""
    for shares, expected in (
        ((0.979, 0.995, 0.993, 0.765, 1.0), 0.04068),
        ((0.001, 0.246, 0.181, 0.0, 0.392), 0.06707),
    ):
        values = [float(i < round(share * 1000)) for share in shares for i in range(1000)]
        found = score(values, [at for at in range(5) for _ in range(1000)])
        assert found.stderr == pytest.approx(expected, rel=0.03)
        assert found.method == "cluster bootstrap (5 clusters)"
        assert found.low < found.value < found.high


def test_ratio_of_sums_and_order() -> None:
    """Clusters of unequal size weigh by their items; shuffling the items changes nothing."""
    values, clusters = [1.0] * 90 + [0.0] * 5 + [0.0, 1.0] * 5, ["a"] * 90 + ["b"] * 5 + ["c"] * 10
    found = score(values, clusters)
    assert found.value == pytest.approx(95 / 105)
    order = np.random.default_rng(0).permutation(len(values))
    assert score([values[i] for i in order], [clusters[i] for i in order]) == found
    low, high = cluster_bootstrap(values, clusters, level=0.5)
    assert found.low <= low <= high <= found.high


def test_strata_narrow_the_interval_when_they_explain_the_difference() -> None:
    values = [float(i < right) for right in (98, 97, 99, 1, 2, 3) for i in range(100)]
    clusters = [at for at in range(6) for _ in range(100)]
    strata = [at // 3 for at in clusters]
    free, fixed = cluster_bootstrap(values, clusters), cluster_bootstrap(values, clusters, strata=strata)
    assert fixed[1] - fixed[0] < 0.1 < free[1] - free[0]
    lonely = [
        clusters[i] if clusters[i] == 5 else 0 for i in range(600)
    ]  # a stratum of one cluster cannot be resampled
    assert cluster_bootstrap(values, clusters, strata=lonely) == free


def test_no_interval_of_zero_width() -> None:
    for value in (0.0, 1.0):
        found = score([value] * 50, [i % 5 for i in range(50)])
        assert found.method == "wilson (all 5 clusters agree)"
        assert (found.low, found.high) == wilson(50 * value, 50)
        assert found.stderr is None
    assert score([1.0, 0.0], ["a", "a"]).method == score([1.0, 0.0]).method == "wilson"


@pytest.mark.parametrize("values", [[], [0.5, float("nan")], [1.5], [-0.1]])
def test_score_refuses(values: list[float]) -> None:
    with pytest.raises(InputError, match="at least one fraction"):
        score(values)


def test_bootstrap_refuses() -> None:
    with pytest.raises(ValueError, match="expected equal lengths"):
        cluster_bootstrap([1.0, 0.0], ["a"])
    with pytest.raises(ValueError, match="at least two"):
        cluster_bootstrap([1.0, 0.0], ["a", "a"])
