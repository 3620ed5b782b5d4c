"""What must be said of a row beside its numbers: why it is not ranked with others, and a constant answer.

Samples are those of `verify.samples`: ``{doc_id, doc, acc, acc_2label, predicted_entailment, tie}``, as far as there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synth_eval.leaderboard.boards import Board
from synth_eval.nli.labels import ENTAILMENT, LABELS, TWO_LABELS, canonical, two_way

TIES = 0.01  # from this share of tied documents on, the status is ``ties``


def status(said: object, whole: bool, settings: Mapping[str, Any], board: Board, tied: float) -> str:
    """What stands against a run, gravest first; ``valid`` when nothing does.

    Args:
        said: the status in the evaluation's provenance (``limit`` and ``truncated`` are decided there).
        whole: every task was asked all its documents.
        settings: of a generated set, where they were given; others than the default give other documents.
        board: whose defaults count.
        tied: share of tied documents.
    """
    if isinstance(said, str) and said != "valid":
        return said
    if not whole:
        return "limit"
    if any(not _equal(value, board.options[key]) for key, value in settings.items()):
        return "settings"
    return "ties" if tied >= TIES else "valid"


def ties(samples: Sequence[dict[str, Any]]) -> float:
    """Share of the documents whose best answers tied; where the samples do not say, those that are right in part."""
    tied = [
        row["tie"] if "tie" in row else not {row.get("acc", 0), row.get("acc_2label", 0)} <= {0, 1} for row in samples
    ]
    return float(sum(tied)) / len(samples)


def constant(samples: Sequence[dict[str, Any]]) -> str | None:
    """The one label that, given to every document, explains all verdicts; None where there is none, or several.

    Over three labels where the samples have ``acc``, else (under a two-label prompt) over two.
    """
    labels = LABELS if all("acc" in row for row in samples) else TWO_LABELS
    found = [label for label in labels if all(_explains(label, row) for row in samples)]
    return found[0] if len(found) == 1 else None


def _explains(answer: str, row: dict[str, Any]) -> bool:
    gold = canonical(row["doc"].get("gold_label")) or ""
    expected = {
        "acc": answer == gold,
        "acc_2label": two_way(answer) == two_way(gold),
        "predicted_entailment": answer == ENTAILMENT,
    }
    return all(row[metric] == value for metric, value in expected.items() if metric in row)


def _equal(said: object, default: float) -> bool:
    """Whether a setting is the default one, also as text (``"7"``)."""
    try:
        return float(str(said)) == default
    except ValueError:
        return False
