"""Reading a recipe file and its command line; every mistake is answered with file, line, key and the fix."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from synth_eval.errors import DivergedError, InputError, nearest
from synth_eval.files import dump_json
from synth_eval.provenance import sha256_text

S = TypeVar("S", bound=BaseModel)
_TEXT_LIMIT = 1_000_000


@dataclass(frozen=True)
class Recipe(Generic[S]):
    """A recipe file that was read and checked."""

    path: Path
    text: str
    overrides: tuple[str, ...]
    """``key=value`` from the command line."""
    settings: S

    @property
    def hash(self) -> str:
        """Digest of the settings in force, file and overrides together."""
        return sha256_text(dump_json(self.settings.model_dump(mode="json")))


def read(path: str | Path, kind: type[S], overrides: Sequence[str] = ()) -> Recipe[S]:
    """Read a recipe.

    Args:
        path: the YAML file.
        kind: the settings that it may hold.
        overrides: ``key=value``, dots for inner keys (``data.size=500``); values are YAML.

    Raises:
        InputError: naming file, line and key.
    """
    path = Path(path)
    text, mapping, lines = _open(path)
    for override in overrides:
        _set(mapping, override)
        lines.pop(tuple(override.partition("=")[0].split(".")), None)
    try:
        settings = kind.model_validate(mapping)
    except ValidationError as error:
        raise _explain(path, kind, error, lines) from error
    return Recipe(path, text, tuple(overrides), settings)


def content(path: Path) -> dict[str, Any]:
    """What a recipe file says, unchecked; InputError when it is missing or no mapping."""
    return _open(path)[1]


def _open(path: Path) -> tuple[str, dict[str, Any], dict[tuple[Any, ...], int]]:
    """Text, content and the line of every key."""
    if not path.is_file():
        raise InputError(
            path, "no such file", "a recipe (YAML)", "see the folder that `synth-eval path recipes` prints"
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"bytes that are not UTF-8 ({error.reason})"
        raise InputError(path, found, "UTF-8 text", "save the file as UTF-8") from error
    if len(text) > _TEXT_LIMIT:
        raise InputError(path, f"{len(text):,} characters", f"at most {_TEXT_LIMIT:,}", "name a recipe, not data")
    content = _yaml(text, path, "a mapping of settings", "correct the file")
    lines = _key_lines(yaml.compose(text, Loader=yaml.SafeLoader), path)
    if not isinstance(content, dict):
        raise InputError(path, type(content).__name__, "a mapping of settings", "write key: value lines")
    return text, content, lines


def check(content: dict[str, Any], kind: type[S], where: object) -> S:
    """Settings from a mapping; InputError naming ``where`` and the key."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise _explain(where, kind, error, {}) from error


def _yaml(text: str, where: object, expected: str, fix: str) -> Any:
    """The content of a YAML text: what JSON can hold, and NaN and infinities, which are refused by key later."""
    try:
        content = yaml.safe_load(text)
        json.dumps(content)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:  # also 2020-13-45, and an alias in itself
        raise InputError(where, f"invalid YAML ({error})", expected, fix) from error
    return content


def _key_lines(node: yaml.Node | None, path: Path, prefix: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], int]:
    """The line of every key; a key written twice is an error."""
    lines: dict[tuple[Any, ...], int] = {}
    children: list[tuple[Any, yaml.Node, int]] = []
    if isinstance(node, yaml.MappingNode):
        children = [(key.value, value, key.start_mark.line + 1) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = [(index, value, value.start_mark.line + 1) for index, value in enumerate(node.value)]
    for key, value, line in children:
        if (*prefix, key) in lines:
            raise InputError(f"{path}, line {line}", f"the key '{key}' twice", "each key once", "keep one of them")
        lines[*prefix, key] = line
        lines |= _key_lines(value, path, (*prefix, key))
    return lines


def _set(content: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise InputError(f"--set {override}", "no key=value", "for example --set epochs=2", "write key=value")
    *outer, last = key.split(".")
    place: Any = content
    for name in outer:
        if isinstance(place, dict) and place.get(name) is None:
            place[name] = {}
        place = place.get(name) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise InputError(
            f"--set {override}", "a key inside a value that is no mapping", "an inner key", "edit the file"
        )
    place[last] = _yaml(value, f"--set {override}", "a value", "quote the value")


def _explain(
    path: object, kind: type[BaseModel], error: ValidationError, lines: dict[tuple[Any, ...], int]
) -> InputError:
    errors = error.errors()  # a misspelt key often makes another one missing
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
    place = first["loc"]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, InputError):
        return cause
    line = lines.get(place) or (lines.get((place[0], *place[2:])) if place else None)  # data: {..} is read as a list
    where = f"{path}, line {line}" if line else str(path)
    key = ".".join(map(str, place))
    if first["type"] == "extra_forbidden":
        advice = nearest(str(place[-1]), _owner(kind, place).model_fields)
        return InputError(where, f"the unknown key '{key}'", "a key that is known here", advice)
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if first["type"] == "missing":
        return InputError(where, f"no key '{key}'", f"a value for '{key}'", f"add '{key}: ...'")
    found = f"{key}: {first['input']!r}" if place else "settings that do not fit together"
    return InputError(where, found[:300], message, f"correct '{key}'" if place else "correct the recipe")


def _owner(kind: type[BaseModel], place: Sequence[int | str]) -> type[BaseModel]:
    """The settings that the last key of ``place`` would belong to."""
    for name in place[:-1]:
        field = kind.model_fields.get(str(name))
        kind = next(_models(field.annotation), kind) if field is not None else kind
    return kind


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The settings inside a type such as ``dict[str, ArmSettings] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def arguments(description: str, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line that all recipes have: config, output_dir, set, dry_run, overwrite."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--config", required=True, help="the recipe file (YAML)")
    parser.add_argument("--output_dir", help="where everything is written (default: runs/<recipe>-<hash>)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, do nothing")
    parser.add_argument("--overwrite", action="store_true", help="delete what another recipe left in output_dir")
    return parser.parse_args(argv)


def run_main(main: Callable[[], int]) -> int:
    """Call a recipe's ``main``: 2 for input that the user can mend, 1 for a run or disk that failed, 130 for Ctrl-C."""
    try:
        return main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except DivergedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"error: {place}{error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; what was whole is kept, and the same command goes on", file=sys.stderr)
        return 130
