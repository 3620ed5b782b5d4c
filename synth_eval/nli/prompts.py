"""THE prompts: the same function writes what a task asks and what a training row teaches.

A prompt is chosen by name, in a task with ``--metadata prompt=NAME``, in a recipe with ``prompt: NAME``.
"""

from __future__ import annotations

from dataclasses import dataclass

from synth_eval.errors import InputError, nearest
from synth_eval.nli.labels import CONTRADICTION, ENTAILMENT, NEUTRAL, NON_ENTAILMENT


@dataclass(frozen=True, eq=False)
class Prompt:
    """One way to ask for an NLI label."""

    name: str
    text: str
    """With {premise} and {hypothesis}; ends without a space, the answer begins with one."""
    words: dict[str, str]
    """Label -> the word that stands for it, in label order."""
    source: str
    full_stop: bool = False
    """Strip the hypothesis and end it with a full stop."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of the answer choices."""
        return tuple(self.words)

    @property
    def choices(self) -> list[str]:
        """Answer words in the order of ``labels``."""
        return list(self.words.values())

    def render(self, premise: str, hypothesis: str) -> str:
        """The question about one pair."""
        if self.full_stop:
            hypothesis = hypothesis.strip()
            hypothesis += "" if hypothesis.endswith(".") else "."
        return self.text.format(premise=premise, hypothesis=hypothesis)


_SPELLED_OUT = {ENTAILMENT: "entailment", NEUTRAL: "neutral", CONTRADICTION: "contradiction"}

PROMPTS = {
    prompt.name: prompt
    for prompt in (
        Prompt(
            "paper",
            "Please indicate the relationship between the premise and the hypothesis with entailment, neutral or "
            "contradiction. Premise: {premise} Hypothesis: {hypothesis} The relationship between premise and "
            "hypothesis is",
            _SPELLED_OUT,
            "Zhang & Pavlick 2025 (arXiv 2502.07164), classifier input",
        ),
        Prompt(
            "true_false",
            "{premise}\nQuestion: {hypothesis} True, False or Neither?\nAnswer:",
            {ENTAILMENT: "True", NEUTRAL: "Neither", CONTRADICTION: "False"},
            "lm-evaluation-harness, task mnli 1.0",
            full_stop=True,
        ),
        Prompt("bare", "Premise: {premise}\nHypothesis: {hypothesis}\nLabel:", _SPELLED_OUT, "synth-eval"),
        Prompt(
            "two_label",
            "{premise}\nQuestion: Does it follow that {hypothesis} Yes or no?\nAnswer:",
            {ENTAILMENT: "yes", NON_ENTAILMENT: "no"},
            "synth-eval",
            full_stop=True,
        ),
    )
}
DEFAULT = "paper"


def get(name: str) -> Prompt:
    """The prompt of that name; InputError names the nearest one."""
    if name not in PROMPTS:
        raise InputError("prompt", repr(name), "the name of a prompt", nearest(str(name), PROMPTS))
    return PROMPTS[name]
