"""transformers' Trainer with a weight for every row, and the weights' distribution beside the loss."""

from __future__ import annotations

from typing import Any

import torch
from transformers import Trainer

from synth_eval.training.checkers import DIVERSITY, QUALITY, Scored
from synth_eval.training.weighting import distribution, label_log_probabilities, weighted_cross_entropy, weights


class WeightedTrainer(Trainer):  # type: ignore[misc]
    """Trains on IMP- or DIMP-loss (training/weighting.py); its rows hold what the checkers said about them.

    A batch's loss is the mean over its rows, and batches of one step are averaged, as the plain Trainer does. Of
    several processes the first one's weights are logged.
    """

    def __init__(self, scored: Scored, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.scored = scored
        self._since_log: list[torch.Tensor] = []

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """The weighted loss of a batch, and the model's outputs if they are asked for."""
        labels, quality = inputs.pop("labels"), inputs.pop(QUALITY)
        diversity = inputs.pop(DIVERSITY, None)
        outputs = model(**inputs)
        if diversity is None:  # DIMP
            diversity = label_log_probabilities(outputs.logits, labels)
        settings = self.scored.settings
        row_weights = weights(quality, diversity, settings.smoothing, settings.clip)
        self._since_log.append(row_weights)
        loss = weighted_cross_entropy(outputs.logits, labels, row_weights)
        return (loss, outputs) if return_outputs else loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log what the Trainer measured, and the distribution of the weights since the last time.

        The Trainer says ``train_loss`` once, after the last step: the rows that no log step covered come with it.
        """
        if ("loss" in logs or "train_loss" in logs) and self._since_log:
            seen = torch.cat(self._since_log).cpu()
            logs |= {"weight_rows": len(seen)} | distribution(seen)
            self._since_log.clear()
        super().log(logs, start_time)

    def facts(self) -> dict[str, Any]:
        """For the provenance record: the loss, the checkers, and the weights of every log step and of the last ones."""
        logged = [
            {name: value for name, value in entry.items() if name == "step" or name.startswith("weight_")}
            for entry in self.state.log_history
            if "weight_mean" in entry
        ]
        covered = "rows since the entry before; after a resume, since the checkpoint that the run went on from"
        return self.scored.facts() | {"weights": logged, "weights_cover": covered}
