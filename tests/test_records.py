"""Records: every row read is whole; everything else is one error that says where, what and what to do."""

import csv
import hashlib
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth_eval.data import records
from synth_eval.data.rows import read_rows
from synth_eval.errors import InputError
from synth_eval.nli.labels import LABELS, TWO_LABELS

GOOD = '{"pairID": "a", "premise": "P one .", "hypothesis": "H .", "gold_label": "entailment"}\n'


def write(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def row(**changes):
    return (
        json.dumps({"pairID": "b", "premise": "P two .", "hypothesis": "H .", "gold_label": "neutral"} | changes) + "\n"
    )


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)
extras = st.dictionaries(
    st.text(st.characters(codec="ascii", categories=["L"]), min_size=2), texts | st.integers(), max_size=2
)


@given(st.lists(st.tuples(texts, texts, st.sampled_from(records.ANY_LABEL), extras), min_size=1, max_size=5))
def test_what_is_written_is_read_back(tmp_path_factory, pairs):
    known = {name for names in records.ALIASES.values() for name in names}
    made = [
        {"pairID": f"{i}", "premise": p, "hypothesis": h, "gold_label": g}
        | {k: v for k, v in more.items() if k not in known}
        for i, (p, h, g, more) in enumerate(pairs)
    ]
    path = records.write_records(tmp_path_factory.mktemp("round") / "r.jsonl", made)
    assert records.read_records(path) == made
    assert records.content_hash(records.read_records(path)) == records.content_hash(made)


@given(st.binary(max_size=200))
def test_any_bytes_give_records_or_an_input_error(tmp_path_factory, data):
    for name in ("x.jsonl", "x.json", "x.tsv", "x.csv", "x.txt"):
        path = write(tmp_path_factory.mktemp("bytes"), name, data)
        for read in (records.read_records, records.read_predictions):
            try:
                assert read(path)
            except InputError as error:
                assert str(path) in error.where


@given(st.lists(st.tuples(*[texts.filter(lambda t: not set(t) & set("\r\n"))] * 2), min_size=1, max_size=5))
def test_csv_and_tsv_keep_every_letter(tmp_path_factory, pairs):
    folder = tmp_path_factory.mktemp("tables")
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([["premise", "hypothesis", "label"], *([p, h, "neutral"] for p, h in pairs)])
    loaded = records.read_records(write(folder, "x.csv", stream.getvalue()))
    assert [(r["premise"], r["hypothesis"]) for r in loaded] == pairs
    clean = [(p.replace("\t", " ") + "x", h.replace("\t", " ") + "y") for p, h in pairs]
    body = "".join(f"{p}\t{h}\tneutral\n" for p, h in clean)
    loaded = records.read_records(write(folder, "x.tsv", "premise\thypothesis\tlabel\n" + body))
    assert [(r["premise"], r["hypothesis"]) for r in loaded] == clean


BAD = [  # file, content, line or row, found, fix
    ("cut.jsonl", GOOD + row()[:40], ":2", "invalid JSON", "written to its end"),
    ("twice.jsonl", GOOD + '{"premise": "x", "premise": "y"}', ":2", "repeated key", "written to its end"),
    ("nan.jsonl", GOOD + row(gold_label=float("nan")), ":2", "number NaN", ""),
    ("list.jsonl", GOOD + "[1]\n", ":2", "[1]", "one object a row"),
    (
        "columns.jsonl",
        GOOD + '{"premis": "x", "hypothesis": "y", "label": 0}',
        ":2",
        "'premis', 'hypothesis'",
        "is it 'premis'?",
    ),
    ("columns.tsv", "\nprem\thyp\tgold\nx\ty\t0\n", ":2", "'prem', 'hyp', 'gold'", "is it 'prem'?"),
    (
        "no_header.tsv",
        "It rained .\tIt is wet .\tcontradiction\nA\tB\tneutral\n",
        ":1",
        "'It rained .'",
        "first line names",
    ),
    ("header.csv", "premise,hypothesis,premise,label\nx,y,z,0\n", ":1", "the column 'premise' twice", "name every"),
    ("label.jsonl", GOOD + row(gold_label="entailed"), ":2", "the label 'entailed'", "correct or drop"),
    ("null.jsonl", GOOD + row(gold_label=None), ":2", "the label None", "correct or drop"),
    ("bool.jsonl", GOOD + row(gold_label=True), ":2", "the label True", "correct or drop"),
    ("float.jsonl", GOOD + row(gold_label=1.0), ":2", "the label 1.0", "correct or drop"),
    ("three.jsonl", GOOD + row(gold_label=3), ":2", "the label 3", "correct or drop"),
    ("premise.jsonl", GOOD + row(premise=None), ":2", "the premise null", "correct or drop"),
    ("blank.jsonl", GOOD + row(hypothesis=" \t"), ":2", "the hypothesis empty", "correct or drop"),
    ("number.jsonl", GOOD + row(premise=7), ":2", "the premise 7", "correct or drop"),
    ("half.jsonl", GOOD + row(premise="\ud83d x"), ":2", "half a surrogate pair in premise", "correct or drop"),
    ("extra.jsonl", GOOD + row(genre="\udc00"), ":2", "half a surrogate pair in genre", "correct or drop"),
    ("escaped.jsonl", GOOD + row(hypothesis="a\0b"), ":2", "a NUL", "correct or drop"),
    ("nul.jsonl", GOOD.encode() + b"\0\0\0", ":2", "a NUL byte", "write the file again"),
    ("same.jsonl", GOOD + "\n" + row(pairID="a"), ":3", "the pairID 'a' again (first in line 1)", "drop the copy"),
    ("id.jsonl", GOOD + row(pairID=None), ":2", "the pairID None", "its own pairID"),
    ("latin.jsonl", GOOD.encode() + row().encode().replace(b"two", b"tw\xf6"), ":2", "the byte 0xf6", "iconv"),
    ("short.tsv", "premise\thypothesis\tlabel\nx\ty\t0\nx\ty\n", ":3", "2 columns", "as a space"),
    ("long.csv", "premise,hypothesis,label\nHe , too,y,0\n", ":2", "4 columns", "quote such texts"),
    ("quote.csv", 'premise,hypothesis,label\n"x"z,y,0\n', ":2", "broken CSV", "close every quote"),
    ("empty.jsonl", "", "", "an empty file", "written to its end"),
    ("spaces.json", " \n\r\n", "", "an empty file", "written to its end"),
    ("none.json", "[]", "", "no pairs", "the right one"),
    ("dash.jsonl", row(gold_label="-"), "", "no pairs (1 rows without a gold label)", "the right one"),
    ("rows.json", "[" + GOOD + "," + row(gold_label="?") + "]", ": row 2", "the label '?'", "correct or drop"),
    ("cut.json", "[" + GOOD + ",", "", "invalid JSON", "written to its end"),
]


@pytest.mark.parametrize(("name", "content", "place", "found", "fix"), BAD, ids=[case[0] for case in BAD])
def test_bad_input_is_one_clear_error(tmp_path, name, content, place, found, fix):
    path = write(tmp_path, name, content)
    with pytest.raises(InputError) as caught:
        records.read_records(path)
    assert caught.value.where == f"{path}{place}"
    assert found in caught.value.found
    assert fix in caught.value.fix
    assert caught.value.expected
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match=r"nope\.jsonl: found no such file.*check the path"):
        records.read_records(tmp_path / "nope.jsonl")
    with pytest.raises(InputError, match="a folder"):
        records.read_records(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + GOOD.encode() + row().encode(),
        (GOOD + row()).replace("\n", "\r\n").encode(),
        ("\n" + GOOD + "  \n\n" + row().rstrip()).encode(),
    ],
    ids=["bom", "crlf", "blank lines"],
)
def test_bom_crlf_and_blank_lines_are_fine(tmp_path, content):
    loaded = records.read_records(write(tmp_path, "x.jsonl", content))
    assert [r["pairID"] for r in loaded] == ["a", "b"]


def test_line_separators_inside_a_text_do_not_split_it(tmp_path):
    text = "one\u2028two\u0085three\x0bfour\x0cfive\x1csix"
    body = json.dumps({"premise": text, "hypothesis": "h", "label": 0}, ensure_ascii=False)
    assert records.read_records(write(tmp_path, "x.jsonl", body))[0]["premise"] == text
    loaded = records.read_records(write(tmp_path, "x.tsv", f"premise\thypothesis\tlabel\n{text}\th\t0\n"))
    assert loaded[0]["premise"] == text


def test_tsv_has_no_quoting(tmp_path):
    body = 'premise\thypothesis\tlabel\n"Open\th\t0\nnext\t" h "\t2\n'
    loaded = records.read_records(write(tmp_path, "x.tsv", body))
    assert [(r["premise"], r["hypothesis"]) for r in loaded] == [('"Open', "h"), ("next", '" h "')]
    assert [r["gold_label"] for r in loaded] == ["entailment", "contradiction"]
    assert [r["pairID"] for r in loaded] == ["line2", "line3"]


def test_csv_cells_may_span_lines(tmp_path):
    body = 'premise,hypothesis,label\n"a\nb","c ""d""",neutral\ne,f,1\n'
    loaded = records.read_records(write(tmp_path, "x.csv", body))
    assert [(r["pairID"], r["premise"], r["hypothesis"]) for r in loaded] == [
        ("line2", "a\nb", 'c "d"'),
        ("line4", "e", "f"),
    ]


def test_the_hans_release_layout(tmp_path):
    header = "gold_label\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\tsentence2_parse\t"
    header += "sentence1\tsentence2\tpairID\theuristic\tsubcase\ttemplate\n"
    body = "non-entailment\t( a )\t( b )\t(A)\t(B)\tThe a saw .\tThe b .\tex0\tsubsequence\tsn_NP/S\ttemp1\n"
    (loaded,) = records.read_records(write(tmp_path, "heuristics_evaluation_set.txt", header + body), labels=TWO_LABELS)
    wanted = ("ex0", "The a saw .", "The b .", "non_entailment", "sn_NP/S", "temp1")
    assert tuple(loaded[k] for k in ("pairID", "premise", "hypothesis", "gold_label", "subcase", "template")) == wanted


def test_the_multinli_release_layout_drops_pairs_without_gold(tmp_path):
    pair = {"pairID": "1n", "sentence1": "p", "sentence2": "h", "annotator_labels": ["neutral"], "genre": "fiction"}
    lines = [pair | {"gold_label": "neutral"}, pair | {"pairID": "2c", "gold_label": "-"}]
    path = write(tmp_path, "dev.jsonl", "\n".join(map(json.dumps, lines)))
    reading = records.read(path, labels=LABELS)
    wanted = {"pairID": "1n", "premise": "p", "hypothesis": "h", "gold_label": "neutral"}
    assert reading.records == [wanted | {"annotator_labels": ["neutral"], "genre": "fiction"}]
    assert reading.dropped == 1


@pytest.mark.parametrize(
    ("labels", "ids", "names"),
    [(LABELS, (0, 1, "2", -1), LABELS), (TWO_LABELS, (0, "1", "-1"), TWO_LABELS)],
)
def test_integer_labels_go_by_the_set(tmp_path, labels, ids, names):
    body = "".join(row(pairID=number, gold_label=label) for number, label in enumerate(ids))
    reading = records.read(write(tmp_path, "x.jsonl", body), labels=labels)
    assert tuple(r["gold_label"] for r in reading.records) == names
    assert reading.dropped == 1


def test_labels_outside_the_set_are_refused(tmp_path):
    path = write(tmp_path, "x.jsonl", GOOD + row())
    with pytest.raises(InputError, match=r"x\.jsonl:2: found the label 'neutral'; expected one of entailment, non_"):
        records.read_records(path, labels=TWO_LABELS)
    with pytest.raises(InputError, match="the label 2"):
        records.read_records(write(tmp_path, "y.jsonl", row(gold_label=2)), labels=TWO_LABELS)


def test_write_refuses_what_could_not_be_read(tmp_path):
    path = tmp_path / "x.jsonl"
    with pytest.raises(InputError, match="row 2: found the premise null"):
        records.write_records(path, [json.loads(GOOD), json.loads(row(premise=None))])
    assert not path.exists()


def test_content_hash_sees_the_four_fields_and_their_order():
    a, b = json.loads(GOOD), json.loads(row())
    whole = records.content_hash([a, b])
    lines = b'["a","P one .","H .","entailment"]\n["b","P two .","H .","neutral"]\n'
    assert whole == hashlib.sha256(lines).hexdigest()
    assert records.content_hash([a | {"genre": "x"}, b]) == whole
    changed = [
        [b, a],
        [a],
        [a | {"premise": "P one ."[:-1]}, b],
        *([a | {field: "other"}, b] for field in records.FIELDS),
    ]
    assert len({whole, *map(records.content_hash, changed)}) == 1 + len(changed)


PREDICTIONS = [
    ("hans.txt", "pairID,gold_label\nex0,entailment\nex1,non-entailment\n"),
    ("plain.csv", "pairID,label\r\nex0,Entailment\r\nex1,not_entailment\r\n"),
    ("x.tsv", "label\tpairID\r\nentailment\tex0\r\nnon_entailment\tex1\r\n"),
    ("x.jsonl", '{"pairID": "ex0", "label": "neutral", "predicted_label": "entailment"}\n'
     '{"pairID": "ex1", "label": "neutral", "predicted_label": "nonentailment"}'),
    ("x.json", '[{"idx": "ex0", "label": "entailment"}, {"idx": "ex1", "label": "non-entailment"}]'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content"), PREDICTIONS)
def test_predictions(tmp_path, name, content):
    path = write(tmp_path, name, content)
    assert records.read_predictions(path) == {"ex0": "entailment", "ex1": "non_entailment"}


@pytest.mark.parametrize(
    ("content", "place", "found", "fix"),
    [
        ("pairID,gold_label\nex0,entailment\nex0,neutral\n", ":3", "'ex0' again (first in line 2)", "drop the copy"),
        ("pairID,gold_label\nex0,entailment\nex1,maybe\n", ":3", "the predicted label 'maybe'", "by its name"),
        ("pairID,gold_label\nex0,1\n", ":2", "the predicted label '1'", "by its name"),
        ("pairID,gold_label\nex0,\n", ":2", "the predicted label ''", "by its name"),
        ("pairID,gold_label\n,neutral\n", ":2", "the pairID ''", "its own pairID"),
        ("pairID,guess\nex0,neutral\n", ":1", "the columns 'pairID', 'guess'", "predicted_label"),
        ("label\nneutral\n", ":1", "the columns 'label'", "pairID"),
        ("ex0,neutral\nex1,neutral\n", ":1", "the columns 'ex0', 'neutral'", "first line names"),
        ("pairID,label,gold_label\nex0,neutral,neutral\n", ":1", "both label and gold_label", "predicted_label"),
        ("pairID,label\n", "", "no predictions", "the right one"),
    ],
)
def test_bad_predictions(tmp_path, content, place, found, fix):
    path = write(tmp_path, "preds.txt", content)
    with pytest.raises(InputError) as caught:
        records.read_predictions(path)
    assert caught.value.where == f"{path}{place}"
    assert found in caught.value.found
    assert fix in caught.value.fix


def test_integer_labels_of_a_hans_like_file_are_its_two(tmp_path):
    path = write(tmp_path, "x.jsonl", row(gold_label=1, heuristic="subsequence") + row(pairID="2", gold_label=0))
    first, second = records.read_records(path)
    assert (first["gold_label"], second["gold_label"]) == ("non_entailment", "entailment")


def test_rows_say_where_they_are(tmp_path):
    path = write(tmp_path, "x.json", '[{"a": 1}]')
    assert [str(place) for place, _ in read_rows(path)] == [f"{path}: row 1"]
