"""Sources: a name becomes records from a path, then a folder, then the Hub (a local stand-in, the real clients)."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hub_standin import HubStandIn

from synth_eval.data import hub, records, sources
from synth_eval.errors import InputError
from synth_eval.nli import hans_grammar
from synth_eval.nli.hans import SUBCASES
from synth_eval.nli.labels import LABELS

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Nothing parsed before, and no folder unless the test names one."""
    monkeypatch.setattr(sources, "_loaded", {})
    monkeypatch.delenv("SYNTH_EVAL_DATA", raising=False)


@pytest.fixture(scope="module")
def hans():
    """30,000 records shaped like HANS."""
    made = hans_grammar.generate(1_000, 0)
    return [{**record, "pairID": f"ex{number}"} for number, record in enumerate(made)]


def dev_set(name):
    """Records as many as the development set has, by label."""
    labels = [label for label, count in sources.COUNTS[name].items() for _ in range(count)]
    return [
        {"pairID": str(n), "premise": f"{name} {n} .", "hypothesis": f'"{n}\u2028', "gold_label": label}
        for n, label in enumerate(labels)
    ]


def folder_with(tmp_path, **files):
    for name, content in files.items():
        path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        records.write_records(path, content)
    return tmp_path


def pairs(count=3, word="P"):
    return [
        {"pairID": str(n), "premise": f"{word} {n}", "hypothesis": "H", "gold_label": "neutral"} for n in range(count)
    ]


def test_real_data_is_what_it_should_be(monkeypatch, real_data):
    monkeypatch.setenv("SYNTH_EVAL_DATA", str(real_data))
    loaded = {name: sources.load(name) for name in sources.FILES}
    sizes = {name: len(rows) for name, rows in loaded.items()}
    assert (sizes["hans"], sizes["multinli_matched"], sizes["multinli_mismatched"]) == (30_000, 9_815, 9_832)
    assert (sizes["supergen_mnli"], sizes["fewgen_mnli_13"], sizes["fewgen_mnli_42"]) == (6_000, 15_000, 15_000)
    assert sizes["multinli_train"] > 20_000
    assert [record["pairID"] for record in loaded["hans"]] == [f"ex{n}" for n in range(30_000)]
    assert list(dict.fromkeys(record["subcase"] for record in loaded["hans"])) == list(SUBCASES)
    assert Counter(r["gold_label"] for r in loaded["supergen_mnli"]) == dict.fromkeys(LABELS, 2_000)
    predictions = records.read_predictions(real_data / "hans" / "bert_preds.txt")
    assert list(predictions) == [record["pairID"] for record in loaded["hans"]]


def test_a_path_comes_first_then_the_folder_then_the_hub(tmp_path, monkeypatch):
    where = lambda name, **more: sources.locate(name, **more).where  # noqa: E731
    assert where("multinli_train") == "hub"
    assert "nyu-mll/glue@" in sources.locate("multinli_train").detail
    folder = folder_with(tmp_path, mnli__train_24k_DOT_jsonl=pairs(3, "folder"), own_DOT_jsonl=pairs(2, "own"))
    monkeypatch.setenv("SYNTH_EVAL_DATA", str(folder))
    assert where("multinli_train") == "SYNTH_EVAL_DATA"
    assert where("multinli_train", path=folder / "own.jsonl") == "path"
    assert len(sources.load("multinli_train")) == 3
    assert len(sources.load("multinli_train", path=folder / "own.jsonl")) == 2
    assert len(sources.load(str(folder / "own.jsonl"))) == 2
    folder_with(tmp_path, mnli__train_DOT_jsonl=pairs(9))  # all of it is preferred to a part of it
    assert len(sources.load("multinli_train")) == 9


def test_every_layout_of_hans_is_read_and_counted(tmp_path, monkeypatch, hans):
    monkeypatch.setenv("SYNTH_EVAL_DATA", str(tmp_path))
    names = ["gold_label", "premise", "hypothesis", "pairID", "heuristic", "subcase", "template"]
    header = [{"premise": "sentence1", "hypothesis": "sentence2"}.get(name, name) for name in names]
    (tmp_path / "hans").mkdir()
    text = tmp_path / "hans" / "heuristics_evaluation_set.txt"
    lines = ["\t".join(header), *("\t".join(record[name] for name in names) for record in hans)]
    text.write_text("\n".join(lines), encoding="utf-8")
    assert sources.load("hans") == hans
    folder_with(tmp_path, hans__hans_eval_DOT_jsonl=hans[:-1])
    with pytest.raises(InputError, match=r"hans_eval\.jsonl: found 29,999 rows .*expected 30,000 rows .*get the file"):
        sources.load("hans")
    other = {**hans[0], "subcase": "le_passive"}
    records.write_records(tmp_path / "mine.jsonl", [other, *hans[1:]])
    with pytest.raises(InputError, match=r"mine\.jsonl: found 999 rows of lexical_overlap, non_entailment, ln_subject"):
        sources.load("hans", path=tmp_path / "mine.jsonl")


@pytest.mark.parametrize("name", ["multinli_matched", "multinli_mismatched"])
def test_development_sets_are_counted_by_label(tmp_path, monkeypatch, name):
    monkeypatch.setenv("SYNTH_EVAL_DATA", str(tmp_path))
    wanted = dev_set(name)
    file = f"mnli__multinli_1_DOT_0_dev_{name.removeprefix('multinli_')}_DOT_jsonl"
    folder_with(tmp_path, **{file: wanted})
    assert sources.load(name) == wanted
    wrong = [{**wanted[0], "gold_label": "neutral"}, *wanted[1:]]
    folder_with(tmp_path, **{file: wrong})
    with pytest.raises(
        InputError, match=rf"{name.removeprefix('multinli_')}\.jsonl: found 9,8.. rows .*Fix: get the file"
    ):
        sources.load(name)
    with pytest.raises(InputError, match="found the label 'non_entailment'"):
        sources.load(
            name, path=records.write_records(tmp_path / "x.jsonl", [{**wrong[0], "gold_label": "non_entailment"}])
        )


def test_a_changed_file_is_read_again_and_rows_are_not_shared(tmp_path):
    path = records.write_records(tmp_path / "x.jsonl", pairs(2, "old"))
    first = sources.load(str(path))
    first[0]["premise"] = "spoilt"
    assert sources.load(str(path))[0]["premise"] == "old 0"
    times = path.stat()
    path.write_bytes(path.read_bytes().replace(b"old ", b"new "))  # same size, same time, same inode
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_mtime_ns == times.st_mtime_ns
    assert sources.load(str(path))[0]["premise"] == "new 0"


def test_an_unchanged_file_is_parsed_once(tmp_path, monkeypatch):
    path = records.write_records(tmp_path / "x.jsonl", pairs())
    sources.load(str(path))
    monkeypatch.setattr(records, "read_records", None)
    assert sources.load(str(path)) == pairs()


def test_generated_sets_take_options():
    assert len(sources.load("hans_fresh", per_subcase=2, seed=3)) == 60
    assert sources.load("hans_fresh", per_subcase=2, seed=3) != sources.load("hans_fresh", per_subcase=2, seed=4)
    loaded = sources.load("nli_fresh", size=30, seed=1, cue=0.5)
    assert Counter(record["gold_label"] for record in loaded) == dict.fromkeys(LABELS, 10)
    assert len(sources.load("hans_fresh")) == 3_000
    assert {sources.locate(name).where for name in sources.GENERATED} == {"generated"}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("hanz", {}, "found 'hanz'.*did you mean 'hans'"),
        ("no/such.jsonl", {}, "found 'no/such.jsonl'; expected a data set that is known, or a file"),
        ("hans", {"seed": 1}, "hans: found options seed; expected none"),
        ("hans_fresh", {"sed": 1}, "the option 'sed'.*did you mean 'seed'"),
        ("hans", {"path": "no/such.jsonl"}, r"no/such\.jsonl: found no such file"),
        (
            "supergen_mnli",
            {},
            r"SYNTH_EVAL_DATA: not set; not on the Hub.*set SYNTH_EVAL_DATA to a folder with supergen",
        ),
    ],
)
def test_what_cannot_be_found_is_one_clear_error(name, options, message):
    with pytest.raises(InputError, match=message):
        sources.load(name, **options)


def test_a_folder_that_holds_nothing_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNTH_EVAL_DATA", str(tmp_path / "gone"))
    with pytest.raises(InputError, match=r"gone: it is not a folder"):
        sources.load("supergen_mnli")
    monkeypatch.setenv("SYNTH_EVAL_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"it has none of supergen_mnli/train\.json"):
        sources.load("supergen_mnli")


# The Hub: real clients in a process of their own, since they read their environment when imported.

LOAD = """
import json, sys, time
time.sleep = lambda seconds: None  # the client's retries, without the waiting
from synth_eval.data import records, sources
from synth_eval.errors import InputError
for name in sys.argv[1:]:
    try:
        rows = sources.load(name)
        answer = [len(rows), records.content_hash(rows), rows[0]]
    except InputError as error:
        answer = str(error)
    print(json.dumps([name, answer]))
assert "synth_eval" in sys.modules and not [name for name in sys.modules if name.startswith("datasets_modules")]
"""


def client(environment, *arguments, code=LOAD):
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(
        command, env=environment | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(line) for line in done.stdout.splitlines())


def parquet(path, rows, columns, label_names):
    """Write a split as the Hub holds it: labels are integers, their names are in the file's metadata."""
    from datasets import ClassLabel, Dataset, Features, Value

    kinds = {"idx": Value("int32"), "label": ClassLabel(names=label_names)}
    ids = {name.replace("-", "_"): number for number, name in enumerate(label_names)}
    table = {column: [row.get(column) for row in rows] for column in columns}
    table["label"] = [ids[row["gold_label"]] for row in rows]
    if "idx" in table:
        table["idx"] = [int(row["pairID"]) for row in rows]
    features = Features({column: kinds.get(column, Value("string")) for column in table})
    path.parent.mkdir(parents=True, exist_ok=True)
    Dataset.from_dict(table, features=features).to_parquet(path)


HANS_COLUMNS = ["premise", "hypothesis", "label", "parse_premise", "heuristic", "subcase", "template"]
GLUE_SPLITS = ("train", "validation_matched", "validation_mismatched")


def hans_repository(folder, rows, columns=HANS_COLUMNS):
    for split in ("train", "validation"):
        wanted = rows if split == "validation" else rows[:5]
        parquet(folder / "plain_text" / split / "0000.parquet", wanted, columns, ["entailment", "non-entailment"])
    return folder


def glue_repository(folder, matched, mismatched):
    card = ["---", "configs:", "- config_name: ax", "  data_files:", "  - split: test", "    path: ax/test-*"]
    card += ["- config_name: mnli", "  data_files:"]
    for split, rows in zip(GLUE_SPLITS, (matched[::50], matched, mismatched), strict=True):
        names = ["contradiction", "neutral", "entailment"]  # not the usual order: they are read by name
        parquet(folder / "mnli" / f"{split}-00000-of-00001.parquet", rows, hub.SPLITS["multinli_train"].columns, names)
        card += [f"  - split: {split}", f"    path: mnli/{split}-*"]
    parquet(folder / "ax" / "test-00000-of-00001.parquet", matched[:9], ["idx", "premise"], list(LABELS))
    (folder / "README.md").write_text("\n".join([*card, "---", "# GLUE", ""]), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory, hans):
    """The Hub with HANS and MultiNLI at full size (the real ones where they are at hand), and what it serves."""
    real = os.environ.get("SYNTH_EVAL_DATA")
    paths = {name: Path(real) / sources.FILES[name][0] if real else None for name in sources.COUNTS}
    rows = {"hans": hans} | {name: dev_set(name) for name in sources.COUNTS if name != "hans"}
    rows |= {name: records.read_records(path) for name, path in paths.items() if path is not None and path.is_file()}
    folder = tmp_path_factory.mktemp("hub")
    with HubStandIn() as server:
        (folder / "script").mkdir()
        (folder / "script" / "hans.py").write_text("raise SystemExit('remote code was run')")
        server.add(hub.HANS, folder / "script")
        server.add(hub.HANS, hans_repository(folder / "hans", rows["hans"]), revision=hub.HANS_REVISION)
        glue = glue_repository(folder / "glue", rows["multinli_matched"], rows["multinli_mismatched"])
        server.add(hub.GLUE, glue, revision=hub.GLUE_REVISION)
        yield server, rows


def test_the_hub_gives_the_same_records_and_its_cache_works_offline(served, tmp_path):
    server, rows = served
    answers = client(server.environment(tmp_path), *sources.COUNTS, "multinli_train")
    for name, wanted in rows.items():
        assert answers[name][:2] == [len(wanted), records.content_hash(wanted)], name
    assert answers["hans"][2]["pairID"] == "ex0"
    assert set(answers["hans"][2]) == {*records.FIELDS, "heuristic", "subcase", "template"}
    assert answers["multinli_train"][0] == len(rows["multinli_matched"][::50])
    assert [line for line in server.requests if "refs%2Fconvert%2Fparquet" in line]
    assert not [line for line in server.requests if line.startswith("GET") and line.endswith(".py")]
    asked = len(server.requests)
    assert client(server.environment(tmp_path, HF_HUB_OFFLINE="1"), *sources.COUNTS, "multinli_train") == answers
    assert len(server.requests) == asked


def test_the_hub_with_other_content_is_one_clear_error(served, tmp_path):
    _, rows = served
    with HubStandIn() as server:
        server.add(hub.HANS, hans_repository(tmp_path / "short", rows["hans"][:-1]), revision=hub.HANS_REVISION)
        answers = client(server.environment(tmp_path / "1"), "hans", "multinli_matched")
        assert "found 29,999 rows" in answers["hans"]
        assert "expected 30,000 rows" in answers["hans"]
        assert "doesn't exist on the Hub" in answers["multinli_matched"]
        bare = hans_repository(tmp_path / "bare", rows["hans"][:9], HANS_COLUMNS[:3])
        server.add(hub.HANS, bare, revision=hub.HANS_REVISION)
        assert "expected the column heuristic" in client(server.environment(tmp_path / "2"), "hans")["hans"]


def test_ids_are_not_given_by_position_in_another_order(monkeypatch, hans):
    monkeypatch.setattr(hub, "rows", lambda name, tried: [*hans[15_000:], *hans[:15_000]])
    with pytest.raises(InputError, match="found the 30 subcases in another order"):
        sources.load("hans")


@pytest.mark.parametrize(
    ("fault", "found", "fix"),
    [
        (404, "404", "connect to the Hub (HF_ENDPOINT"),
        (503, "503", "connect to the Hub (HF_ENDPOINT"),
        ("dead", "Couldn't reach", "connect to the Hub (HF_ENDPOINT"),
        ("offline", "HF_HUB_OFFLINE is set", "unset HF_HUB_OFFLINE"),
    ],
)
def test_a_hub_that_does_not_answer_is_one_clear_error(tmp_path, fault, found, fix):
    with HubStandIn() as server:
        server.failing = fault if isinstance(fault, int) else None
        more = {"HF_HUB_OFFLINE": "1"} if fault == "offline" else {}
        environment = server.environment(tmp_path, SYNTH_EVAL_DATA=str(tmp_path), **more)
        if fault != "dead":
            message = client(environment, "hans")["hans"]
    if fault == "dead":
        message = client(environment, "hans")["hans"]
    for place in (
        "path: none given",
        f"SYNTH_EVAL_DATA={tmp_path}: it has none of hans/hans_eval.jsonl",
        hub.HANS,
        found,
    ):
        assert place in message
    for cure in ("give the file's path", "set SYNTH_EVAL_DATA", fix):
        assert cure in message
    assert "\n" not in message


GENERIC = """
import json, sys
from huggingface_hub import HfApi, HfFileSystem, hf_hub_download, snapshot_download
from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError
def failure(call, *arguments, **more):
    try:
        call(*arguments, **more)
    except (EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError) as error:
        return type(error).__name__
folder = snapshot_download("me/model")
with HfFileSystem().open("me/model/deep/weights.bin", "rb", block_size=1000) as file:
    file.seek(150_000)
    part = list(file.read(4))
print(json.dumps(["files", sorted(HfApi().list_repo_files("me/model"))]))
print(json.dumps(["sha", [HfApi().model_info("me/model").sha, folder.rpartition("/")[2]]]))
print(json.dumps(["part", part]))
print(json.dumps(["whole", len(open(folder + "/deep/weights.bin", "rb").read())]))
print(json.dumps(["errors", [
    failure(hf_hub_download, "me/other", "x"), failure(hf_hub_download, "me/model", "x"),
    failure(hf_hub_download, "me/model", "config.json", revision="v9"), failure(HfApi().dataset_info, "me/model"),
]]))
"""


def test_the_stand_in_serves_any_repository_to_the_real_clients(tmp_path):
    (tmp_path / "model" / "deep").mkdir(parents=True)
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "model" / "deep" / "weights.bin").write_bytes(bytes(range(250)) * 800)
    with HubStandIn() as server:
        commit = server.add("me/model", tmp_path / "model", kind="models")
        answers = client(server.environment(tmp_path / "home"), code=GENERIC)
    assert answers["files"] == ["config.json", "deep/weights.bin"]
    assert answers["sha"] == [commit, commit]
    assert answers["part"] == [0, 1, 2, 3]
    assert answers["whole"] == 200_000
    missing = [
        "RepositoryNotFoundError",
        "RemoteEntryNotFoundError",
        "RevisionNotFoundError",
        "RepositoryNotFoundError",
    ]
    assert answers["errors"] == missing
