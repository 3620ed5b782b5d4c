"""Training sets from sources: held-out pairs taken out, an overlap filter, balanced sizes, shares of each source.

The filters are those of Zhang & Pavlick 2025 (arXiv 2502.07164). ``biased``: every entailment has full lexical overlap
and no other pair has. ``debiased`` is that turned around: no entailment has it and every other pair has. Which tokens
count is the ``rule`` (`nli.overlap`), and part of the result.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth_eval.data.mix_settings import MixSettings, SourceSettings
from synth_eval.data.records import Record
from synth_eval.data.sources import load
from synth_eval.errors import InputError
from synth_eval.metrics.duplicates import near_pairs, pair_key
from synth_eval.nli.labels import ENTAILMENT, LABELS, require
from synth_eval.nli.overlap import full_overlap
from synth_eval.provenance import sha256_file
from synth_eval.settings import DataSettings

_FROM = "from"  # which entry of ``sources`` a record came from, while the mix is made


@dataclass(frozen=True)
class Mix:
    """A training set, and how it came about."""

    records: list[Record]
    """pairID ``SOURCE/ID``, premise, hypothesis, gold_label, source."""
    counts: dict[str, Any]
    """Read, left out and why, after the filter, used: see `mix`."""


def mix(settings: MixSettings) -> Mix:
    """Read the sources and make the training set.

    Raises:
        InputError: labels that are not the three of NLI; more pairs wanted than there are, unless ``repeat``.
    """
    pool = [record for number, source in enumerate(settings.sources) for record in _read(source, number)]
    counts: dict[str, Any] = {"read": _by(pool, "source")}
    pool, counts["repeated_pairs"], counts["repeated_with_another_label"] = _once(pool)
    pool = _without_held_out(pool, settings, counts)
    excluded = {pair_key(r["premise"], r["hypothesis"]) for data in settings.exclude for r in load_data(data)}
    kept = [r for r in pool if pair_key(r["premise"], r["hypothesis"]) not in excluded]
    counts["excluded"] = len(pool) - len(kept)
    overlapping = [full_overlap(r["premise"], r["hypothesis"], settings.rule) for r in kept]
    counts["full_overlap"] = {"rule": settings.rule} | _by((r for r, o in zip(kept, overlapping, strict=True) if o))
    kept = [r for r, over in zip(kept, overlapping, strict=True) if _passes(r["gold_label"], over, settings.filter)]
    counts["available"] = _by(kept)
    chosen = _choose(kept, settings)
    counts |= {"used": _by(chosen), "used_by_source": _by(chosen, "source")}
    counts["repeated_to_fill"] = len(chosen) - len({record["pairID"] for record in chosen})
    return Mix(_numbered(chosen), counts)


def require_same(record: dict[str, Any], settings: MixSettings, path: Path) -> None:
    """InputError unless a set's provenance record is of these settings and of the file as it is."""
    if record.get("settings") != settings.model_dump(mode="json"):
        fix = "use another --output_dir, or --overwrite"
        raise InputError(path.parent, "pairs of another recipe", "an empty folder or the same recipe", fix)
    if not path.is_file() or record.get("sha256") != sha256_file(path):
        raise InputError(path, "another content than at its making", "its SHA-256", "--overwrite makes it again")


def load_data(data: DataSettings) -> list[Record]:
    """The records of one data set of a recipe."""
    return load(data.name, **data.options)


def _read(source: SourceSettings, position: int) -> list[Record]:
    found = []
    for number, record in enumerate(load_data(source), 1):
        name = source.called or str(record.get("source") or source.name)
        identity = str(record["pairID"])
        found.append(
            {
                "pairID": identity if identity.startswith(f"{name}/") else f"{name}/{identity}",
                "premise": record["premise"],
                "hypothesis": record["hypothesis"],
                "gold_label": require(record["gold_label"], f"{source.name}, row {number}", LABELS),
                "source": name,
                _FROM: position,
            }
        )
    if not found:
        raise InputError(source.name, "no pairs", "at least one", "check what made this source")
    return found


def _once(pool: Sequence[Record]) -> tuple[list[Record], int, int]:
    """The first of equal pairs (case, punctuation, white space aside); how many were left out, and with another label.

    A synthetic set that gives one pair two labels is noisy; the first label stays, as such noise is part of the data.
    """
    first: dict[str, Record] = {}
    others = 0
    for record in pool:
        kept = first.setdefault(pair_key(record["premise"], record["hypothesis"]), record)
        others += kept["gold_label"] != record["gold_label"]
    return list(first.values()), len(pool) - len(first), others


def _without_held_out(pool: list[Record], settings: MixSettings, counts: dict[str, Any]) -> list[Record]:
    """What is not in the held-out sets; ``counts`` gets how many equal one of their pairs, and how many nearly do."""
    counts["held_out"] = []
    for data in settings.held_out:
        held = [(record["premise"], record["hypothesis"]) for record in load_data(data)]
        keys = {pair_key(*pair) for pair in held}
        exact = [pair_key(r["premise"], r["hypothesis"]) in keys for r in pool]
        pool = [record for record, equal in zip(pool, exact, strict=True) if not equal]
        near = near_pairs([(r["premise"], r["hypothesis"]) for r in pool], held, settings.threshold)
        if settings.near_duplicates == "drop":
            pool = [record for number, record in enumerate(pool) if number not in near]
        found = {"set": data.name, "exact_dropped": sum(exact), "near": len(near), "threshold": settings.threshold}
        counts["held_out"].append(found | {"near_duplicates": settings.near_duplicates})
    return pool


def _passes(label: str, overlapping: bool, name: str) -> bool:
    match name:
        case "biased":
            return overlapping == (label == ENTAILMENT)
        case "debiased":
            return overlapping != (label == ENTAILMENT)
        case _:
            return True


def _choose(pool: Sequence[Record], settings: MixSettings) -> list[Record]:
    """As many pairs as asked of each label and source, in a seeded order; a smaller size takes a part of a larger."""
    groups = LABELS if settings.balanced else ("any label",)
    shares = {number: s.share for number, s in enumerate(settings.sources) if s.share is not None}
    chosen: list[Record] = []
    for position, group in enumerate(groups):
        of_label = [record for record in pool if record["gold_label"] == group or not settings.balanced]
        wanted = None
        if settings.size is not None:
            wanted = settings.size // len(groups) + (position < settings.size % len(groups))
        if not shares:
            chosen += _take(of_label, wanted, f"{group}", settings)
            continue
        for number, count in _parts(wanted or 0, shares).items():
            of_source = [record for record in of_label if record[_FROM] == number]
            chosen += _take(of_source, count, f"{settings.sources[number].name}, {group}", settings)
    if settings.balanced and settings.size is None:
        fewest = min(Counter(dict.fromkeys(LABELS, 0) | _by(chosen)).values())
        chosen = [r for label in LABELS for r in [c for c in chosen if c["gold_label"] == label][:fewest]]
    if not chosen:
        raise InputError("sources", "no pair left", "at least one", f"another filter than '{settings.filter}'")
    random.Random(f"order/{settings.seed}").shuffle(chosen)  # noqa: S311 - an order, not a secret
    return chosen


def _take(pool: Sequence[Record], wanted: int | None, what: str, settings: MixSettings) -> list[Record]:
    order = sorted(pool, key=lambda record: str(record["pairID"]))
    random.Random(f"{settings.seed}/{what}").shuffle(order)  # noqa: S311
    if wanted is None or wanted <= len(order):
        return order[:wanted]
    if not settings.repeat or not order:
        raise InputError(
            f"size {settings.size:,} (filter {settings.filter}, rule {settings.rule})",
            f"{len(order):,} pairs of {what}",
            f"{wanted:,}",
            "a smaller size, more data" + (", or repeat: true to take pairs again" if order else ""),
        )
    return [order[number % len(order)] for number in range(wanted)]


def _parts(total: int, shares: dict[int, float]) -> dict[int, int]:
    """Whole numbers with these shares of ``total`` (largest remainders)."""
    exact = {name: total * share for name, share in shares.items()}
    parts = {name: int(value + 1e-9) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: parts[name] - exact[name])
    for name in by_remainder[: total - sum(parts.values())]:
        parts[name] += 1
    return parts


def _numbered(chosen: Iterable[Record]) -> list[Record]:
    """The records as they are written; a pair that was taken again gets an id of its own."""
    seen: Counter[str] = Counter()
    result = []
    for record in chosen:
        seen[record["pairID"]] += 1
        again = seen[record["pairID"]]
        name = record["pairID"] if again == 1 else f"{record['pairID']}#{again}"
        result.append({key: value for key, value in record.items() if key != _FROM} | {"pairID": name})
    return result


def _by(records: Iterable[Record], field: str = "gold_label") -> dict[str, int]:
    return dict(sorted(Counter(str(record[field]) for record in records).items()))


def summary(made: Mix) -> str:
    """What was read, left out and used, a line each."""
    counts = made.counts
    other = f", {counts['repeated_with_another_label']:,} of them with another label (the first stays)"
    lines = [f"read            {_words(counts['read'])}", f"repeated        {counts['repeated_pairs']:,}{other}"]
    for held in counts["held_out"]:
        near = f"{held['near']:,} nearly ({held['near_duplicates']})"
        lines.append(f"in {held['set']:<12} {held['exact_dropped']:,} exactly (drop), {near}")
    over = {label: count for label, count in counts["full_overlap"].items() if label != "rule"}
    lines += [
        f"excluded        {counts['excluded']:,}",
        f"full overlap    {_words(over)} ({counts['full_overlap']['rule']} rule)",
        f"after filter    {_words(counts['available'])}",
        f"used            {_words(counts['used'])}; by source: {_words(counts['used_by_source'])}",
    ]
    return "\n".join(lines)


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"
