"""What a classifier sees of a pair, by the name that its config or provenance keeps as ``synth_eval_input``."""

from __future__ import annotations

from synth_eval.nli import prompts


def texts(name: str, premise: str, hypothesis: str) -> tuple[str, ...]:
    """The segments that the tokenizer gets.

    Args:
        name: ``pair``: premise and hypothesis. ``hypothesis``: it alone. ``prompt:NAME``: the text of that prompt.
        premise: of the pair.
        hypothesis: of the pair.
    """
    match name.partition(":"):
        case ("pair", _, _):
            return premise, hypothesis
        case ("hypothesis", _, _):
            return (hypothesis,)
        case ("prompt", _, prompt):
            return (prompts.get(prompt).render(premise, hypothesis),)
        case _:
            raise ValueError(f"no input is called {name}")
