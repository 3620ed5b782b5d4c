"""NLI data sets on the Hugging Face Hub, as parquet files, by the `datasets` library; nothing remote is executed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from synth_eval.errors import InputError
from synth_eval.nli.labels import LABELS, TWO_LABELS


@dataclass(frozen=True)
class HubSplit:
    """One split of a data set on the Hub."""

    dataset: str
    """Its id."""
    revision: str
    """A commit; or the branch into which the Hub itself converts a data set to parquet."""
    config: str | None
    """The configuration, where there are several."""
    split: str
    columns: tuple[str, ...]
    """The columns that are taken."""
    labels: tuple[str, ...]
    """What the integers of the column ``label`` mean, where the files do not say."""

    def describe(self) -> str:
        """The split in one line, as errors and ``synth-eval doctor`` name it."""
        return f"{self.dataset}@{self.revision} {f'{self.config}/' if self.config else ''}{self.split}"


GLUE, GLUE_REVISION = "nyu-mll/glue", "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c"
HANS, HANS_REVISION = "jhu-cogsci/hans", "refs/convert/parquet"  # main holds a loading script, which is never run
_OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
_MNLI_COLUMNS = ("idx", "premise", "hypothesis", "label")
_HANS_COLUMNS = ("premise", "hypothesis", "label", "heuristic", "subcase", "template")

SPLITS = {
    "hans": HubSplit(HANS, HANS_REVISION, None, "validation", _HANS_COLUMNS, TWO_LABELS),
    "multinli_matched": HubSplit(GLUE, GLUE_REVISION, "mnli", "validation_matched", _MNLI_COLUMNS, LABELS),
    "multinli_mismatched": HubSplit(GLUE, GLUE_REVISION, "mnli", "validation_mismatched", _MNLI_COLUMNS, LABELS),
    "multinli_train": HubSplit(GLUE, GLUE_REVISION, "mnli", "train", _MNLI_COLUMNS, LABELS),
}


def rows(name: str, *, tried: str) -> list[dict[str, Any]]:
    """Download (once; the Hub's cache keeps it, also for work without a network) and read a data set, labels by name.

    A Hub that does not answer is asked six times, for about 25 seconds, before the cache is used or the error raised.

    HANS rows get the pairIDs ``ex0`` ... ``ex29999``: the Hub keeps the authors' order, so predictions pair.

    Args:
        name: a key of ``SPLITS``.
        tried: what was found in ``SYNTH_EVAL_DATA``, in words, for the error.

    Raises:
        InputError: the Hub could not be reached, or holds something else under this name.
    """
    from datasets import load_dataset

    source = SPLITS[name]
    try:
        table = load_dataset(source.dataset, source.config, revision=source.revision, split=source.split)
    except Exception as error:  # half a dozen unrelated classes, of three libraries
        raise _unreachable(name, source, tried, error) from error
    missing = [column for column in source.columns if column not in table.column_names]
    if missing:
        found, expected = f"the columns {', '.join(table.column_names)}", f"the column {missing[0]}"
        raise InputError(source.describe(), found, expected, "get the data from its authors and give the file's path")
    feature = table.features["label"]
    label_names = getattr(feature, "names", source.labels)
    result = []
    for number, row in enumerate(table.select_columns(list(source.columns))):
        label = row.pop("label")
        row["gold_label"] = label_names[label] if label is not None and 0 <= label < len(label_names) else label
        result.append({"pairID": f"ex{number}"} | row if name == "hans" else row)
    return result


def _unreachable(name: str, source: HubSplit, tried: str, error: Exception) -> InputError:
    reason = _root(error)
    offline = next((key for key in _OFFLINE if os.environ.get(key, "0").lower() not in {"", "0", "false"}), None)
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    hub = f"{offline} is set and it is not in the cache" if offline else f"{endpoint}: {reason}"
    online = f"unset {offline}" if offline else "connect to the Hub (HF_ENDPOINT names a mirror)"
    return InputError(
        name,
        f"no data (path: none given; {tried}; the Hub, {source.describe()}: {hub})",
        "the data set in one of these three places",
        f"give the file's path, or set SYNTH_EVAL_DATA to a folder that holds it, or {online}",
    )


def _root(error: BaseException) -> str:
    """The first line of what went wrong first, apart from the cache, which is looked at last."""
    chain = [error]
    while (deeper := chain[-1].__cause__ or chain[-1].__context__) and deeper not in chain:
        chain.append(deeper)
    root = [error, *(link for link in chain if "is not cached" not in str(link))][-1]
    return f"{type(root).__name__}: {(str(root).strip().splitlines() or [''])[0][:200]}"
