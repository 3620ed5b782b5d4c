"""The two template grammars: definitions, labels, counts, and the overlap dial."""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from synth_eval.errors import InputError
from synth_eval.nli import grammar, hans_grammar, lexicon
from synth_eval.nli.hans import HEURISTICS, PAIRS, PAIRS_PER_SUBCASE, SUBCASES
from synth_eval.nli.labels import ENTAILMENT, LABELS, NON_ENTAILMENT
from synth_eval.nli.overlap import RULES, full_overlap, is_subsequence
from synth_eval.nli.templates import Filling, clauses, leaves, parse, sentence

seeds = st.integers(min_value=0, max_value=2**31)
SUBCASE_TEMPLATES = [(subcase, template) for subcase in SUBCASES for template in hans_grammar.TEMPLATES[subcase]]
CLASSES = [
    (key, template)
    for key, kinds in grammar.TEMPLATES.items()
    for finer in kinds.values()
    for phenomena in finer.values()
    for templates in phenomena.values()
    for template in templates
]
FUNCTION_WORDS = """
, . the and or who that by in near behind next to front of was were if unless whether not case since because
although though after before when while without
"""


@cache
def lemmas() -> dict[str, str]:
    return {form: singular for singular, plural in lexicon.PERSONS for form in (singular, plural)}


def assert_obeys(heuristic: str, tree: tuple, hypothesis: list[str]) -> None:
    premise, text = sentence(leaves(tree)), sentence(hypothesis)
    for rule in RULES:
        assert full_overlap(premise, text, rule), (premise, text)
    whole_clause = hypothesis in list(clauses(tree))
    match heuristic:
        case "lexical_overlap":
            assert not is_subsequence(premise, text), (premise, text)
        case "subsequence":
            assert is_subsequence(premise, text) and not whole_clause, (premise, text)
        case "constituent":
            assert whole_clause and len(hypothesis) < len(leaves(tree)), (premise, text)


def test_the_facts_of_hans():
    assert HEURISTICS == ("lexical_overlap", "subsequence", "constituent")
    assert PAIRS == 30_000 and PAIRS_PER_SUBCASE * len(SUBCASES) == PAIRS
    assert Counter(SUBCASES.values()) == {(h, g): 5 for h in HEURISTICS for g in (ENTAILMENT, NON_ENTAILMENT)}


def test_the_subcases_are_those_of_the_official_file_in_its_order():
    seen = {}
    for row in real_hans():
        seen.setdefault(row["subcase"], (row["heuristic"], row["gold_label"].replace("-", "_")))
    assert list(seen.items()) == list(SUBCASES.items())


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_every_template_obeys_its_heuristic(seed):
    for subcase, template in SUBCASE_TEMPLATES:
        tree, hypothesis = hans_grammar.draw(template, Random(seed))
        assert_obeys(SUBCASES[subcase][0], tree, hypothesis)


def test_the_check_can_fail():
    swap = parse("(S (NP the baker) (VP praised (NP the pilot)))")
    clause = parse("(S (CP if (S the baker sang)) , (S the pilot wept))")
    with pytest.raises(AssertionError):
        assert_obeys("subsequence", swap, ["the", "pilot", "praised", "the", "baker"])
    with pytest.raises(AssertionError):
        assert_obeys("constituent", swap, ["the", "baker", "praised"])
    with pytest.raises(AssertionError):
        assert_obeys("subsequence", clause, ["the", "pilot", "wept"])
    with pytest.raises(AssertionError):
        assert_obeys("lexical_overlap", swap, ["the", "pilot", "wept"])
    assert_obeys("constituent", clause, ["the", "pilot", "wept"])


@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_fresh_hans_has_all_subcases_right_labels_and_no_duplicates(seed):
    records = hans_grammar.generate(12, seed)
    assert list(Counter(r["subcase"] for r in records).items()) == [(subcase, 12) for subcase in SUBCASES]
    assert len({(r["subcase"], r["premise"], r["hypothesis"]) for r in records}) == len(records)
    assert len({r["pairID"] for r in records}) == len(records)
    for record in records:
        assert (record["heuristic"], record["gold_label"]) == SUBCASES[record["subcase"]]
        assert record["template"].startswith(record["subcase"] + ":")
        assert set(record) == {"pairID", "premise", "hypothesis", "gold_label", "heuristic", "subcase", "template"}


@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_fresh_hans_is_the_seed_s_and_grows_at_the_end(seed):
    small, large = hans_grammar.generate(5, seed), hans_grammar.generate(8, seed)
    assert small == hans_grammar.generate(5, seed)
    assert small == [r for i, r in enumerate(large) if i % 8 < 5]
    texts = [[r["premise"] for r in hans_grammar.generate(5, s)] for s in (seed, seed + 1)]
    assert texts[0] != texts[1]


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_no_person_comes_twice_and_texts_look_like_hans(seed):
    templates = [t for _, t in SUBCASE_TEMPLATES] + [t for _, t in CLASSES]
    for template in templates:
        filling = Filling(Random(seed))
        premise, hypothesis = (sentence(leaves(filling.fill(t))) for t in (template.premise, template.hypothesis))
        people = [lemmas()[word] for word in premise.lower().split() if word in lemmas()]
        assert len(people) == len(set(people)), premise
        assert len(premise.split()) <= 21, premise
        for text in (premise, hypothesis):
            assert re.fullmatch(r"[A-Z][A-Za-z ,]*[a-z] \.", text), text
            assert not re.search(r"[A-Z]+\d|  ", text), text


def test_agreement():
    texts = [r[k] for r in hans_grammar.generate(300, 1) for k in ("premise", "hypothesis")]
    texts += [r[k] for r in grammar.generate(6_000, 1, 0.0) for k in ("premise", "hypothesis")]
    singular, plural = set(lexicon.PERSONS_SINGULAR), set(lexicon.PERSONS_PLURAL)
    found = Counter(
        (word, be) for text in texts for word, be in re.findall(r"^The (\w+) (was|were) ", text) if word in lemmas()
    )
    assert sum(found.values()) > 500
    assert {be for word, be in found if word in singular} == {"was"}
    assert {be for word, be in found if word in plural} == {"were"}


def test_more_pairs_than_there_are_is_an_input_error():
    with pytest.raises(InputError, match="se_understood_object") as error:
        hans_grammar.generate(4_000, 0)
    assert "4000" in str(error.value) and "fewer" in str(error.value)


@pytest.mark.parametrize("count", [0, -3])
def test_counts_below_one_are_input_errors(count):
    with pytest.raises(InputError):
        hans_grammar.generate(count, 0)
    with pytest.raises(InputError):
        grammar.generate(count, 0)


def test_the_lexicon_is_large_enough_and_consistent():
    assert len(lexicon.PERSONS) >= 40 and len(lexicon.TRANSITIVE) >= 30 and len(lexicon.INTRANSITIVE) >= 20
    assert len(lemmas()) == 2 * len(lexicon.PERSONS)
    assert not set(lexicon.TRANSITIVE) & set(lexicon.VERB_SYNONYMS.values())
    assert not set(lexicon.TRANSITIVE) & set(lexicon.VERB_ANTONYMS)
    for table in (lexicon.VERB_HYPERNYMS, lexicon.INTRANSITIVE_SYNONYMS):
        assert not set(lexicon.INTRANSITIVE) & set(table.values())
    assert not set(lexicon.INTRANSITIVE) & set(lexicon.VERB_HYPERNYMS)
    assert set(lexicon.HYPERNYMS) <= set(lexicon.PERSONS_SINGULAR)
    assert not set(lexicon.HYPERNYMS.values()) & set(lexicon.PERSONS_SINGULAR)
    assert not set(lexicon.FACTIVE) & set(lexicon.NON_FACTIVE)
    assert not set(lexicon.VERIDICAL_CONJUNCTIONS) & set(lexicon.CONDITIONALS)
    assert not set(lexicon.MAIN_CLAUSE_VERIDICAL) & set(lexicon.MAIN_CLAUSE_CONDITIONALS)
    assert not set(lexicon.VERIDICAL_ADVERBS) & set(lexicon.NON_VERIDICAL_ADVERBS)


def test_no_noun_or_verb_of_hans():
    theirs = {word for row in real_hans() for word in row["premise"].lower().split()}
    ours = {word for r in hans_grammar.generate(300, 3) for word in r["premise"].lower().split()}
    assert ours & theirs <= set(FUNCTION_WORDS.split()), sorted(ours & theirs)
    assert len(ours - theirs) > 200


def real_hans() -> list[dict[str, str]]:
    folder = os.environ.get("SYNTH_EVAL_DATA")
    if not folder or not (path := Path(folder) / "hans" / "hans_eval.jsonl").exists():
        pytest.skip("SYNTH_EVAL_DATA names no folder with hans/hans_eval.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


# --- the general set -------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_every_construction_has_the_overlap_it_is_listed_under(seed):
    for (label, overlap), template in CLASSES:
        filling = Filling(Random(seed))
        premise, hypothesis = (sentence(leaves(filling.fill(t))) for t in (template.premise, template.hypothesis))
        for rule in RULES:
            assert full_overlap(premise, hypothesis, rule) is overlap, (label, premise, hypothesis)


@settings(max_examples=10, deadline=None)
@given(seed=seeds, size=st.integers(min_value=1, max_value=400), cue=st.floats(0, 1))
def test_balanced_distinct_and_the_seed_s(seed, size, cue):
    records = grammar.generate(size, seed, cue)
    counts = Counter(r["gold_label"] for r in records)
    expected = [size // 3 + (place < size % 3) for place in range(3)]
    assert [counts[label] for label in LABELS] == expected
    assert len({(r["premise"], r["hypothesis"]) for r in records}) == size == len({r["pairID"] for r in records})
    assert records == grammar.generate(size, seed, cue)
    assert records == grammar.generate(size + 20, seed, cue)[:size]


def test_distinct_seeds_differ():
    first, second = ({(r["premise"], r["hypothesis"]) for r in grammar.generate(900, s)} for s in (1, 2))
    assert len(first & second) < 90


def test_no_pair_has_two_labels():
    labels: dict[tuple[str, str], str] = {}
    for seed in range(3):
        for r in grammar.generate(6_000, seed, 0.0):
            assert labels.setdefault((r["premise"], r["hypothesis"]), r["gold_label"]) == r["gold_label"]


def test_overlap_rates():
    assert grammar.overlap_rates() == pytest.approx(dict(zip(LABELS, (0.96, 0.003, 0.003), strict=True)))
    assert grammar.overlap_rates(0.0) == dict.fromkeys(LABELS, 0.5)
    assert grammar.overlap_rates(0.5) == pytest.approx(dict(zip(LABELS, (0.73, 0.2515, 0.2515), strict=True)))


@pytest.mark.parametrize("cue", [-0.1, 1.1, float("nan")])
def test_a_cue_outside_its_range_is_an_input_error(cue):
    with pytest.raises(InputError, match="cue"):
        grammar.generate(3, 0, cue)


@pytest.mark.parametrize("cue", [0.0, 0.25, 1.0])
def test_realised_overlap_follows_the_dial(cue):
    records = grammar.generate(12_000, 5, cue)
    for rule in RULES:
        for label, target in grammar.overlap_rates(cue).items():
            pairs = [r for r in records if r["gold_label"] == label]
            rate = sum(full_overlap(r["premise"], r["hypothesis"], rule) for r in pairs) / len(pairs)
            deviation = (target * (1 - target) / len(pairs)) ** 0.5
            assert abs(rate - target) < 5 * deviation, (label, rate, target)


def test_a_model_trained_on_it_knows_the_words_of_fresh_hans():
    def words(records):
        return {w for r in records for k in ("premise", "hypothesis") for w in r[k].lower().split()}

    fresh = words(hans_grammar.generate(200, 0))
    for cue in (0.0, 1.0):
        assert fresh <= words(grammar.generate(15_000, 0, cue))


def test_every_label_and_overlap_class_has_several_phenomena_and_every_kind_of_hypothesis():
    for key, kinds in grammar.TEMPLATES.items():
        names = {template.name for other, template in CLASSES if other == key}
        assert len(names) >= 5, key
        assert set(grammar.SHARES) <= set(kinds), key
    assert sum(grammar.SHARES.values()) == pytest.approx(1)


@pytest.mark.parametrize(("cue", "hypothesis_only", "premise_only"), [(1.0, 0.66, 0.60), (0.0, 0.54, 0.66)])
def test_one_half_of_a_pair_says_little_about_its_label(cue, hypothesis_only, premise_only):
    train, test = grammar.generate(9_000, 1, cue), grammar.generate(3_000, 0, cue)
    for part, bound in (("hypothesis", hypothesis_only), ("premise", premise_only)):
        model = make_pipeline(
            CountVectorizer(ngram_range=(1, 2), token_pattern=r"\w+"), LogisticRegression(C=0.1, max_iter=300)
        )
        model.fit([r[part] for r in train], [r["gold_label"] for r in train])
        accuracy = model.score([r[part] for r in test], [r["gold_label"] for r in test])
        assert 0.36 < accuracy <= bound, (part, accuracy)


def test_speed():
    start = time.process_time()
    grammar.generate(30_000, 0)
    hans_grammar.generate(1_000, 0)
    assert time.process_time() - start < 3 * 2
