"""Which items of a labelled set are hard: training dynamics, a Gaussian mixture over them, and surface cues.

After Cosma, Ruseti, Dascalu & Caragea 2024, "How Hard is this Test Set?" (arXiv 2410.03429). Two models are trained on
the set itself, one on premise and hypothesis, one on the hypothesis alone; what their logits do over the epochs tells
which items are easy, ambiguous or hard.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synth_eval.errors import InputError
from synth_eval.provenance import sha256_text

Floats = npt.NDArray[np.float64]

FEATURES = ("confidence", "variability", "correctness", "aum")
CLASSES = ("easy", "ambiguous", "hard")
SPURIOUS = ("word_overlap", "length_mismatch", "contains_negation")
INITS = 10  # starts of the mixture; the likeliest counts
FEWEST = 24  # different items: as many for each component as there are features
NEGATIONS = frozenset(
    ["no", "not", "never", "none", "nobody", "nothing", "nowhere", "neither", "nor", "cannot", "without", "n't"]
)


@dataclass(frozen=True)
class Clusters:
    """The mixture's verdict."""

    labels: list[str]
    """One of CLASSES an item."""
    probability: Floats
    """Of the item's own class under the mixture, of shape (n,)."""
    converged: bool
    """Whether the likeliest start of the mixture came to rest."""


@dataclass(frozen=True)
class Difference:
    """How a surface cue differs between the hard items and the rest."""

    mean_hard: float
    mean_rest: float
    hard_larger: float
    """Probability that a hard item has more of it than another one, ties counted half: U / (n_hard n_rest)."""
    p_value: float
    """Mann-Whitney, two-sided, times the number of cues (Bonferroni), at most 1."""


@dataclass(frozen=True)
class Found:
    """What two models' training dynamics say about a set."""

    features: dict[str, dict[str, Floats]]
    """``pair`` and ``hypothesis`` -> feature -> values, of shape (n,)."""
    clusters: Clusters
    cues: dict[str, Floats]
    """Surface cue -> values, of shape (n,)."""
    differences: dict[str, Difference]


def characterise(
    logits: Mapping[str, npt.ArrayLike], gold: Sequence[int], cues: dict[str, Floats], seed: int = 0
) -> Found:
    """Features of both models, the class of every item, and how the hard ones differ in their surface cues.

    Args:
        logits: ``pair`` and ``hypothesis`` -> shape (epochs, n, labels).
        gold: number of the gold label, shape (n,).
        cues: as `spurious` gives them.
        seed: of the mixture.

    Raises:
        InputError: too few different items.
    """
    features = {name: dynamics(values, gold) for name, values in logits.items()}
    clusters = cluster(features["pair"], features["hypothesis"], seed)
    return Found(features, clusters, cues, hard_against_rest(cues, clusters.labels))


def pair_hash(record: Mapping[str, Any]) -> str:
    """16 hex digits of a pair's texts and label: generated sets give the same pairID to different pairs."""
    return sha256_text(json.dumps([record.get(key) for key in ("premise", "hypothesis", "gold_label")]))[:16]


def dynamics(logits: npt.ArrayLike, gold: npt.ArrayLike) -> dict[str, Floats]:
    """What one model's logits say about every item over the epochs, each of shape (n,).

    ``confidence``: mean probability of the gold label. ``variability``: standard deviation of that probability (the
    paper's equation 2 prints it without the square; it is meant as in Swayamdipta et al. 2020, equation 2).
    ``correctness``: share of epochs in which the gold label has the highest logit (of equal ones the first counts).
    ``aum``: mean of the gold logit minus the highest other one (area under the margin, Pleiss et al. 2020).

    Args:
        logits: shape (epochs, n, labels).
        gold: number of the gold label, shape (n,).

    Raises:
        ValueError: shapes that do not fit, or a number that is not finite.
    """
    scores, label = np.asarray(logits, dtype=np.float64), np.asarray(gold)
    if scores.ndim != 3 or label.shape != scores.shape[1:2] or scores.shape[2] < 2 or 0 in scores.shape:
        raise ValueError(f"dynamics: logits {scores.shape}, gold {label.shape}: expected (epochs, n, labels) and (n,)")
    if not np.isfinite(scores).all() or not ((label >= 0) & (label < scores.shape[2])).all():
        raise ValueError("dynamics: a logit that is not finite, or a gold label that has none")
    items = np.arange(len(label))
    exponents = np.exp(scores - scores.max(axis=2, keepdims=True))
    probability = exponents[:, items, label] / exponents.sum(axis=2)
    others = scores.copy()
    others[:, items, label] = -np.inf
    return {
        "confidence": probability.mean(axis=0),
        "variability": probability.std(axis=0),
        "correctness": (scores.argmax(axis=2) == label).mean(axis=0),
        "aum": (scores[:, items, label] - others.max(axis=2)).mean(axis=0),
    }


def cluster(pair: Mapping[str, Floats], hypothesis: Mapping[str, Floats], seed: int = 0) -> Clusters:
    """Easy, ambiguous or hard: a mixture of three Gaussians over the eight features, each scaled to mean 0, sd 1.

    The components are ranked by the mean confidence of the premise and hypothesis model over their items. Items are
    put in an order of their own first, so that the verdict on an item does not depend on its place in the file.

    Args:
        pair: features of the premise and hypothesis model, as `dynamics` gives them.
        hypothesis: those of the hypothesis-only model.
        seed: of the mixture's starts.

    Raises:
        InputError: too few different items for three components.
    """
    from sklearn.mixture import GaussianMixture
    from sklearn.preprocessing import StandardScaler

    table = np.column_stack([model[name] for model in (pair, hypothesis) for name in FEATURES])
    order = np.lexsort(table.T[::-1])
    scaled = StandardScaler().fit_transform(table[order])
    different = len(np.unique(scaled, axis=0))
    if different < FEWEST:
        raise _too_few(f"{different} items that differ in their training dynamics")
    mixture = GaussianMixture(3, n_init=INITS, max_iter=500, random_state=seed).fit(scaled)
    component = np.empty(len(table), dtype=np.intp)
    component[order] = mixture.predict(scaled)
    probability = np.empty(len(table))
    probability[order] = mixture.predict_proba(scaled).max(axis=1)
    found = np.unique(component)
    if len(found) < 3:
        raise _too_few(f"{len(found)} of three clusters with an item in them")
    ranked = sorted(found, key=lambda number: -float(pair["confidence"][component == number].mean()))
    names = dict(zip(ranked, CLASSES, strict=True))
    return Clusters([names[number] for number in component], probability, bool(mixture.converged_))


def _too_few(found: str) -> InputError:
    expected = f"at least {FEWEST} different items, in three clusters"
    return InputError("data", found, expected, "characterise more items, or train for more epochs")


def spurious(premises: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]]) -> dict[str, Floats]:
    """Surface cues of every pair, each of shape (n,): those of the paper that need no dictionary.

    ``word_overlap``: share of the hypothesis' words that are in the premise. ``length_mismatch``: difference of the two
    lengths over their sum (the paper divides by "sentence length"; by whose is not said). ``contains_negation``: 1
    where a word of the hypothesis is in NEGATIONS or ends in n't.

    Args:
        premises: lower-cased words of the premises.
        hypotheses: likewise.
    """
    rows = []
    for premise, hypothesis in zip(premises, hypotheses, strict=True):
        there, total = set(premise), len(premise) + len(hypothesis)
        shared = sum(word in there for word in hypothesis)
        negated = any(word in NEGATIONS or word.endswith("n't") for word in hypothesis)
        mismatch = abs(len(premise) - len(hypothesis))
        rows.append((shared / max(1, len(hypothesis)), mismatch / max(1, total), float(negated)))
    table = np.array(rows, dtype=np.float64).reshape(-1, len(SPURIOUS))
    return dict(zip(SPURIOUS, table.T, strict=True))


def hard_against_rest(cues: Mapping[str, Floats], labels: Sequence[str]) -> dict[str, Difference]:
    """Compare every cue between the hard items and all others.

    Args:
        cues: name -> values, of shape (n,).
        labels: one of CLASSES an item; some are hard, and some are not.
    """
    from scipy.stats import mannwhitneyu

    hard = np.array([label == "hard" for label in labels])
    found = {}
    for name, values in cues.items():
        ours, rest = values[hard], values[~hard]
        test: Any = mannwhitneyu(ours, rest, alternative="two-sided")
        p_value = min(1.0, float(test.pvalue) * len(cues))
        share = float(test.statistic) / (len(ours) * len(rest))
        found[name] = Difference(float(ours.mean()), float(rest.mean()), share, p_value)
    return found
