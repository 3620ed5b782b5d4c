"""Weights for rows of synthetic data, and the cross-entropy that takes them: IMP and DIMP (arXiv 2410.21526).

A synthetic row (x, y) is from Q(x, y) and not from the real P(x, y). Where Q(x) is about P(x), P(y|x) / Q(y|x) as
the row's weight makes the loss one over real data (importance sampling):

    L = -1/N sum_i w_i log p(y_i|x_i; theta)        w_i = P'(y_i|x_i) / R(y_i|x_i)

P' is the quality checker, trained on a small real set. R is, for IMP, the diversity checker, trained on the synthetic
set; for DIMP the model that is being trained, as it is at this step (with its dropout).

Known of the paper are the formulas. Not known is whether its authors hold the weight constant in the gradient, bound
it or make the weights of a batch sum to something. Here a weight is a constant in the gradient, unbounded unless the
recipe has ``clip`` or ``smoothing``, and the loss is the mean over the batch as in the formula.
"""

from __future__ import annotations

import torch
from torch.nn import functional

LARGEST_EXPONENT = 80.0
"""exp of it is 5.5e34: a weight is a finite float32 also where the denominator is 0."""


def label_log_probabilities(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """log p(y_i|x_i) in nats, of shape (batch,), from logits of shape (batch, labels), in float32 or better."""
    exact = torch.promote_types(logits.dtype, torch.float32)
    return -functional.cross_entropy(logits.to(exact), labels, reduction="none")


def weights(
    quality: torch.Tensor, other: torch.Tensor, smoothing: float | None = None, clip: float | None = None
) -> torch.Tensor:
    """The weights of rows, constants in the gradient.

    Args:
        quality: log P'(y_i|x_i) in nats, of shape (batch,).
        other: log R(y_i|x_i), likewise: the diversity checker (IMP) or the model itself (DIMP).
        smoothing: s in (P' + s) / (R + s).
        clip: the largest weight.

    Returns:
        of shape (batch,), finite and not negative.
    """
    quality, other = quality.detach(), other.detach()
    if smoothing is not None:
        added = torch.tensor(smoothing, dtype=quality.dtype, device=quality.device).log()
        quality, other = torch.logaddexp(quality, added), torch.logaddexp(other, added)
    ratio = torch.exp((quality - other).clamp(max=LARGEST_EXPONENT))
    return ratio if clip is None else ratio.clamp(max=clip)


def weighted_cross_entropy(logits: torch.Tensor, labels: torch.Tensor, row_weights: torch.Tensor) -> torch.Tensor:
    """-1/N sum_i w_i log p(y_i|x_i): logits of shape (batch, labels), labels and weights of shape (batch,)."""
    return -(label_log_probabilities(logits, labels) * row_weights).mean()


def distribution(row_weights: torch.Tensor) -> dict[str, float]:
    """Smallest, quartiles, largest, mean of weights of shape (rows,), and the share of those above 10."""
    values = row_weights.double()
    lowest, first, median, third, highest = torch.quantile(
        values, torch.tensor([0, 0.25, 0.5, 0.75, 1], dtype=torch.float64)
    ).tolist()
    return {
        "weight_min": lowest,
        "weight_q1": first,
        "weight_median": median,
        "weight_q3": third,
        "weight_max": highest,
        "weight_mean": values.mean().item(),
        "weight_share_above_10": (values > 10).double().mean().item(),
    }
