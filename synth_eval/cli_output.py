"""What every command does with its result: a table for people, or one JSON object for machines."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Annotated

import typer

Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object for machines; everything else goes to stderr.")
]


def show(value: object, as_json: bool, otherwise: Callable[[], object]) -> None:
    """Print ``value`` as JSON, or call ``otherwise``, which prints it for people."""
    if as_json:
        print(json.dumps(value, ensure_ascii=False, allow_nan=False))
    else:
        otherwise()


@contextlib.contextmanager
def stdout_to_stderr(active: bool) -> Iterator[None]:
    """Under ``--json`` what libraries print goes to stderr, so that stdout holds one JSON object."""
    with contextlib.redirect_stdout(sys.stderr) if active else contextlib.nullcontext():
        yield
