"""Settings, recipe files, data, row order, tokenizers, guards: everything around a training run but the run."""

from __future__ import annotations

import json
import os
import shlex

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from synth_eval import files, recipe
from synth_eval.errors import InputError
from synth_eval.models import quantization
from synth_eval.training import adapters, classifier, guard, inputs, pairs, report, run, scratch, sft
from synth_eval.training.arguments import check_length
from synth_eval.training.settings import ClassifierSettings, SFTSettings, TokenizerSettings

BERT = {
    "model_type": "bert",
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
LABELS = ("entailment", "neutral", "contradiction")
GOOD = """\
data: {name: some.jsonl}
from_config: {model_type: bert}
learning_rate: 1e-3
lora:
"""


def write(folder, text, name="r.yaml"):
    path = folder / name
    path.write_text(text)
    return path


def jsonl(folder, rows, name="some.jsonl"):
    lines = [
        json.dumps({"pairID": str(i), "premise": p, "hypothesis": h, "gold_label": g}) + "\n"
        for i, (p, h, g) in enumerate(rows)
    ]
    return write(folder, "".join(lines), name)


def some(name, **more):
    return ClassifierSettings.model_validate({"data": {"name": str(name)}, "from_config": BERT} | more)


# Recipe files


def test_a_recipe_is_read_and_overridden(tmp_path):
    path = write(tmp_path, GOOD)
    this = recipe.read(
        path, ClassifierSettings, ["epochs=2", "data.size=500", "lora.r=4", "from_config=", "base_model=x"]
    )
    assert this.settings.learning_rate == 1e-3  # YAML 1.1 reads 1e-3 as text
    assert this.settings.epochs == 2
    assert this.settings.data[0].options == {"size": 500}
    assert this.settings.base_model == "x"
    assert this.hash != recipe.read(path, ClassifierSettings).hash


def test_the_recipe_hash_is_over_settings_not_spelling(tmp_path):
    spelled = GOOD.replace("1e-3", "0.001  # the same") + "seed: 0\n"
    a, b = write(tmp_path, GOOD, "a.yaml"), write(tmp_path, spelled, "b.yaml")
    assert recipe.read(a, ClassifierSettings).hash == recipe.read(b, ClassifierSettings).hash


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("learning_rat: 1", ["line 5", "'learning_rat'", "did you mean 'learning_rate'?"]),
        ("tokenizer: {vocab_sise: 100}", ["line 5", "'tokenizer.vocab_sise'", "did you mean 'vocab_size'?"]),
        ("epochs: many", ["line 5", "epochs: 'many'", "a valid number"]),
        ("epochs: .nan", ["line 5", "epochs: nan", "finite"]),
        ("epochs: .inf", ["epochs: inf"]),
        ("weight_decay: -1", ["weight_decay: -1", "greater than or equal to 0"]),
        ("epochs: -1", ["epochs: -1", "greater than or equal to 0"]),
        ("batch_size: 2.5", ["batch_size: 2.5"]),
        ("input_format: pears", ["input_format: 'pears'", "'pair'"]),
        ("prompt: papper", ["'papper'", "did you mean 'paper'?"]),
        ("base_model: x", ["exactly one of base_model and from_config"]),
        ("evaluation_data: {size: 3}", ["no key 'evaluation_data.0.name'"]),
        ("data: {name: x}", ["line 5", "'data' twice"]),
        ("epochs: [1", ["invalid YAML"]),
        ("epochs: !!python/object/apply:os.system [exit]", ["invalid YAML"]),
        ("? [a, b]\n: 1", ["invalid YAML", "unhashable key"]),
        ("? {a: b}\n: 1", ["invalid YAML", "unhashable key"]),
        ("data: &a [*a]", ["invalid YAML", "Circular"]),
        ("seed: 2020-13-45", ["invalid YAML", "month"]),
        ("1: x", ["'1'"]),
    ],
)
def test_a_mistake_is_named_with_its_place_and_fix(tmp_path, line, says):
    path = write(tmp_path, GOOD + line + "\n")
    with pytest.raises(InputError) as caught:
        recipe.read(path, ClassifierSettings)
    assert all(text in str(caught.value) for text in says), caught.value
    assert str(path) in str(caught.value) or line.startswith("prompt")


@pytest.mark.parametrize("override", ["epochs", "=3", "epochs.inner=3", "epochs=[", "epoch=3"])
def test_a_bad_override_is_an_error(tmp_path, override):
    with pytest.raises(InputError):
        recipe.read(write(tmp_path, GOOD + "epochs: 1\n"), ClassifierSettings, [override])


def test_files_that_are_no_recipe(tmp_path):
    for path in (tmp_path / "none.yaml", write(tmp_path, "- a list\n"), write(tmp_path, "", "empty.yaml")):
        with pytest.raises(InputError, match=str(path)):
            recipe.read(path, ClassifierSettings)


def test_a_recipe_that_is_not_utf_8(tmp_path):
    path = tmp_path / "latin.yaml"
    path.write_bytes("# Zürich\n".encode("latin-1") + GOOD.encode())
    with pytest.raises(InputError, match=r"latin\.yaml: found bytes that are not UTF-8"):
        recipe.read(path, ClassifierSettings)


def test_a_language_model_is_not_fine_tuned_for_no_epoch(tmp_path):
    path = write(tmp_path, GOOD)
    assert recipe.read(path, ClassifierSettings, ["epochs=0"]).settings.steps(100) == 0
    with pytest.raises(InputError, match=r"epochs: 0.*greater than 0"):
        recipe.read(path, SFTSettings, ["epochs=0"])


def test_the_classifier_key_is_unknown_to_sft(tmp_path):
    with pytest.raises(InputError, match="input_format"):
        recipe.read(write(tmp_path, GOOD + "input_format: pair\n"), SFTSettings)


# Data

PAIRS = [("A man runs.", "A man moves.", "entailment"), ("A man runs.", "He is old.", "neutral")]


def test_overlap_with_the_evaluation_data_stops_the_run(tmp_path):
    train = jsonl(tmp_path, PAIRS)
    held_out = jsonl(tmp_path, [("a  MAN runs.", "he is old.", "neutral")], "eval.jsonl")
    with pytest.raises(InputError, match=r"1 training pairs .*'A man runs\.' / 'He is old\.'"):
        pairs.load_pairs(some(train, evaluation_data=str(held_out)))
    kept = pairs.load_pairs(some(train, evaluation_data=str(held_out), drop_overlap=True))
    assert kept.pairs == PAIRS[:1]
    assert kept.dropped == 1
    assert [(source["role"], source["rows"]) for source in kept.sources] == [("train", 2), ("evaluation", 1)]


def test_rows_is_a_sample_fixed_by_the_seed(tmp_path):
    path = jsonl(tmp_path, [(f"p {i}", f"h {i}", "neutral") for i in range(50)])
    draw = [pairs.load_pairs(some(path, seed=s, data={"name": str(path), "rows": 10})) for s in (1, 1, 2)]
    assert draw[0].pairs == draw[1].pairs != draw[2].pairs
    assert draw[0].sources[0]["hash"] == draw[1].sources[0]["hash"] != draw[2].sources[0]["hash"]
    assert len(set(draw[0].pairs)) == 10
    with pytest.raises(InputError, match="50 rows"):
        pairs.load_pairs(some(path, data={"name": str(path), "rows": 51}))


def made_of(*labels):
    return pairs.Pairs([("p", "h", label) for label in labels], [], 0)


def test_labels_of_a_head():
    assert made_of("neutral", "contradiction").classes == ("entailment", "neutral", "contradiction")
    assert made_of("entailment", "non_entailment").classes == ("entailment", "non_entailment")
    with pytest.raises(InputError, match="neutral"):
        _ = made_of("neutral", "non_entailment").classes
    with pytest.raises(InputError, match="only the label neutral"):
        _ = made_of("neutral").classes


def test_two_label_data_needs_a_two_label_prompt():
    two = made_of("entailment", "non_entailment")
    base = {"data": "x", "from_config": BERT}
    with pytest.raises(InputError, match=r"prompt paper: found the gold labels non_entailment"):
        sft.rows(SFTSettings.model_validate(base), two)
    taught = sft.rows(SFTSettings.model_validate(base | {"prompt": "two_label"}), two)
    assert [row["completion"] for row in taught] == [" yes", " no"]


# The order of rows


@given(
    lengths=st.lists(st.integers(1, 60), min_size=2, max_size=400),
    batch=st.integers(1, 9),
    epochs=st.sampled_from([0.3, 1.0, 2.0, 2.5]),
    seed=st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_every_row_is_trained_on_as_often_as_the_epochs_say(lengths, batch, epochs, seed):
    order = pairs.training_order(lengths, batch, epochs, seed)
    assert order == pairs.training_order(lengths, batch, epochs, seed)
    assert len(order) == round(len(lengths) * epochs)
    counts = np.bincount(np.array(order, dtype=int), minlength=len(lengths))
    assert counts.max() <= np.ceil(epochs)
    assert counts.min() >= np.floor(epochs)


def test_rows_that_are_only_shuffled():
    lengths = np.random.default_rng(0).integers(5, 100, 500)
    order = pairs.training_order(lengths, 8, 2, 0, bucketing=False)
    assert sorted(order[:500]) == sorted(order[500:]) == list(range(500))
    assert order[:500] != order[500:]
    assert order == pairs.training_order(lengths, 4, 2, 0, bucketing=False)
    assert abs(np.corrcoef(lengths[order[:-1]], lengths[order[1:]])[0, 1]) < 0.2  # neighbours are no alike


def test_no_epoch_has_no_rows_and_a_part_of_one_has_some():
    assert pairs.training_order([3, 4], 2, 0, 1) == []
    with pytest.raises(InputError, match=r"epochs: found 0\.1 of 2 rows; expected one row or more"):
        pairs.training_order([3, 4], 2, 0.1, 1)


def test_batches_hold_rows_of_similar_length_in_no_order_of_length():
    lengths = np.random.default_rng(0).integers(5, 100, 3000)
    order = pairs.training_order(lengths, 32, 2, 0)
    batches = [lengths[order[i : i + 32]] for i in range(0, len(order), 32)]
    padding = 1 - sum(b.sum() for b in batches) / sum(b.max() * len(b) for b in batches)
    assert padding < 0.06  # shuffled alone: about .46
    means = [batch.mean() for batch in batches]
    assert abs(np.corrcoef(means, range(len(means)))[0, 1]) < 0.2
    assert order[:32] != pairs.training_order(lengths, 32, 2, 1)[:32]


# Models from a config, tokenizers from the text

TEXTS = ["The man saw the woman.", "Some men did not run.", "The dogs' owner isn't here."] * 5


def test_a_word_tokenizer_for_pairs():
    tokenizer = scratch.train_tokenizer(TokenizerSettings(kind="word"), TEXTS, pairs=True, max_length=32)
    encoded = tokenizer("The man ran.", "The MAN saw.")
    tokens = tokenizer.convert_ids_to_tokens(encoded["input_ids"])
    assert tokens == ["<cls>", "the", "man", "<unk>", ".", "<sep>", "the", "man", "saw", ".", "<sep>"]
    assert encoded["token_type_ids"] == [0] * 6 + [1] * 5
    assert tokenizer.pad_token_id == 0


@pytest.mark.parametrize("kind", ["word", "bpe"])
def test_a_tokenizer_for_a_language_model_adds_nothing(kind):
    tokenizer = scratch.train_tokenizer(TokenizerSettings(kind=kind, vocab_size=400), TEXTS, pairs=False, max_length=32)
    ids = tokenizer("The man saw")["input_ids"]
    assert tokenizer("The man saw the woman.")["input_ids"][: len(ids)] == ids
    assert not {tokenizer.pad_token_id, tokenizer.eos_token_id} & set(ids)
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    if kind == "bpe":
        unseen = "Zürich ☃ The man"
        assert tokenizer.decode(tokenizer(unseen)["input_ids"]) == unseen


def test_an_unknown_config_key_is_refused():
    tokenizer = scratch.train_tokenizer(TokenizerSettings(), TEXTS, pairs=True, max_length=32)
    with pytest.raises(InputError, match="did you mean 'hidden_size'"):
        scratch.build_config(some("x", from_config={"model_type": "bert", "hiden_size": 3}), tokenizer)
    with pytest.raises(InputError, match="model_type 'brt'"):
        scratch.build_config(some("x", from_config={"model_type": "brt"}), tokenizer)
    with pytest.raises(InputError, match="model_type None"):
        scratch.build_config(some("x", from_config={"hidden_size": 3}), tokenizer)


def test_max_length_beyond_the_positions_is_refused(tmp_path):
    path = jsonl(tmp_path, PAIRS)
    small = some(path, from_config=BERT | {"max_position_embeddings": 20}, max_length=21)
    with pytest.raises(InputError, match="max_length: 20"):
        classifier.build(small, pairs.load_pairs(small))


def test_a_base_model_that_is_not_there(tmp_path):
    path = jsonl(tmp_path, PAIRS)
    base = ClassifierSettings.model_validate({"data": str(path), "base_model": str(tmp_path)})
    with pytest.raises(InputError, match=r"base_model .*no model that loads"):
        classifier.build(base, pairs.load_pairs(base))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"hidden_size": 130, "num_attention_heads": 4}, "130"),
        ({"hidden_size": "foo"}, "hidden_size"),
        ({"hidden_act": "nope"}, "nope"),
        ({"num_hidden_layers": 1.5}, "num_hidden_layers"),
        ({"max_position_embeddings": "many"}, "from_config.max_position_embeddings: found 'many'"),
        ({"max_position_embeddings": None}, "from_config.max_position_embeddings: found None"),
        # builds, and breaks when it is first used
        ({"model_type": "llama", "hidden_size": 12, "num_attention_heads": 4}, "from_config: found values that make"),
    ],
)
def test_values_that_make_no_model(tmp_path, change, says):
    path = jsonl(tmp_path, PAIRS)
    wanted = {"data": str(path), "from_config": BERT | change, "max_length": 64}
    classify, speak = ClassifierSettings.model_validate(wanted), SFTSettings.model_validate(wanted)
    loaded = pairs.load_pairs(classify)
    with pytest.raises(InputError, match="from_config") as caught:
        classifier.build(classify, loaded)
    assert says in str(caught.value)
    with pytest.raises(InputError, match="from_config"):
        sft.build(speak, sft.rows(speak, loaded))


# Base models: whose head means what


def save_base(folder, kind, labels=LABELS, architecture="AutoModelForSequenceClassification", **more):
    """A tiny checkpoint of the architecture with head outputs ``labels``, and its tokenizer."""
    import transformers

    torch.manual_seed(3)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    names = {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 32} if kind == "distilbert" else sizes
    special = {"pad_token_id": 0, "bos_token_id": None, "eos_token_id": None}
    shape = {"vocab_size": 60, "max_position_embeddings": 130, **special, **names, **more}
    config = transformers.AutoConfig.for_model(kind, id2label=dict(enumerate(labels)), **shape)
    model = getattr(transformers, architecture).from_config(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    scratch.train_tokenizer(TokenizerSettings(kind="word"), TEXTS, pairs=True, max_length=128).save_pretrained(folder)
    return model.eval()


def on(base, data, **more):
    return ClassifierSettings.model_validate({"data": str(data), "base_model": str(base)} | more)


THREE = [*PAIRS, ("A dog runs.", "No dog runs.", "contradiction")]
IDS = torch.tensor([[2, 5, 6, 7, 3], [2, 8, 9, 10, 3]])


def answers(model):
    with torch.inference_mode():
        return model.eval()(input_ids=IDS).logits


@pytest.mark.parametrize("kind", ["bert", "roberta", "llama", "distilbert"])
def test_a_trained_head_in_another_order_keeps_its_meaning(tmp_path, kind):
    there = ("CONTRADICTION", "Neutral", "entailment")
    base = save_base(tmp_path, kind, there)
    settings_here = on(tmp_path, jsonl(tmp_path, THREE))
    _, model = classifier.build(settings_here, pairs.load_pairs(settings_here))
    assert model.config.id2label == dict(enumerate(LABELS))
    assert model.config.label2id == {label: number for number, label in enumerate(LABELS)}
    assert torch.equal(answers(model), answers(base)[:, [2, 1, 0]])
    assert answers(base)[:, 0].ne(answers(base)[:, 2]).all()


def test_a_trained_head_in_our_order_is_left_as_it_is(tmp_path):
    base = save_base(tmp_path, "bert", LABELS)
    settings_here = on(tmp_path, jsonl(tmp_path, THREE))
    _, model = classifier.build(settings_here, pairs.load_pairs(settings_here))
    assert all(torch.equal(value, base.state_dict()[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    "labels",
    [("LABEL_0", "LABEL_1", "LABEL_2"), ("entailment", "non_entailment"), ("bad", "good"), ("entailment",) * 3],
)
def test_a_trained_head_with_other_labels_is_refused(tmp_path, labels):
    save_base(tmp_path, "bert", labels)
    settings_here = on(tmp_path, jsonl(tmp_path, THREE))
    with pytest.raises(InputError, match=f"a trained head with the labels {', '.join(labels)}.*id2label"):
        classifier.build(settings_here, pairs.load_pairs(settings_here))


@pytest.mark.parametrize("claims", [False, True])
def test_a_base_model_without_a_head_gets_one(tmp_path, claims):
    base = save_base(tmp_path, "bert", ("LABEL_0", "LABEL_1"), "AutoModel")
    if claims:  # the config names a head, the weights have none
        config = json.loads((tmp_path / "config.json").read_text())
        write(tmp_path, json.dumps(config | {"architectures": ["BertForSequenceClassification"]}), "config.json")
    settings_here = on(tmp_path, jsonl(tmp_path, THREE))
    _, model = classifier.build(settings_here, pairs.load_pairs(settings_here))
    _, again = classifier.build(settings_here, pairs.load_pairs(settings_here))
    assert model.config.id2label == dict(enumerate(LABELS))
    assert torch.equal(model.bert.pooler.dense.weight, base.pooler.dense.weight)
    assert torch.equal(model.classifier.weight, again.classifier.weight)


def test_a_head_for_something_else_is_refused(tmp_path):
    save_base(tmp_path, "bert", LABELS, "AutoModelForTokenClassification")
    settings_here = on(tmp_path, jsonl(tmp_path, THREE))
    with pytest.raises(InputError, match="the trained output layer of BertForTokenClassification"):
        classifier.build(settings_here, pairs.load_pairs(settings_here))


@pytest.mark.parametrize("kind", ["distilbert", "roberta", "bert"])
def test_an_adapter_keeps_the_whole_head(tmp_path, kind):
    from peft import AutoPeftModelForSequenceClassification

    save_base(tmp_path, kind, ("a", "b"), "AutoModel")
    settings_here = on(tmp_path, jsonl(tmp_path, THREE), lora={"r": 2})
    _, model = classifier.build(settings_here, pairs.load_pairs(settings_here))
    model.save_pretrained(tmp_path / "adapter")
    torch.manual_seed(99)
    again = AutoPeftModelForSequenceClassification.from_pretrained(tmp_path / "adapter", num_labels=3)
    assert torch.allclose(answers(again), answers(model), atol=1e-6)
    assert quantization.head_modules(model.get_base_model())


@pytest.mark.parametrize(("target", "fix"), [("nope", "use one of"), ("querry", "did you mean 'query'"), ("layer", "")])
def test_adapters_for_layers_that_are_not_there(tmp_path, target, fix):
    save_base(tmp_path, "bert", LABELS, "AutoModelForCausalLM", is_decoder=True)
    lora = {"target_modules": ["query", target]}
    for kind in (ClassifierSettings, SFTSettings):
        settings_here = kind.model_validate(
            {"data": str(jsonl(tmp_path, THREE)), "base_model": str(tmp_path), "lora": lora}
        )
        loaded = pairs.load_pairs(settings_here)
        with pytest.raises(InputError, match=rf"lora\.target_modules: found '{target}'.*{fix}"):
            if kind is SFTSettings:
                sft.build(settings_here, sft.rows(settings_here, loaded))
            else:
                classifier.build(settings_here, loaded)


@pytest.mark.parametrize(
    ("kind", "architecture", "refused"),
    [
        ("llama", "AutoModelForSequenceClassification", True),
        ("bert", "AutoModelForSequenceClassification", True),
        ("llama", "AutoModel", True),
        ("llama", "AutoModelForCausalLM", False),
    ],
)
@pytest.mark.parametrize("tied", [True, False])
def test_fine_tuning_needs_a_language_model(tmp_path, kind, architecture, refused, tied):
    save_base(tmp_path, kind, LABELS, architecture, tie_word_embeddings=tied)
    settings_here = SFTSettings.model_validate({"data": str(jsonl(tmp_path, THREE)), "base_model": str(tmp_path)})
    if refused and not (tied and architecture == "AutoModel"):  # tied: the embeddings are the head
        with pytest.raises(InputError, match=r"a causal language model with its head"):
            sft.build(settings_here, [])
    else:
        sft.build(settings_here, [])


def test_a_tokenizer_that_ends_every_text_masks_no_token_of_the_answer():
    from tokenizers import processors

    plain = scratch.train_tokenizer(TokenizerSettings(kind="word"), TEXTS, pairs=False, max_length=64)
    ending = scratch.train_tokenizer(TokenizerSettings(kind="word"), TEXTS, pairs=False, max_length=64)
    ending.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <eos>", special_tokens=[("<eos>", ending.eos_token_id)]
    )
    texts = [{"prompt": "The man saw", "completion": " the woman"}]
    settings_here = SFTSettings.model_validate({"data": "x", "from_config": BERT})
    assert ending("The man")["input_ids"][-1] == ending.eos_token_id != plain("The man")["input_ids"][-1]
    row = sft.tokenise(settings_here, texts, ending)[0][0]
    assert row == sft.tokenise(settings_here, texts, plain)[0][0]
    assert row["labels"] == [-100] * 3 + row["input_ids"][3:]
    assert plain.convert_ids_to_tokens(row["input_ids"][3:]) == ["the", "woman", "<eos>"]


def test_a_tokenizer_without_an_end_of_text_token_is_refused():
    tokenizer = scratch.train_tokenizer(TokenizerSettings(kind="word"), TEXTS, pairs=True, max_length=64)
    settings_here = SFTSettings.model_validate({"data": "x", "base_model": "some"})
    with pytest.raises(InputError, match="without an end-of-text token"):
        sft.tokenise(settings_here, [{"prompt": "The man", "completion": " saw"}], tokenizer)


def test_rows_that_are_too_long_stop_the_run():
    with pytest.raises(InputError, match="2 of 3 rows longer than 128 tokens, the longest 200"):
        check_length(some("x"), [200, 128, 129])
    assert check_length(some("x", truncate=True), [200, 128, 129]) == 2


@pytest.mark.parametrize(
    ("kind", "whole"),
    [
        ("bert", ["classifier"]),
        ("roberta", ["classifier"]),
        ("llama", ["score"]),
        ("distilbert", ["pre_classifier", "classifier"]),
    ],
)
@pytest.mark.parametrize("headed", [True, False])
def test_all_of_a_head_stays_out_of_the_four_bits(tmp_path, kind, whole, headed):
    """Whether the base model has a head or gets one: training, checkers and evaluation ask the same function."""
    save_base(tmp_path, kind, LABELS, "AutoModelForSequenceClassification" if headed else "AutoModel")
    assert quantization.head_of(str(tmp_path)) == whole
    kept = quantization.nf4(whole)
    assert kept.llm_int8_skip_modules == whole
    assert not list(quantization.loading(None, whole))


def test_a_head_goes_on_with_its_own_input():
    inputs.require_same(None, "pair", "base_model x")
    inputs.require_same("pair", "pair", "base_model x")
    with pytest.raises(InputError, match=r"base_model x: found a head made for the input hypothesis; expected pair"):
        inputs.require_same("hypothesis", "pair", "base_model x")
    with pytest.raises(InputError, match="set input_format: prompt and prompt: bare"):
        inputs.require_same("prompt:bare", "prompt:paper", "base_model x")


# Base models of adapters

HUB = {"base_model": "a/b", "revision": "c1", "settings": {"quantization": None}}


def require_base(record, base, commit=None, **more):
    settings_here = ClassifierSettings.model_validate({"data": "x", "base_model": str(base), "lora": {}} | more)
    adapters._require_base(record, settings_here, commit, "adapter y")


def test_adapters_of_the_very_base_model_go_on(tmp_path, recwarn):
    save_base(tmp_path / "one", "bert", LABELS)
    digest = adapters.sha256_folder(tmp_path / "one")
    require_base(HUB, "a/b", "c1")
    require_base(HUB, "a/b", revision="c1")
    require_base({"base_model": "moved", "base_model_sha256": digest}, tmp_path / "one")
    require_base(HUB | {"settings": {"quantization": "nf4"}}, "a/b", "c1", quantization="nf4")
    assert not recwarn.list


@pytest.mark.parametrize(
    ("record", "more", "says"),
    [
        (HUB, {"base": "a/c", "commit": "c1"}, "adapters of a/b, revision c1; expected adapters of a/c, revision c1"),
        (HUB, {"base": "a/b", "commit": "c2"}, "adapters of a/b, revision c1; expected adapters of a/b, revision c2"),
        (HUB, {"base": "a/b", "revision": "c2"}, "revision c1; expected adapters of a/b, revision c2"),
        (HUB, {"base": "a/b", "commit": "c1", "quantization": "nf4"}, "quantization None; expected quantization nf4"),
        (HUB | {"settings": {"quantization": "nf4"}}, {"base": "a/b", "commit": "c1"}, "set quantization: nf4"),
    ],
)
def test_adapters_of_another_base_model_are_refused(record, more, says):
    with pytest.raises(InputError, match=f"adapter y: .*{says}"):
        require_base(record, **more)


def test_whether_the_base_model_is_the_same_may_not_be_known(tmp_path):
    for record, base in [
        (HUB, tmp_path),
        ({"base_model": "folder", "base_model_sha256": "d"}, "a/b"),
        (HUB | {"revision": None}, "a/b"),
        (HUB, "a/b"),
    ]:
        with pytest.warns(UserWarning, match="adapter y: adapters of .* is not known"):
            require_base(record, base)


# The run's folder


def opened(folder, output_dir, kind=ClassifierSettings, labels=LABELS, **more):
    """A run that trains nothing, opened."""
    data = jsonl(folder, [(f"p {label}", f"h {label}", label) for label in labels])
    content = {"data": str(data), "from_config": BERT} | more
    content = {key: value for key, value in content.items() if value is not None}
    this = recipe.read(write(folder, json.dumps(content)), kind)
    return run.open_run(output_dir, this, pairs.load_pairs(this.settings))


def test_one_process_trains_in_a_folder_at_a_time(tmp_path):
    first, second = (opened(tmp_path, tmp_path / "out") for _ in range(2))
    refusal = pytest.raises(InputError, match=r"another process is at work in .*out.*--output_dir")
    with run.hold(first), refusal, run.hold(second):
        pytest.fail("held twice")
    with run.hold(second):
        pass
    assert not list((tmp_path / "out").iterdir())


def test_what_another_process_wrote_meanwhile_is_not_touched(tmp_path):
    first, second = (opened(tmp_path, tmp_path / "out") for _ in range(2))
    with run.hold(first):
        run.prepare(first)
    with pytest.raises(InputError, match="another process wrote since"), run.hold(second):
        pytest.fail("held")
    assert (first.checkpoints / run.IDENTITY).is_file()
    with run.hold(opened(tmp_path, tmp_path / "out")):
        pass


def test_a_failed_training_lets_go_of_the_folder(tmp_path):
    for _ in range(2):
        with pytest.raises(guard.DivergedError), run.hold(opened(tmp_path, tmp_path / "out")):
            raise guard.DivergedError("the loss is nan")
    handle = files.lock(tmp_path / "out")
    os.close(handle)


@pytest.mark.parametrize("inside", ["", "deeper/still"])
def test_a_file_where_the_folder_should_be(tmp_path, inside):
    write(tmp_path, "mine", "out")
    with pytest.raises(InputError, match=r"--output_dir .*: found the file .*out; expected a folder"):
        opened(tmp_path, tmp_path / "out" / inside)
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize(
    ("save", "place"),
    [(lambda path: save_file({"w": torch.zeros(9)}, path), "none/w"), (lambda path: torch.save([1], path), "full")],
)
def test_a_disk_that_does_not_take_it_is_an_os_error_with_the_path(tmp_path, save, place):
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(OSError, match=rf"{tmp_path}.*Is the disk full"), guard.writing(tmp_path):
        save(tmp_path / place)
    with pytest.raises(RuntimeError, match="shapes"), guard.writing(tmp_path):
        raise RuntimeError("shapes do not fit")


@pytest.mark.parametrize(
    ("more", "backend", "expected"),
    [
        ({}, "synth-classifier", ["pretrained=OUT/model", None]),
        ({"prompt": "bare"}, "synth-classifier", ["pretrained=OUT/model", None]),  # a pair: no prompt is in it
        ({"prompt": "bare", "input_format": "prompt"}, "synth-classifier", ["pretrained=OUT/model", "bare"]),
        ({"labels": ("entailment", "non_entailment")}, "synth-classifier", ["pretrained=OUT/model", "two_label"]),
        ({"kind": SFTSettings, "prompt": "true_false"}, "hf", ["pretrained=OUT/model", "true_false"]),
        (
            {"kind": SFTSettings, "from_config": None, "base_model": "a/b", "revision": "r1", "lora": {}},
            "hf",
            ["pretrained=a/b,revision=r1,peft=OUT/model", None],
        ),
        (
            {"from_config": None, "base_model": "a/b", "revision": "r1", "lora": {}},
            "synth-classifier",
            ["pretrained=a/b,revision=r1,peft=OUT/model,label_order=entailment/neutral/contradiction", None],
        ),
        (
            {"from_config": None, "base_model": "a/b", "adapter": "c", "quantization": "nf4"},
            "synth-classifier",
            ["pretrained=a/b,peft=OUT/model,label_order=entailment/neutral/contradiction,quantization=nf4", None],
        ),
        ({"input_format": "hypothesis"}, "synth-classifier", ["pretrained=OUT/model", None]),
        (
            {"from_config": None, "base_model": "a/b", "revision": "r1"},
            "synth-classifier",
            ["pretrained=OUT/model", None],
        ),
    ],
)
def test_the_command_that_comes_next(tmp_path, more, backend, expected):
    words = shlex.split(report.evaluation_command(opened(tmp_path, tmp_path / "out", **more), backend))
    model_args, prompt = expected
    assert words[:6] == [
        *["synth-eval", "eval", "--model", backend],
        *["--model_args", model_args.replace("OUT", str(tmp_path / "out"))],
    ]
    assert words[8:] == (["--metadata", f"prompt={prompt}"] if prompt else [])


# The guards


@pytest.fixture
def sealed(tmp_path):
    """Checkpoints 5, 10, 15, sealed one after another."""
    for step in (5, 10, 15):
        folder = tmp_path / ".writing" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        save_file({"w": torch.full((3,), float(step))}, folder / "model.safetensors")
        (folder / "optimizer.pt").write_bytes(b"state" * 10)
        (folder / "training_args.bin").write_bytes(b"pickle")
        guard.seal(folder, tmp_path)
    return tmp_path


def test_sealing_keeps_the_newest_two_and_no_pickled_arguments(sealed):
    assert sorted(path.name for path in sealed.glob("checkpoint-*")) == ["checkpoint-10", "checkpoint-15"]
    assert guard.newest_verified(sealed) == sealed / "checkpoint-15"
    assert not list(sealed.rglob("training_args.bin"))
    assert not list((sealed / ".writing").iterdir())


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "manifest.json"])
@pytest.mark.parametrize("damage", [flip, lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(sealed, name, damage):
    damage(sealed / "checkpoint-15" / name)
    with pytest.warns(UserWarning, match=r"ignoring the checkpoint .*checkpoint-15"):
        assert guard.newest_verified(sealed) == sealed / "checkpoint-10"


def test_no_checkpoint_is_a_fresh_start(tmp_path):
    assert guard.newest_verified(tmp_path) is None
    (tmp_path / "checkpoint-3").mkdir()
    with pytest.warns(UserWarning, match="not written to its end"):
        assert guard.newest_verified(tmp_path) is None


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_one_non_finite_weight_is_found(tmp_path, bad):
    save_file({"a": torch.ones(4), "b": torch.tensor([1.0, bad, 2.0])}, tmp_path / "model.safetensors")
    with pytest.raises(guard.DivergedError, match="the weight b is not finite at step 7"):
        guard.require_finite_files(tmp_path, 7)
    save_file({"a": torch.ones(4), "n": torch.tensor([1])}, tmp_path / "model.safetensors")
    guard.require_finite_files(tmp_path, 7)
