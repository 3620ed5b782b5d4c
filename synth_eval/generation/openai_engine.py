"""Any endpoint that speaks the OpenAI API: many requests in flight, failed ones asked again, the key shown nowhere.

Written for vLLM, SGLang, llama.cpp and commercial servers; `openai_messages` has the texts.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from synth_eval.errors import InputError, nearest
from synth_eval.generation import openai_messages as messages
from synth_eval.generation.engines import Completion, Engine, Request
from synth_eval.generation.settings import GenerationSettings, OpenAISettings
from synth_eval.provenance import REDACTED, without_secrets

FIRST_WAIT_S = 0.5
"""Before a request is asked a second time; then twice as long each time, up to `LONGEST_WAIT_S`."""
LONGEST_WAIT_S = 60.0
LONGEST_RETRY_AFTER_S = 600.0
"""A server that asks to wait longer than this is given up."""
RETRIED = frozenset({408, 409, 425, 429})
"""Statuses that are asked again, beside all from 500 on."""
_log = logging.getLogger(__name__)
T = TypeVar("T")


class _AgainError(Exception):
    """Trouble that may pass; ``wait_s`` is what the server asked for."""

    def __init__(self, trouble: str, wait_s: float | None = None) -> None:
        super().__init__(trouble)
        self.wait_s = wait_s


@dataclass
class _Client:
    settings: GenerationSettings
    endpoint: OpenAISettings
    session: aiohttp.ClientSession = field(repr=False)
    key: str = field(repr=False)
    owner: str = ""
    models: list[str] = field(default_factory=list)
    silent_until: float = 0.0

    def shown(self, text: str) -> str:
        """Words from outside on one line, without the key."""
        text = text.replace(self.key, REDACTED) if self.key else text
        words = " ".join(str(without_secrets(text)).split())
        return "".join(letter for letter in words if letter.isprintable())[:500]


@contextmanager
def opened(settings: GenerationSettings) -> Iterator[Engine]:
    """Connect to the endpoint; yields the engine.

    The engine raises InputError for what the server refuses (with its message), and ConnectionError when a request
    has failed once more than ``retries`` allows. Requests in flight are dropped then, and on Ctrl-C.

    Raises:
        InputError: a key that the server refuses, or that cannot be sent.
        ConnectionError: no server there.
    """
    endpoint = settings.openai
    if endpoint is None or urlsplit(endpoint.base_url).query:
        found = "no settings" if endpoint is None else "an address with a query (?...)"
        fix = "correct the recipe; a key goes into the variable that api_key_variable names"
        raise InputError("openai.base_url", found, "an address such as http://localhost:8000/v1", fix)
    key = _key(endpoint)
    with asyncio.Runner() as runner:
        client = _Client(settings, endpoint, runner.run(_session(endpoint, key)), key)
        try:
            runner.run(_asked(client, lambda: _look_around(client)))
            yield lambda requests: _answers(runner, client, requests)
        finally:
            runner.run(client.session.close())


def identity(settings: GenerationSettings) -> dict[str, Any]:
    """The model's name. What stands behind it is the server's secret, so there is no digest and no version."""
    return {"model": settings.model, "versions": {}}


def _key(endpoint: OpenAISettings) -> str:
    key = os.environ.get(endpoint.api_key_variable, "").strip()
    if not key.isascii() or any(not letter.isprintable() or letter == " " for letter in key):
        where = f"environment variable {endpoint.api_key_variable}"
        raise InputError(where, "white space or letters that no header can hold", "one key", "set it again")
    return key


async def _session(endpoint: OpenAISettings, key: str) -> aiohttp.ClientSession:
    """As many connections as requests in flight, through the proxy that the environment names."""
    address = URL(endpoint.base_url)
    named = None if proxy_bypass(address.host or "") else getproxies().get(address.scheme)
    proxy = URL(named) if named else None
    return aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=aiohttp.ClientTimeout(total=endpoint.timeout_s),
        connector=aiohttp.TCPConnector(limit=endpoint.concurrency),
        proxy=proxy.with_user(None) if proxy else None,
        proxy_auth=aiohttp.BasicAuth(proxy.user, proxy.password or "") if proxy and proxy.user else None,
    )


def _answers(runner: asyncio.Runner, client: _Client, requests: Sequence[Request]) -> Iterator[Completion]:
    """Keep ``concurrency`` requests in flight and yield each answer when it is there."""
    waiting, flying, loop = iter(requests), set[asyncio.Task[Completion]](), runner.get_loop()

    def fly(request: Request) -> asyncio.Task[Completion]:
        return loop.create_task(_asked(client, lambda: _completion(client, request)))

    try:
        while True:
            flying |= set(map(fly, islice(waiting, client.endpoint.concurrency - len(flying))))
            if not flying:
                return
            done, flying = runner.run(asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED))
            failed = [error for task in done if (error := task.exception()) is not None]
            yield from (task.result() for task in done if task.exception() is None)
            if failed:
                raise failed[0]
    finally:
        for task in flying:
            if task.done() and not task.cancelled():
                task.exception()  # seen, so that asyncio does not report it
            task.cancel()


async def _asked(client: _Client, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Ask until there is an answer; the wait doubles each time, with a random part so that requests spread out."""
    for attempt in count():
        try:
            return await ask()
        except _AgainError as trouble:
            place = f"{client.endpoint.base_url}: {trouble}"
            if attempt >= client.endpoint.retries:
                raise ConnectionError(f"{place} (asked {attempt + 1} times)") from None
            if trouble.wait_s is not None and trouble.wait_s > LONGEST_RETRY_AFTER_S:
                raise ConnectionError(f"{place}; it asks to wait {trouble.wait_s:.0f} s") from None
            wait = random.uniform(0.5, 1) * min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt)  # noqa: S311 - no secret
            wait += trouble.wait_s or 0
            if time.monotonic() > client.silent_until:
                client.silent_until = time.monotonic() + 10
                _log.warning("%s; asked again in %.1f s", place, wait)
            await asyncio.sleep(wait)
    raise AssertionError("count() has no end")


async def _look_around(client: _Client) -> None:
    """Learn from ``/models`` what kind of server it is. Not every server has such a list; one refuses a key here."""
    status, text = await _fetch(client, "GET", "/models")
    if status in (401, 403):
        raise _refusal(client, status, text)
    try:
        client.owner, client.models = messages.models(text)
    except messages.UnreadableError as error:
        _log.info("%s/models: %s", client.endpoint.base_url, error)


async def _completion(client: _Client, request: Request) -> Completion:
    path, body = messages.question(client.settings, request, client.owner)
    status, text = await _fetch(client, "POST", path, body)
    if status != 200:
        raise _refusal(client, status, text)
    try:
        return messages.completion(client.settings, request.key, text)
    except messages.UnreadableError as error:
        raise _AgainError(f"{error}: {client.shown(messages.complaint(text))[:200]}") from None


async def _fetch(client: _Client, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, str]:
    """Status and text of one answer; trouble that may pass raises _AgainError."""
    url, wait_s = client.endpoint.base_url + path, None
    try:
        async with client.session.request(method, url, json=body, allow_redirects=False) as response:
            text, status = await response.text(encoding="utf-8", errors="replace"), response.status
            wait_s = messages.seconds(response.headers.get("Retry-After"))
    except TimeoutError:
        raise _AgainError(f"no answer within {client.endpoint.timeout_s:g} s") from None
    except (aiohttp.ClientError, OSError) as error:
        raise _AgainError(client.shown(f"no answer ({type(error).__name__}: {error})")) from None
    if status in RETRIED or status >= 500:
        raise _AgainError(f"status {status}: {client.shown(messages.complaint(text))}", wait_s)
    return status, text


def _refusal(client: _Client, status: int, text: str) -> InputError:
    """What the server will not do, however often it is asked."""
    url, model = client.endpoint.base_url, client.settings.model
    found = f"status {status}: {client.shown(messages.complaint(text)) or 'without a message'}"
    if status in (401, 403):
        fix = f"put the key into the environment variable {client.endpoint.api_key_variable}"
        return InputError(url, found, "a key that the server takes", fix if client.key else f"{fix} (there is none)")
    if status < 400:
        return InputError(url, found, "an answer, not a redirection", "use the address that it points to")
    if status == 404 and client.models and model not in client.models:
        return InputError(url, found, f"a model that it serves, not '{model}'", nearest(model, client.models))
    fix = "change what the message names: model, sampling, or openai.chat and base_url"
    return InputError(url, found, "a request that the server takes", fix)
