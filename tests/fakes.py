"""Language models that answer by rule, for the harness: what a task makes of a known answer."""

import math

from lm_eval.api.model import LM

from synth_eval.nli import prompts
from synth_eval.nli.labels import two_way


class RuleLM(LM):
    """Answers each document with the label that ``rule(doc)`` names; ``certain`` False makes all choices tie."""

    def __init__(self, rule, certain=True):
        super().__init__()
        self.rule, self.certain = rule, certain

    def loglikelihood(self, requests, disable_tqdm=False):
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        context, word = request.args
        prompt = prompts.get(request.doc["prompt"])
        if context == "" or not self.certain:
            return -math.log(len(prompt.labels)), False
        label = next(label for label, choice in prompt.words.items() if choice == word.strip())
        wanted = self.rule(request.doc)
        right = label == wanted if wanted in prompt.labels else label == two_way(wanted)
        return (-0.01, True) if right else (-5.0, False)

    def loglikelihood_rolling(self, requests, disable_tqdm=False):
        raise AssertionError("no NLI task asks for this")

    def generate_until(self, requests, disable_tqdm=False):
        raise AssertionError("no NLI task asks for this")


def run(model, tasks, metadata=None, **options):
    """simple_evaluate over our tasks alone, offline."""
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    from synth_eval.paths import folder

    manager = TaskManager(include_defaults=False, include_path=str(folder("tasks")), metadata=metadata or {})
    return simple_evaluate(model=model, tasks=tasks, task_manager=manager, **options)
