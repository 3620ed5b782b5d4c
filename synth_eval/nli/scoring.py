"""From the log-likelihoods of the answer choices to per-document metrics, as the harness calls it.

``results`` is what lm-evaluation-harness hands to ``process_results``: one ``(log-likelihood in nats, is_greedy)``
per choice, then, for ``acc_mutual_info``, one per choice given an empty context. All metrics are means over documents.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from synth_eval.errors import InputError
from synth_eval.nli import prompts
from synth_eval.nli.labels import ENTAILMENT, two_way

Doc = dict[str, Any]
Results = Sequence[tuple[float, bool]]


def hans(doc: Doc, results: Results) -> dict[str, float]:
    """Metrics of one HANS document.

    ``acc``: argmax over the labels first, then neutral and contradiction count as non-entailment
    (McCoy, Pavlick & Linzen 2019). The same value again under the name of the document's subcase, so that the
    30 subcases come from the same pass.
    """
    views = _views(doc, results)
    metrics = {name: _share(top, lambda label: two_way(label) == doc["gold_label"]) for name, top in views.items()}
    return metrics | {doc["subcase"]: metrics["acc"]} | _answer(views["acc"])


def nli(doc: Doc, results: Results) -> dict[str, float]:
    """Metrics of one three-label document: ``acc`` over three labels, ``acc_2label`` over entailment or not.

    Under a two-label prompt three-way accuracy does not exist and is left out.
    """
    views = _views(doc, results)
    metrics = {"acc_2label": _share(views["acc"], lambda label: two_way(label) == two_way(doc["gold_label"]))}
    if doc["gold_label"] in prompts.get(doc["prompt"]).labels and len(prompts.get(doc["prompt"]).labels) == 3:
        metrics |= {name: _share(top, lambda label: label == doc["gold_label"]) for name, top in views.items()}
    return metrics | _answer(views["acc"])


def _views(doc: Doc, results: Results) -> dict[str, list[str]]:
    """The winning labels under each scoring rule: several where the best scores tie."""
    prompt = prompts.get(doc["prompt"])
    values = [float(log_likelihood) for log_likelihood, _ in results]
    count = len(prompt.labels)
    if not all(map(math.isfinite, values)) or len(values) not in (count, 2 * count):
        raise InputError(
            f"document {doc['pairID']}",
            f"the log-likelihoods {values} for {prompt.choices}",
            "one finite number each",
            "check the weights and the training loss: a diverged model would look like one that always says entailment",
        )
    given, alone = values[:count], values[count:]
    rules = {
        "acc": given,
        "acc_norm": [value / len(word) for value, word in zip(given, prompt.choices, strict=True)],
    }
    if alone:
        rules["acc_mutual_info"] = [value - prior for value, prior in zip(given, alone, strict=True)]
    return {name: _best(prompt.labels, scores) for name, scores in rules.items()}


def _best(labels: Sequence[str], scores: Sequence[float]) -> list[str]:
    return [label for label, score in zip(labels, scores, strict=True) if score == max(scores)]


def _share(top: list[str], correct: Callable[[str], bool]) -> float:
    """Probability of being right when ties are broken at random."""
    return sum(map(correct, top)) / len(top)


def _answer(top: list[str]) -> dict[str, float]:
    return {
        "predicted_entailment": _share(top, lambda label: label == ENTAILMENT),
        "tie": float(len(top) > 1),
    }
