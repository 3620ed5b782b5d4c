"""Duplicates: nothing that is none, nearly all that are, the same in every order and process; brute force judges."""

import random
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth_eval.data import duplicates as reports
from synth_eval.data.sources import load
from synth_eval.metrics import duplicates
from synth_eval.metrics.duplicates import exact, near, near_pairs, pair_key
from synth_eval.metrics.shingles import normalise

SOME = ("the", "a", "doctor", "lawyer", "saw", "near", "not", "3", "ran")
WORDS = st.lists(st.sampled_from(SOME), min_size=1, max_size=9).map(" ".join)
PAIRS = st.lists(st.tuples(WORDS, WORDS), max_size=12)


def bag(*parts):
    """Words and neighbouring words, counted, by the plainest code there is."""
    counts = Counter()
    for part in parts:
        words = normalise(part).split()
        counts.update(words)
        if words:
            counts.update(pairwise(["<", *words, ">"]))
    return counts


def jaccard(one, other):
    return (one & other).total() / (one | other).total()


def brute(a, b, threshold):
    """All (i, j, Jaccard) at or above the threshold; an inverted list of shingles spares pairs that share nothing."""
    columns = {}
    rows = [
        Counter(columns.setdefault((shingle, n), len(columns)) for shingle, many in one.items() for n in range(many))
        for one in (*a, *b)
    ]
    from scipy.sparse import csr_array

    sizes = np.array([len(row) for row in rows])
    matrix = csr_array(
        (np.ones(sizes.sum(), int), [x for row in rows for x in row], np.cumsum([0, *sizes])),
        shape=(len(rows), len(columns)),
    )
    shared = (matrix[: len(a)] @ matrix[len(a) :].T).tocoo()
    i, j = shared.row, shared.col
    scores = shared.data / (sizes[i] + sizes[len(a) + j] - shared.data)
    return {(int(x), int(y)): float(z) for x, y, z in zip(i, j, scores, strict=True) if z >= threshold}


def pairs_of(name, real_data, monkeypatch):
    monkeypatch.setenv("SYNTH_EVAL_DATA", str(real_data))
    return [(record["premise"], record["hypothesis"]) for record in load(name)]


def changed(text, rng, words, most):
    """``text`` with up to ``most`` of its words replaced."""
    parts = text.split()
    for _ in range(rng.randint(0, most)):
        parts[rng.randrange(len(parts))] = rng.choice(words)
    return " ".join(parts)


# Normalised text -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The doctor,  saw\tthe LAWYER.", "the doctor saw the lawyer"),
        ("I do n't know .", "I don’t know"),
        ("`` It 's ﬁne '' , he said", '"It\'s fine", he said'),
        ("wo\u200drd\u00a0two", "word two"),
        ("Cafe\u0301", "CAFÉ"),
    ],
)
def test_spelling_that_does_not_matter(one, other):
    assert normalise(one) == normalise(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [("now here", "nowhere"), ("!?", "..."), ("किताब कि", "किताब की"), ("3 5", "35"), ("not done", "done")],
)
def test_spelling_that_matters(one, other):
    assert normalise(one) != normalise(other)


def test_scripts_without_spaces_are_split_into_characters():
    assert normalise("我是人。") == "我 是 人"
    assert near(["我是一个很高的人在这里"], ["我是一个很高的人在那里"], threshold=0.6)


@given(st.text(max_size=40))
def test_normalised_text_is_single_spaced(text):
    words = normalise(text)
    assert words == " ".join(words.split()) and "\n" not in words


def test_a_pair_key_tells_premise_from_hypothesis():
    assert pair_key("A b.", "c") == pair_key("a B", "C!") != pair_key("a", "b c")
    assert pair_key("a", "b") != pair_key("b", "a")


# Exact ---------------------------------------------------------------------------------------------------------------


def test_exact_names_the_first_partner():
    a = [("A dog.", "B"), ("x", "y"), ("a DOG", "b"), ("a dog", "b!")]
    assert exact(a) == {2: 0, 3: 0}
    assert exact(a, [("q", "q"), ("a dog", "b"), ("A Dog", "B")]) == {0: 1, 2: 1, 3: 1}
    assert exact([], a) == exact(a, []) == {}


# Near: the truth and nothing else ------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [0.5, 0.8, 1.0])
def test_against_brute_force_on_real_data(threshold, real_data, monkeypatch):
    held_out = pairs_of("multinli_matched", real_data, monkeypatch)[:2000]
    rng, words = random.Random(0), normalise(" ".join(premise for premise, _ in held_out)).split()
    train = pairs_of("multinli_mismatched", real_data, monkeypatch)[:500]
    train += [(changed(p, rng, words, 5), changed(h, rng, words, 1)) for p, h in rng.choices(held_out, k=1000)]
    truth = brute([bag(*pair) for pair in train], [bag(*pair) for pair in held_out], threshold)
    blocks = duplicates._found(
        [pair_key(*pair) for pair in train], [pair_key(*pair) for pair in held_out], threshold, 128, 0, None
    )
    found = {(int(i), int(j)): float(s) for block in blocks for i, j, s in zip(*block, strict=True)}
    assert len(truth) > 50 and all(truth.get(pair) == pytest.approx(score) for pair, score in found.items())
    assert len(found) >= 0.95 * len(truth)
    nearest = near_pairs(train, held_out, threshold)
    best: dict[int, float] = {}
    for (i, _), score in found.items():
        best[i] = max(score, best.get(i, 0))
    assert {i: score for i, (_, score) in nearest.items()} == pytest.approx(best)


def test_inside_a_synthetic_set_against_brute_force(real_data, monkeypatch):
    texts = [" ".join(pair) for pair in pairs_of("fewgen_mnli_13", real_data, monkeypatch)[:2000]]
    truth = {(i, j): s for (i, j), s in brute(*[[bag(text) for text in texts]] * 2, 0.8).items() if i < j}
    found = {(i, j): score for i, j, score in near(texts)}
    assert len(truth) > 20 and found == pytest.approx({pair: truth[pair] for pair in found})
    assert len(found) >= 0.95 * len(truth)


@settings(max_examples=40, deadline=None)
@given(PAIRS, PAIRS, st.sampled_from([0.3, 0.8, 1.0]))
def test_what_is_reported_is_true(train, held_out, threshold):
    for i, (j, score) in near_pairs(train, held_out, threshold).items():
        assert score == pytest.approx(jaccard(bag(*train[i]), bag(*held_out[j]))) and score >= threshold
    for i, (j, score) in near_pairs(train, None, threshold).items():
        assert j < i and score == pytest.approx(jaccard(bag(*train[i]), bag(*train[j]))) and score >= threshold


# Near: properties ----------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(PAIRS, PAIRS)
def test_identical_pairs_are_always_found_and_roles_may_change(train, held_out):
    for order in (lambda pair: pair, lambda pair: pair[::-1]):
        found = near_pairs(train, [*held_out, *map(order, train)])
        assert {i: score for i, (_, score) in found.items()} == dict.fromkeys(range(len(train)), 1.0)
    assert (
        near_pairs(train, train).keys() >= exact(train).keys() == set(near_pairs(train, None, 1.0)) & set(exact(train))
    )


@settings(max_examples=40, deadline=None)
@given(PAIRS, PAIRS, st.randoms(use_true_random=False))
def test_symmetric_and_independent_of_the_order(train, held_out, rng):
    a, b = ([" | ".join(pair) for pair in pairs] for pairs in (train, held_out))
    found = near(a, b, 0.6)
    assert found == sorted((i, j, score) for j, i, score in near(b, a, 0.6))
    order = rng.sample(range(len(a)), len(a))
    assert found == sorted((order[i], j, score) for i, j, score in near([a[i] for i in order], b, 0.6))
    assert near(a, None, 0.6) == [(i, j, score) for i, j, score in near(a, a, 0.6) if i < j]


def test_the_order_of_words_matters_and_a_contained_hypothesis_counts():
    swapped = near(["the doctor saw the lawyer"], ["the lawyer saw the doctor"], threshold=0.6)
    assert swapped == [(0, 0, pytest.approx(9 / 13))]
    premise = "the old doctor near the two actors saw the lawyer"
    assert near_pairs([(premise, "the doctor saw the lawyer")], [(premise, "the actors saw the old doctor")]) == {}


def test_one_changed_word_in_twenty_is_near():
    words = [f"w{number}" for number in range(20)]
    other = [*words[:9], "new", *words[10:]]
    assert near([" ".join(words)], [" ".join(other)]) == [(0, 0, pytest.approx(38 / 44))]


def test_texts_without_words_are_near_to_nothing_and_none_at_all_is_fine():
    assert near(["", " ", "a b"], ["", "a b"]) == [(2, 1, 1.0)]
    assert (
        near([], []) == near(["a"], []) == near([]) == [] and near_pairs([], []) == near_pairs([("a", "b")], []) == {}
    )


def test_a_collapsed_set_is_counted_without_comparing_every_copy():
    train = [("the same old text again and again", "yes")] * 50_000 + [("another one", "no")]
    assert near_pairs(train) == dict.fromkeys(range(1, 50_000), (0, 1.0))
    assert near_pairs(train, train[-2:]) == {**dict.fromkeys(range(50_000), (0, 1.0)), 50_000: (1, 1.0)}


def test_candidates_come_in_blocks(monkeypatch):
    rng = random.Random(1)
    texts = [changed("a b c d e f g h i j k l m n o p q r s t", rng, "uvwxyz", 3) for _ in range(120)]
    whole = near(texts)
    monkeypatch.setattr(duplicates, "_CANDIDATES_AT_ONCE", 7)
    monkeypatch.setattr(duplicates, "_ELEMENTS_AT_ONCE", 64)
    monkeypatch.setattr("synth_eval.metrics.shingles._WORDS_AT_ONCE", 50)
    assert near(texts) == whole and len(whole) > 100


def test_progress_reaches_the_end():
    shares = []
    near_pairs([("a b c", "d")] * 5, [("x y", "z")], progress=shares.append)
    assert shares == sorted(shares) and shares[0] > 0 and shares[-1] == pytest.approx(1)


@pytest.mark.parametrize("threshold", [0, -1, 1.01, float("nan")])
def test_a_threshold_out_of_range_is_refused(threshold):
    with pytest.raises(ValueError, match="threshold"):
        near_pairs([("a", "b")], [("a", "b")], threshold)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7, 0.8, 0.9, 0.99])
def test_the_bands_keep_the_promised_recall(threshold):
    bands, rows = duplicates._banding(threshold, 128)
    assert bands * rows <= 128 and 1 - (1 - threshold**rows) ** bands >= duplicates.RECALL


def test_another_process_gives_the_same_candidates():
    code = (
        "from synth_eval.metrics import duplicates as d; from synth_eval.metrics.shingles import bags\n"
        "b = bags(['the cat sat\\non it', 'another text'], lambda share: None)\n"
        "print(d._band_keys(b, 3, 4, 0, lambda share: None).tolist())"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, check=True, capture_output=True, text=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1] and len(outputs[0]) > 60


# Of records ----------------------------------------------------------------------------------------------------------


def test_records_with_their_partners():
    words = " ".join(f"w{number}" for number in range(20))
    rows = [("a", words, "neutral"), ("b", words.upper() + ".", "entailment"), ("c", words[:-2] + "21", "neutral")]
    train = [{"pairID": i, "premise": p, "hypothesis": "so it is", "gold_label": label} for i, p, label in rows]
    found = reports.find(train)
    assert [(one["pairID"], one["kind"], one["other_pairID"]) for one in found] == [
        ("b", "exact", "a"),
        ("c", "near", "a"),
    ]
    assert reports.count(found) == {"exact": 1, "near": 1, "other_label": 1}
    assert reports.count(reports.find(train, train[2:])) == {"exact": 1, "near": 2, "other_label": 1}
