"""Exact and near duplicates of texts and of premise-hypothesis pairs: MinHash to find them, true Jaccard to be sure.

Two texts are near when the bags of their words and neighbouring words are (see `shingles`). Of a pair the two bags
are poured together, so premise and hypothesis may change places, and a long premise alone can make two pairs near.

Candidates come from banded MinHash (Broder 1997; Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, ch. 3); the
bands are chosen so that a pair just at the threshold is found with probability `RECALL` or more. Every candidate is
compared in full, so what is reported is a duplicate, with its true Jaccard. The same texts give the same answer in
every process and in every order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from synth_eval.metrics.shingles import Bags, Hashes, Ints, Progress, bags, mixed, normalise

Pair = tuple[str, str]

THRESHOLD = 0.8
PERMUTATIONS = 128
RECALL = 0.99  # of the pairs whose Jaccard is just the threshold; of nearer ones more
_ELEMENTS_AT_ONCE = 1 << 15  # of a band's hashes: some 2 MB, so that they stay in the cache
_CANDIDATES_AT_ONCE = 1 << 18


def pair_key(premise: str, hypothesis: str) -> str:
    """The same string for the same pair up to `normalise`: premise, line feed, hypothesis."""
    return f"{normalise(premise)}\n{normalise(hypothesis)}"


def exact(a: Sequence[Pair], b: Sequence[Pair] | None = None) -> dict[int, int]:
    """Index in ``a`` -> first index in ``b`` with the same `pair_key`; without ``b``, the first earlier in ``a``."""
    groups = _groups([pair_key(*pair) for pair in (a if b is None else b)])
    if b is None:
        return {copy: first for first, *copies in groups.values() for copy in copies}
    keys = (pair_key(*pair) for pair in a)
    return {index: groups[key][0] for index, key in enumerate(keys) if key in groups}


def near(
    a: Sequence[str],
    b: Sequence[str] | None = None,
    threshold: float = THRESHOLD,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[tuple[int, int, float]]:
    """All pairs (index in ``a``, index in ``b``, Jaccard) with Jaccard >= ``threshold``, sorted.

    Without ``b``, pairs i < j inside ``a``. As many come back as there are: n copies of one text make n (n - 1) / 2.
    Texts without a word are near to nothing.

    Args:
        a: texts.
        b: texts to compare them with.
        threshold: in (0, 1]; the lower, the more candidates and the slower.
        permutations: MinHash functions; more of them make fewer candidates.
        seed: of the MinHash functions.
        progress: told how far it is.

    Raises:
        ValueError: threshold or permutations out of range.
    """
    left = _groups([normalise(text) for text in a])
    right = None if b is None else _groups([normalise(text) for text in b])
    ones, others = list(left.values()), list((left if right is None else right).values())
    found = [(*pair, 1.0) for group in ones for pair in combinations(group, 2)] if right is None else []
    for i, j, scores in _found(left, right, threshold, permutations, seed, progress):
        for one, other, score in zip(i.tolist(), j.tolist(), scores.tolist(), strict=True):
            both = product(ones[one], others[other])
            found += [(*(pair if right is not None else sorted(pair)), score) for pair in both]
    return sorted(found)


def near_pairs(
    train: Sequence[Pair],
    held_out: Sequence[Pair] | None = None,
    threshold: float = THRESHOLD,
    progress: Progress | None = None,
) -> dict[int, tuple[int, float]]:
    """Index in ``train`` -> (index of the nearest pair in ``held_out``, Jaccard), where that is >= ``threshold``.

    Without ``held_out``: the nearest *earlier* pair of ``train``, so that the first of several copies is not listed.
    Of equally near ones the first. Exact duplicates are among them, with 1.0. Premise and hypothesis may change places.

    Raises:
        ValueError: threshold out of range.
    """
    left = _groups([pair_key(*pair) for pair in train])
    right = None if held_out is None else _groups([pair_key(*pair) for pair in held_out])
    best = np.zeros(len(left))
    partner = np.full(len(left), -1, dtype=np.int64)
    for i, j, score in _found(left, right, threshold, PERMUTATIONS, 0, progress):
        _keep_best(best, partner, *((j, i) if right is None else (i, j)), score)
    firsts = [group[0] for group in (left if right is None else right).values()]
    nearest: dict[int, tuple[int, float]] = {}
    for number, (first, *copies) in enumerate(left.values()):
        other = (firsts[partner[number]], float(best[number])) if partner[number] >= 0 else None
        if other is not None:
            nearest[first] = other
        for copy in copies:
            own = (first, 1.0) if right is None and (other is None or other[1] < 1) else other
            if own is not None:
                nearest[copy] = own
    return dict(sorted(nearest.items()))


def _groups(keys: Sequence[str]) -> dict[str, list[int]]:
    """Indices by key, in order of first appearance."""
    groups: dict[str, list[int]] = {}
    for index, key in enumerate(keys):
        groups.setdefault(key, []).append(index)
    return groups


def _keep_best(
    best: npt.NDArray[np.float64], partner: Ints, rows: Ints, others: Ints, score: npt.NDArray[np.float64]
) -> None:
    """Update each row's best score and its partner, in place; of equals the first partner."""
    order = np.lexsort((others, -score, rows))
    order = order[np.flatnonzero(np.diff(rows[order], prepend=-1))]
    rows, others, score = rows[order], others[order], score[order]
    better = (score > best[rows]) | ((score == best[rows]) & (others < partner[rows]))
    best[rows[better]], partner[rows[better]] = score[better], others[better]


def _found(
    a: Collection[str],
    b: Collection[str] | None,
    threshold: float,
    permutations: int,
    seed: int,
    progress: Progress | None,
) -> Iterator[tuple[Ints, Ints, npt.NDArray[np.float64]]]:
    """Blocks of (i, j, Jaccard) of normalised texts, every pair once; without ``b``, i < j."""
    from scipy.sparse import csr_array

    if not 0 < threshold <= 1 or permutations < 1:
        raise ValueError(f"near: threshold {threshold}, permutations {permutations}; expected in (0, 1], and >= 1")
    tell = progress or (lambda share: None)
    texts = [*a, *(b or ())]
    shingled = bags(texts, lambda share: tell(0.4 * share))
    sizes = shingled.sizes
    bands, rows = _banding(threshold, permutations)
    keys = _band_keys(shingled, bands, rows, seed, lambda share: tell(0.4 + 0.4 * share))
    columns = np.unique(shingled.hashes, return_inverse=True)[1].astype(np.int32)
    ones = np.ones(len(columns), dtype=np.int32)
    matrix = csr_array((ones, columns, shingled.starts), shape=(len(texts), int(columns.max(initial=0)) + 1))
    matrix.sort_indices()
    for band in range(bands):
        for i, j in _candidates(keys, band, sizes, None if b is None else len(a), threshold):
            shared = np.asarray(matrix[i].multiply(matrix[j]).sum(axis=1)).ravel()
            score = shared / (sizes[i] + sizes[j] - shared)
            enough = score >= threshold
            yield i[enough], (j if b is None else j - len(a))[enough], score[enough]
        tell(0.8 + 0.2 * (band + 1) / bands)


def _banding(threshold: float, permutations: int) -> tuple[int, int]:
    """Bands, and rows a band: the most rows that still find a pair at the threshold with probability `RECALL`."""
    for rows in range(permutations, 1, -1):
        bands = permutations // rows
        if 1 - (1 - threshold**rows) ** bands >= RECALL:
            return bands, rows
    return permutations, 1


def _band_keys(shingled: Bags, bands: int, rows: int, seed: int, tell: Progress) -> Hashes:
    """One key a band and text, of shape (bands, texts): equal where the ``rows`` minima of two texts are."""
    generator = np.random.Generator(np.random.PCG64(seed))
    factors = generator.integers(0, 2**64, (bands, rows, 1), dtype=np.uint64) | np.uint64(1)
    keys = np.zeros((bands, len(shingled.sizes)), dtype=np.uint64)
    filled = np.flatnonzero(shingled.sizes)
    cuts = np.searchsorted(
        shingled.starts[filled], np.arange(_ELEMENTS_AT_ONCE, len(shingled.hashes), _ELEMENTS_AT_ONCE)
    )
    for here in np.split(filled, np.unique(cuts)):
        if not len(here):
            continue
        start = shingled.starts[here[0]]
        hashes = shingled.hashes[start : shingled.starts[here[-1] + 1]]
        for band in range(bands):
            minima = np.minimum.reduceat(hashes * factors[band], shingled.starts[here] - start, axis=1)
            for row in minima:
                keys[band, here] = mixed(keys[band, here] + row)
        tell(float(here[-1] + 1) / len(shingled.sizes))
    return keys


def _candidates(keys: Hashes, band: int, sizes: Ints, n_a: int | None, threshold: float) -> Iterator[tuple[Ints, Ints]]:
    """Pairs that meet in this band and in none before, in bounded blocks; those of too different sizes are left out."""
    filled = np.flatnonzero(sizes)
    order = filled[np.argsort(keys[band, filled], kind="stable")]
    a, b = (order, order) if n_a is None else (order[order < n_a], order[order >= n_a])
    low = np.searchsorted(keys[band, b], keys[band, a], "left")
    if n_a is None:
        low = np.arange(1, len(a) + 1)  # of equal keys the later ones
    many = np.searchsorted(keys[band, b], keys[band, a], "right") - low
    ends = np.cumsum(many)
    total = int(ends[-1]) if len(ends) else 0
    for done in range(0, total, _CANDIDATES_AT_ONCE):
        flat = np.arange(done, min(done + _CANDIDATES_AT_ONCE, total))
        at = np.searchsorted(ends, flat, "right")
        i, j = a[at], b[low[at] + flat - (ends[at] - many[at])]
        keep = np.minimum(sizes[i], sizes[j]) >= threshold * np.maximum(sizes[i], sizes[j])
        i, j = i[keep], j[keep]
        new = ~(keys[:band, i] == keys[:band, j]).any(axis=0)
        yield i[new], j[new]
