"""``--model synth-classifier``: a sequence classification checkpoint answers the NLI tasks through the harness.

Every ``AutoModelForSequenceClassification`` works, encoder or decoder, with ``peft=`` for adapters. The harness asks
for the log-likelihood of each answer word; this backend runs each distinct pair once and looks the labels up *by name*.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from tqdm import tqdm
from transformers import AutoConfig, AutoModelForSequenceClassification
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from synth_eval import provenance
from synth_eval.errors import InputError
from synth_eval.models.quantization import head_of, nf4, require_bitsandbytes
from synth_eval.nli import preflight, prompts
from synth_eval.nli.labels import ENTAILMENT, LABELS, NON_ENTAILMENT, TWO_LABELS, canonical

Pair = tuple[str, str | None]  # what the tokenizer gets: a pair, or one text and None


class ClassifierLM(HFLM):
    """A classification head as a harness model.

    Args:
        pretrained: path or Hub id of the checkpoint (with ``peft=``: of the base model).
        label_order: ``entailment/neutral/contradiction`` in the order of the head's outputs; needed only where the
            checkpoint's ``id2label`` does not name them (adapters, ``LABEL_0`` …).
        input_format: ``pair`` (premise and hypothesis as two segments), ``prompt`` (the text of the task's prompt),
            ``hypothesis`` (it alone), or ``auto``: what the adapters' provenance or the checkpoint's config says it was
            trained on (``synth_eval_input``), else ``pair`` for encoders and ``prompt`` for decoders.
        quantization: ``nf4`` puts the weights of the base model into four bits, as in training with the same setting.
        kwargs: as for ``--model hf`` (dtype, device, batch_size, revision, peft …).

    Raises:
        InputError: no classification head, labels that cannot be mapped, or no GPU for four bits.
    """

    AUTO_MODEL_CLASS = AutoModelForSequenceClassification

    def __init__(
        self,
        pretrained: str,
        label_order: str | None = None,
        input_format: str = "auto",
        quantization: str | None = None,
        **kwargs: Any,
    ) -> None:
        if quantization not in (None, "nf4"):
            raise InputError("quantization", repr(quantization), "nf4, or nothing", "correct the model argument")
        if quantization:
            require_bitsandbytes(f"quantization {quantization}")
        self._quantized = quantization is not None
        revision = str(kwargs.get("revision", "main"))
        config = AutoConfig.from_pretrained(pretrained, revision=revision, trust_remote_code=False)
        peft = kwargs.get("peft")
        if not peft and not preflight.has_classification_head(config):
            raise InputError(
                f"--model_args pretrained={pretrained}",
                f"architectures {config.architectures}",
                "a checkpoint with a sequence classification head (the head would be random)",
                "use --model hf for a language model, or train a head with recipes/nli_classifier.py",
            )
        in_config = [str(config.id2label[number]) for number in sorted(config.id2label)]
        names = provenance.near(peft).get("labels", []) if peft else in_config
        self.labels = map_labels(names, label_order, where=peft or pretrained)
        preflight.SERVED_BY_CLASSIFIER.add(str(pretrained))
        if peft:
            kwargs.setdefault("num_labels", len(self.labels))
        kwargs.setdefault("backend", "causal")
        super().__init__(pretrained, trust_remote_code=False, **kwargs)
        self.input_format = _input_format(input_format, self.config, peft)
        self._agree_on_padding()

    def _get_config(self, *arguments: Any, **kwargs: Any) -> None:
        """Read the config; the harness loads a model as its config says it is quantised."""
        super()._get_config(*arguments, **kwargs)
        if self._quantized:
            self._config.quantization_config = nf4(head_of(str(self.pretrained), self.revision)).to_dict()

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """``(log-probability of the label that the choice names in nats, whether it is the argmax)`` a request."""
        keys = [self._input(request) for request in requests]
        order = {key: index for index, key in enumerate(dict.fromkeys(key for key in keys if key is not None))}
        log_probabilities = torch.log_softmax(self.logits(list(order), disable_tqdm), dim=-1).tolist()
        answers = []
        for request, key in zip(requests, keys, strict=True):
            if key is None:  # the question of acc_mutual_info: a head has no prior over labels
                answers.append((-math.log(len(self.labels)), False))
            else:
                answers.append(self._answer(request, log_probabilities[order[key]]))
        return answers

    @torch.inference_mode()
    def logits(self, inputs: list[Pair], disable_tqdm: bool = False) -> torch.Tensor:
        """Logits of shape (len(inputs), labels) in float32 on the CPU, in the order of ``inputs``."""
        second = None if not inputs or inputs[0][1] is None else [text or "" for _, text in inputs]
        encoded = self.tokenizer([text for text, _ in inputs], second, padding=False, truncation=False)
        lengths = [len(ids) for ids in encoded["input_ids"]]
        preflight.refuse_long(lengths, min(self.max_length, self.tokenizer.model_max_length), self.pretrained)
        order = sorted(range(len(inputs)), key=lambda i: -lengths[i])
        size = 64 if self.batch_size == "auto" else int(self.batch_size)
        result = torch.empty(len(inputs), len(self.labels))
        for start in tqdm(range(0, len(order), size), desc="Classifying", unit="batch", disable=disable_tqdm):
            rows = order[start : start + size]
            batch = self.tokenizer.pad(
                {name: [values[i] for i in rows] for name, values in encoded.items()}, return_tensors="pt"
            )
            result[rows] = self.model(**batch.to(self.device)).logits.float().cpu()
        return result

    def get_model_info(self) -> dict[str, Any]:
        """The harness's facts about the model, plus how labels and inputs were read."""
        return {**super().get_model_info(), "labels": list(self.labels), "input_format": self.input_format}

    def _input(self, request: Instance) -> Pair | None:
        doc, context = request.doc, request.args[0]
        if context == "":
            return None
        if not {"premise", "hypothesis", "prompt"} <= doc.keys():
            raise InputError(
                f"task {request.task_name}",
                f"documents with {sorted(doc)}",
                "premise and hypothesis",
                "use an NLI task",
            )
        if self.input_format == "pair":
            return doc["premise"], doc["hypothesis"]
        if self.input_format == "hypothesis":
            return doc["hypothesis"], None
        trained_on = self.input_format.partition(":")[2]
        if trained_on not in ("", doc["prompt"]):
            raise InputError(
                f"prompt of {self.pretrained}",
                f"the task asks with {doc['prompt']}",
                f"{trained_on}, which this head was trained on",
                f"add --metadata prompt={trained_on}, or input_format=prompt to --model_args to ask it all the same",
            )
        return context, None

    def _answer(self, request: Instance, row: list[float]) -> tuple[float, bool]:
        prompt = prompts.get(request.doc["prompt"])
        word = request.args[1].strip()
        label = next(label for label, choice in prompt.words.items() if choice == word)
        scores = dict(zip(self.labels, row, strict=True))
        if label == NON_ENTAILMENT and NON_ENTAILMENT not in scores:  # argmax first, then the two labels together
            value = max(value for name, value in scores.items() if name != ENTAILMENT)
        elif label in scores:
            value = scores[label]
        else:
            raise InputError(
                f"prompt {prompt.name}",
                f"a head with the labels {', '.join(self.labels)}",
                f"the label {label}",
                "ask a two-label head with --metadata prompt=two_label",
            )
        return value, value == max(row)

    def _agree_on_padding(self) -> None:
        """Decoders pool at the last token that is not padding: tokenizer and config must mean the same id by it."""
        self.tokenizer.padding_side = "right"
        self.model.config.pad_token_id = self.tokenizer.pad_token_id


def map_labels(names: list[str], label_order: str | None, where: object) -> tuple[str, ...]:
    """Canonical labels in the order of the head's outputs, from ``id2label`` names or from ``label_order``.

    Raises:
        InputError: names that do not map, or a ``label_order`` that contradicts names that do.
    """
    known, asked = [canonical(name) for name in names], [canonical(name) for name in (label_order or "").split("/")]
    if label_order and set(asked) not in (set(LABELS), set(TWO_LABELS)):
        raise InputError("label_order", label_order, "/".join(LABELS), "name each label once, in the head's order")
    if set(known) in (set(LABELS), set(TWO_LABELS)) and len(set(known)) == len(known):
        if label_order and asked != known:
            raise InputError("label_order", label_order, f"{'/'.join(names)} as {where} says", "drop label_order")
        return tuple(name for name in known if name)
    if not label_order:
        raise InputError(
            f"id2label of {where}",
            f"{names or 'no labels'}",
            f"the names {', '.join(LABELS)} (or {', '.join(TWO_LABELS)})",
            "say what the outputs mean: --model_args …,label_order=entailment/neutral/contradiction",
        )
    if names and len(names) != len(asked):
        raise InputError("label_order", label_order, f"{len(names)} labels as the head has", "name every output")
    return tuple(name for name in asked if name)


def _input_format(asked: str, config: Any, peft: str | None) -> str:
    """``pair``, ``prompt``, ``prompt:NAME`` or ``hypothesis``: as asked, as in training, or by the kind of model."""
    recorded = (provenance.near(peft).get("synth_eval_input") if peft else None) or getattr(
        config, "synth_eval_input", None
    )
    encoder = config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    found = str(asked if asked != "auto" else recorded or ("pair" if encoder else "prompt"))
    if found.partition(":")[0] not in ("pair", "prompt", "hypothesis"):
        raise InputError("input_format", repr(found), "auto, pair, prompt or hypothesis", "correct the model argument")
    return found
