"""The classifier backend: labels by name, padding, pairs and prompts, adapters, what is refused before inference."""

import json
import logging
import shutil

import pytest
import torch
from fakes import run
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
)

from synth_eval.data.sources import load
from synth_eval.errors import InputError
from synth_eval.models.classifier import ClassifierLM, map_labels
from synth_eval.nli import preflight, prompts
from synth_eval.nli.labels import LABELS

METADATA = {"per_subcase": 4, "seed": 11}


@pytest.fixture(autouse=True)
def nothing_served():
    preflight.SERVED_BY_CLASSIFIER.clear()


def backend(folder, **options):
    return ClassifierLM(str(folder), device="cpu", **{"batch_size": 16} | options)


def scores(model, metadata=METADATA):
    results = run(model, ["hans_fresh"], metadata, log_samples=False)["results"]
    return {task: values["acc,none"] for task, values in results.items()}


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_answers_are_those_of_a_plain_loop(kind, request):
    folder = request.getfixturevalue(kind)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    right = []
    for record in load("hans_fresh", **METADATA):
        pair = (record["premise"], record["hypothesis"])
        text = pair if kind == "encoder" else (prompts.get("paper").render(*pair),)
        with torch.no_grad():
            answer = model(**tokenizer(*text, return_tensors="pt")).logits.argmax().item()
        right.append((answer == 0) == (record["gold_label"] == "entailment"))
    assert scores(backend(folder))["hans_fresh"] == pytest.approx(sum(right) / len(right))


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_batch_size_and_padding_do_not_change_logits(kind, request):
    folder = request.getfixturevalue(kind)
    texts = [("A man sleeps.", "A man is awake."), ("The very old man in the park sleeps soundly.", "He sleeps.")] * 3
    inputs = texts if kind == "encoder" else [(" ".join(pair), None) for pair in texts]
    one, many = (backend(folder, batch_size=size).logits(inputs, disable_tqdm=True) for size in (1, 6))
    assert torch.allclose(one, many, atol=1e-5)


def test_permuted_labels_give_the_same_scores(encoder, tmp_path):
    order = [2, 0, 1]
    model = AutoModelForSequenceClassification.from_pretrained(encoder)
    model.classifier.weight.data = model.classifier.weight.data[order]
    model.classifier.bias.data = model.classifier.bias.data[order]
    model.config.id2label = {i: LABELS[old] for i, old in enumerate(order)}
    model.config.label2id = {name: i for i, name in model.config.id2label.items()}
    model.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(encoder).save_pretrained(tmp_path)
    permuted, plain = scores(backend(tmp_path)), scores(backend(encoder))
    assert permuted == plain and len({*plain.values()}) > 2


def test_labels_without_names_are_refused_until_the_order_is_given(encoder, tmp_path):
    shutil.copytree(encoder, tmp_path, dirs_exist_ok=True)
    config = json.loads((tmp_path / "config.json").read_text())
    config["id2label"] = {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}
    del config["label2id"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"LABEL_0.*label_order=entailment/neutral/contradiction"):
        backend(tmp_path)
    assert scores(backend(tmp_path, label_order="entailment/neutral/contradiction")) == scores(backend(encoder))


@pytest.mark.parametrize(
    ("names", "order", "expected"),
    [
        (["contradiction", "ENTAILMENT", "Neutral"], None, ("contradiction", "entailment", "neutral")),
        (["entailment", "not_entailment"], None, ("entailment", "non_entailment")),
        (
            ["LABEL_0", "LABEL_1", "LABEL_2"],
            "neutral/entailment/contradiction",
            ("neutral", "entailment", "contradiction"),
        ),
        ([], "entailment/neutral/contradiction", LABELS),
    ],
)
def test_labels_are_mapped_by_name(names, order, expected):
    assert map_labels(names, order, "m") == expected


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["entailment", "neutral", "contradiction"], "neutral/entailment/contradiction"),  # contradicts the names
        (["LABEL_0", "LABEL_1"], "entailment/neutral/contradiction"),  # more labels than outputs
        (["LABEL_0", "LABEL_1", "LABEL_2"], "entailment/neutral/wrong"),
        (["entailment", "entailment", "neutral"], None),
        (["positive", "negative"], None),
    ],
)
def test_labels_that_cannot_be_mapped_are_refused(names, order):
    with pytest.raises(InputError, match=r"entailment"):
        map_labels(names, order, "m")


def test_a_two_label_head_answers_the_two_label_prompt_only(encoder, tmp_path):
    config = BertConfig.from_pretrained(encoder, id2label={0: "entailment", 1: "not_entailment"})
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(encoder).save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"prompt=two_label"):
        scores(backend(tmp_path))
    assert scores(backend(tmp_path), METADATA | {"prompt": "two_label"})


def test_an_adapter_gives_the_numbers_of_peft_itself(decoder, tmp_path):
    from peft import AutoPeftModelForSequenceClassification, LoraConfig, TaskType, get_peft_model

    base = AutoModelForSequenceClassification.from_pretrained(decoder)
    torch.manual_seed(1)
    adapted = get_peft_model(
        base, LoraConfig(TaskType.SEQ_CLS, r=4, init_lora_weights=False, target_modules=["q_proj"])
    )
    adapted.save_pretrained(tmp_path)
    texts = [prompts.get("paper").render(r["premise"], r["hypothesis"]) for r in load("hans_fresh", **METADATA)][:20]
    tokenizer = AutoTokenizer.from_pretrained(decoder)
    alone = AutoPeftModelForSequenceClassification.from_pretrained(tmp_path, num_labels=3).eval()
    with torch.no_grad():
        expected = torch.cat([alone(**tokenizer(text, return_tensors="pt")).logits for text in texts])
    ours = backend(decoder, peft=str(tmp_path), label_order="entailment/neutral/contradiction")
    assert torch.allclose(ours.logits([(text, None) for text in texts], disable_tqdm=True), expected, atol=1e-5)
    with pytest.raises(InputError, match="label_order"):
        backend(decoder, peft=str(tmp_path))


def test_a_hypothesis_only_head_sees_the_hypothesis_alone(encoder, tmp_path):
    model = AutoModelForSequenceClassification.from_pretrained(encoder).eval()
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    records = load("hans_fresh", **METADATA)
    with torch.no_grad():
        logits = torch.cat([model(**tokenizer(row["hypothesis"], return_tensors="pt")).logits for row in records])
    middle = logits.median(dim=0).values  # so that the answers differ
    model.classifier.bias.data -= middle
    model.config.synth_eval_input = "hypothesis"
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    answers = (logits - middle).argmax(-1) == 0
    right = [bool(said) == (row["gold_label"] == "entailment") for said, row in zip(answers, records, strict=True)]
    found = scores(backend(tmp_path))
    assert len({*answers.tolist()}) == 2
    assert found["hans_fresh"] == pytest.approx(sum(right) / len(right))
    assert (
        found == scores(backend(tmp_path, input_format="hypothesis")) != scores(backend(tmp_path, input_format="pair"))
    )


def test_what_an_adapter_was_trained_on_counts_before_its_base_model(encoder, tmp_path):
    from peft import LoraConfig, TaskType, get_peft_model

    from synth_eval import provenance

    base, adapter = tmp_path / "base", tmp_path / "adapter"
    shutil.copytree(encoder, base)
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"synth_eval_input": "pair"}))
    model = AutoModelForSequenceClassification.from_pretrained(base)
    get_peft_model(model, LoraConfig(TaskType.SEQ_CLS, r=2, target_modules=["query"])).save_pretrained(adapter)
    facts = {"kind": "checkpoint", "labels": list(LABELS), "synth_eval_input": "hypothesis"}
    provenance.write(adapter, facts)
    assert backend(base, peft=str(adapter)).input_format == "hypothesis"
    assert backend(base).input_format == "pair"


@pytest.mark.parametrize(("quantization", "says"), [("nf8", "expected nf4"), ("nf4", "no CUDA device")])
def test_four_bits_are_nf4_and_need_a_gpu(encoder, quantization, says, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=says):
        backend(encoder, quantization=quantization)


def test_a_language_model_is_refused_as_a_classifier(stories):
    with pytest.raises(InputError, match=r"head would be random.*--model hf"):
        backend(stories)


def test_a_classifier_is_refused_as_a_language_model(decoder):
    with pytest.raises(InputError, match=r"random head.*--model synth-classifier"):
        run(
            "hf",
            ["hans_fresh"],
            METADATA | {"pretrained": str(decoder)},
            model_args={"pretrained": str(decoder)},
            device="cpu",
        )


def test_answer_words_are_reported_before_inference(stories, caplog):
    preflight.check_words.cache_clear()  # it reports once a process
    with caplog.at_level(logging.WARNING, "synth_eval"):
        preflight.check_model({"pretrained": str(stories)}, prompts.get("paper"))
    assert "unequal length" in caplog.text and "'entailment' =" in caplog.text and "acc_norm" in caplog.text


def test_answer_words_that_look_the_same_to_the_tokenizer_are_refused(stories):
    same = prompts.Prompt("same", "{premise} {hypothesis}", {"entailment": "yes", "non_entailment": "yes"}, "test")
    with pytest.raises(InputError, match="cannot tell apart"):
        preflight.check_model({"pretrained": str(stories)}, same)


def test_a_context_shorter_than_the_prompt_is_refused_before_inference(stories, encoder):
    short = {"pretrained": str(stories), "max_length": 40}
    with pytest.raises(InputError, match=r"longer than 41 tokens.*nothing is cut silently"):
        run("hf", ["hans_fresh"], METADATA | short, model_args=short, device="cpu")
    with pytest.raises(InputError, match=r"longer than 8 tokens"):
        scores(backend(encoder, max_length=8))


def test_prompts_are_cut_only_when_asked_and_counted(stories, caplog):
    short = {"pretrained": str(stories), "max_length": 60}
    run("hf", ["hans_fresh_constituent"], METADATA | short | {"truncate": True}, model_args=short, device="cpu")
    assert "20 of 20 prompts are cut at their beginning" in caplog.text


def test_a_real_language_model_runs_hans_through_the_plain_harness(stories):
    arguments = {"pretrained": str(stories)}
    results = run("hf", ["hans_heuristics"], arguments, model_args=arguments, limit=10, batch_size=16, device="cpu")
    leaves = list(results["n-samples"])
    assert len(leaves) == 6 and all(results["n-samples"][leaf]["effective"] == 10 for leaf in leaves)
    assert 0 <= results["results"]["hans_heuristics"]["acc_mutual_info,none"] <= 1
