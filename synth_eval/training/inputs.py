"""What a classifier sees of a pair, by the name that its config or provenance keeps as ``synth_eval_input``."""

from __future__ import annotations

from synth_eval.errors import InputError
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


def require_same(there: str | None, here: str, where: str) -> None:
    """InputError unless a head goes on with the input of a pair that it has.

    Args:
        there: what it was made for; None where nobody wrote it down, as in other people's checkpoints.
        here: what the recipe would show it.
        where: the setting that names it.
    """
    if there is not None and there != here:
        kind, _, prompt = there.partition(":")
        fix = f"set input_format: {kind}" + (f" and prompt: {prompt}" if prompt else "")
        raise InputError(where, f"a head made for the input {there}", here, f"{fix}; or name a model without a head")
