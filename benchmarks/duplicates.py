"""Near duplicates of 100,000 texts among 50,000, of 30 words each: CPU seconds, memory, and ratios to other ways.

Run: ``OMP_NUM_THREADS=1 python benchmarks/duplicates.py``. On a part of the same texts, in turn in one run: `near`, all
pairs by a sparse matrix product (which finds everything), and MinHashLSH of the package datasketch where that is
installed, with the same shingles, permutations and bands. Words are drawn from MultiNLI's where SYNTH_EVAL_DATA names
it, else nli_fresh.
"""

from __future__ import annotations

import os
import random
import resource
import statistics
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array

from synth_eval.data import sources
from synth_eval.metrics import duplicates

TRAIN, HELD_OUT, WORDS, COPIES = 100_000, 50_000, 30, 0.05
PART, ROUNDS, THRESHOLD = (5_000, 25_000), 3, 0.8

Found = set[tuple[int, int]]


def texts() -> tuple[list[str], list[str]]:
    """Random sentences with the frequencies of real words; some of the first list are changed copies of the second."""
    records = sources.load("multinli_train" if os.environ.get("SYNTH_EVAL_DATA") else "nli_fresh")
    words = [word for record in records for word in duplicates.normalise(record["premise"]).split()]
    rng = random.Random(0)  # noqa: S311 - an example, not a secret
    held_out = [" ".join(rng.choices(words, k=WORDS)) for _ in range(HELD_OUT)]
    train = [" ".join(rng.choices(words, k=WORDS)) for _ in range(round(TRAIN * (1 - COPIES)))]
    for text in rng.choices(held_out, k=TRAIN - len(train)):
        copy = text.split()
        for _ in range(rng.randint(0, 4)):
            copy[rng.randrange(WORDS)] = rng.choice(words)
        train.append(" ".join(copy))
    rng.shuffle(train)
    return train, held_out


def bag(text: str) -> list[tuple[object, int]]:
    """The shingles of a text, its n-th copy with its number."""
    words = duplicates.normalise(text).split()
    counts = Counter([*words, *pairwise(["<", *words, ">"])])
    return [(shingle, n) for shingle, many in counts.items() for n in range(many)]


def ours(train: list[str], held_out: list[str]) -> Found:
    """`near`."""
    return {(i, j) for i, j, _ in duplicates.near(train, held_out, THRESHOLD)}


def all_pairs(train: list[str], held_out: list[str]) -> Found:
    """Every pair that shares a shingle, by a sparse product, 500 rows at a time."""
    columns: dict[object, int] = {}
    bags = [bag(text) for text in (*train, *held_out)]
    sizes = np.array([len(one) for one in bags])
    indices = [columns.setdefault(shingle, len(columns)) for one in bags for shingle in one]
    matrix = csr_array((np.ones(len(indices), np.int32), indices, np.cumsum([0, *sizes])))
    right, found = matrix[len(train) :].T.tocsr(), set()
    for start in range(0, len(train), 500):
        shared = (matrix[start : min(start + 500, len(train))] @ right).tocoo()
        i, j = shared.row + start, shared.col
        near = shared.data >= THRESHOLD * (sizes[i] + sizes[len(train) + j] - shared.data)
        found |= set(zip(i[near].tolist(), j[near].tolist(), strict=True))
    return found


def datasketch(train: list[str], held_out: list[str]) -> Found:
    """MinHashLSH of the package datasketch, candidates compared in full."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(num_perm=duplicates.PERMUTATIONS, params=duplicates._banding(THRESHOLD, duplicates.PERMUTATIONS))
    left, right = ([set(bag(text)) for text in some] for some in (train, held_out))
    minhashes = (MinHash.bulk([[repr(s).encode() for s in one] for one in side]) for side in (right, left))
    for j, minhash in enumerate(next(minhashes)):
        index.insert(j, minhash)
    return {
        (i, j)
        for i, minhash in enumerate(next(minhashes))
        for j in index.query(minhash)
        if len(left[i] & right[j]) >= THRESHOLD * len(left[i] | right[j])
    }


def main() -> None:
    train, held_out = texts()
    start = time.process_time()
    found = ours(train, held_out)
    seconds, memory = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sizes = f"{len(train):,} against {len(held_out):,} texts of {WORDS} words"
    print(f"{sizes}: {len(found):,} near pairs, {seconds:.1f} CPU seconds, {memory:,.0f} MB at most (goal: under 60 s)")
    part = train[: PART[0]], held_out[: PART[1]]
    ways: list[Callable[[list[str], list[str]], Found]] = [ours, all_pairs]
    try:
        import datasketch as _

        ways.append(datasketch)
    except ImportError:
        print("datasketch is not installed: not compared")
    times: dict[str, list[float]] = {way.__name__: [] for way in ways}
    results: dict[str, Found] = {}
    for _ in range(ROUNDS):
        for way in ways:
            start = time.process_time()
            results[way.__name__] = way(*part)
            times[way.__name__].append(time.process_time() - start)
    base, truth = statistics.median(times["ours"]), results["all_pairs"]
    print(f"{len(part[0]):,} against {len(part[1]):,}, CPU seconds, median of {ROUNDS}; {len(truth):,} pairs are near:")
    for name, taken in times.items():
        recall, false = len(results[name] & truth) / len(truth), len(results[name] - truth)
        middle = statistics.median(taken)
        print(f"  {name:10} {middle:7.2f} s  {middle / base:6.1f} x ours  recall {recall:.4f}  false {false}")


if __name__ == "__main__":
    main()
