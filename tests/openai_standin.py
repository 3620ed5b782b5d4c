"""A stand-in for a server that speaks the OpenAI API, on the loopback interface, with faults that can be switched on.

It continues a prompt with words that depend on prompt and seed alone, ends texts at stop strings as such servers do
(the string itself is cut off), and counts the requests in flight.

    with OpenAIStandIn(fault=lambda body, asked: "429" if asked == 0 else None) as server:
        settings = {"engine": "openai", "model": "standin", "openai": {"base_url": server.url}}
"""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WORDS = ("a", "dog", "and", "the", "cat", "sleep", "in", "every", "old", "house", "near", "that", "river")
Fault = Callable[[dict[str, Any], int], str | None]
"""From a request's body and how often the same was asked before: the name of a fault, or None."""


class OpenAIStandIn:
    """A running server; ``bodies`` and ``headers`` list what it was asked, ``most_in_flight`` how many at a time."""

    def __init__(
        self,
        fault: Fault = lambda body, asked: None,
        *,
        owner: str = "standin",
        key: str | None = None,
        model: str = "standin",
        end: str = "",
        slow_s: float = 0.0,
    ) -> None:
        self.fault, self.owner, self.key, self.model, self.end, self.slow_s = fault, owner, key, model, end, slow_s
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.asked: Counter[tuple[str, int]] = Counter()
        self.in_flight = self.most_in_flight = 0
        self.guard = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), type("BoundHandler", (_Handler,), {"standin": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> OpenAIStandIn:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def text(self, prompt: str, seed: int) -> str:
        """What the model would write, were there no stop strings."""
        digest = hashlib.sha256(f"{prompt}\0{seed}".encode()).digest()
        return " " + " ".join(WORDS[byte % len(WORDS)] for byte in digest[:12]) + self.end

    def choice(self, body: dict[str, Any]) -> dict[str, Any]:
        """One choice, in the shape of the server that ``owner`` names."""
        prompt = body["prompt"] if "prompt" in body else body["messages"][0]["content"]
        text, end, stop = self.text(prompt, body["seed"]), "stop", None
        words = text.split(" ")
        if len(words) - 1 > body["max_tokens"]:
            text, end = " ".join(words[: body["max_tokens"] + 1]), "length"
        for string in body.get("stop") or []:
            if string in text:
                text, end, stop = text.split(string)[0], "stop", string
        named = {"vllm": {"stop_reason": stop}, "sglang": {"matched_stop": stop}}.get(self.owner, {})
        said = {"text": text} if "prompt" in body else {"message": {"role": "assistant", "content": text}}
        return {"index": 0, "finish_reason": end, **said, **named}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """A client that went away (Ctrl-C, a time limit) is no error of the server."""


class _Handler(BaseHTTPRequestHandler):
    standin: OpenAIStandIn
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean; the stand-in keeps the requests."""

    def do_GET(self) -> None:
        if not self._admitted():
            return None
        if self.path != "/v1/models":
            return self._send(404, _error("no such path"))
        card = {"id": self.standin.model, "object": "model", "owned_by": self.standin.owner}
        return self._send(200, {"object": "list", "data": [card]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.standin
        with server.guard:
            server.bodies.append(body)
            server.paths.append(self.path)
            server.headers.append(dict(self.headers))
            same = (json.dumps(body.get("prompt", body.get("messages"))), body["seed"])
            asked = server.asked[same]
            server.asked[same] += 1
            server.in_flight += 1
            server.most_in_flight = max(server.most_in_flight, server.in_flight)
        try:
            time.sleep(server.slow_s)
            if self._admitted():
                self._answer(body, server.fault(body, asked))
        finally:
            with server.guard:
                server.in_flight -= 1

    def _admitted(self) -> bool:
        key, given = self.standin.key, self.headers.get("Authorization", "")
        if key is not None and given != f"Bearer {key}":
            self._send(401, _error(f"Incorrect API key provided: {given.removeprefix('Bearer ')}"))
            return False
        return True

    def _answer(self, body: dict[str, Any], fault: str | None) -> None:
        server, answer = self.standin, {"object": "text_completion", "choices": []}
        if body["model"] != server.model:
            return self._send(404, _error(f"The model `{body['model']}` does not exist."))
        if self.path not in ("/v1/completions", "/v1/chat/completions"):
            return self._send(404, _error("no such path"))
        match fault:
            case "429":
                return self._send(429, _error("slow down"), {"Retry-After": "0.05"})
            case "429 for long":
                return self._send(429, _error("quota used up"), {"Retry-After": "86400"})
            case "500" | "503":
                return self._send(int(fault), _error("out of order"))
            case "echo":
                return self._send(503, _error(f"no quota for {self.headers.get('Authorization')}"))
            case "400":
                return self._send(400, _error("temperature must be between 0 and 2"))
            case "307":
                return self._send(307, {}, {"Location": "http://127.0.0.1:1/v1/completions"})
            case "drop":
                self.close_connection = True
                return self.connection.shutdown(socket.SHUT_RDWR)
            case "cut":
                self._send(200, answer, {"Content-Length": "4096"})
                self.close_connection = True
                return self.connection.shutdown(socket.SHUT_RDWR)
            case "slow":
                time.sleep(2.5)
            case "stuck":
                time.sleep(60)
            case "late":
                time.sleep(0.02 * (body["seed"] % 7))
            case "malformed":
                return self._send(200, b'{"choices": [{"text": "half an ans')
            case "no choices":
                return self._send(200, answer)
            case "two choices":
                return self._send(200, answer | {"choices": [server.choice(body)] * 2})
            case "unfinished":
                return self._send(200, answer | {"choices": [server.choice(body) | {"finish_reason": None}]})
            case None:
                pass
            case _:
                raise AssertionError(f"unknown fault {fault}")
        return self._send(200, answer | {"choices": [server.choice(body)]})

    def _send(self, status: int, content: dict[str, Any] | bytes, headers: dict[str, str] | None = None) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in (
            {"Content-Length": str(len(data)), "Content-Type": "application/json"} | (headers or {})
        ).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "code": None}}
