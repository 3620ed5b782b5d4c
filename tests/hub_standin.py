"""A stand-in for the Hugging Face Hub on the loopback interface, for the real clients (through ``HF_ENDPOINT``).

It speaks the reading half of the Hub's HTTP: repository info, tree listings, paths-info, and files with HEAD, ranges,
ETag and X-Repo-Commit; what is not there is a 404 with the Hub's X-Error-Code. Repositories are folders.

    with HubStandIn() as hub:
        hub.add("nyu-mll/glue", folder)
        subprocess.run(..., env=hub.environment(tmp_path))
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

DATE = "2024-01-01T00:00:00.000Z"


class HubStandIn:
    """A running server; ``requests`` lists what it was asked, ``failing`` makes every answer that status."""

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], dict[str, tuple[str, Path]]] = {}  # (kind, id) -> revision -> commit, folder
        self.requests: list[str] = []
        self.failing: int | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (_Handler,), {"hub": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> HubStandIn:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add(self, repo_id: str, folder: Path, *, revision: str = "main", kind: str = "datasets") -> str:
        """Serve ``folder`` as one revision of a repository (kind: datasets, models or spaces); returns its commit."""
        digest = hashlib.sha1(usedforsecurity=False)
        for file in sorted(file for file in folder.rglob("*") if file.is_file()):
            digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
        commit = revision if re.fullmatch("[0-9a-f]{40}", revision) else digest.hexdigest()
        revisions = self.repos.setdefault((kind, repo_id), {})
        revisions[revision] = revisions[commit] = (commit, folder)
        return commit

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """The environment for a client process: this endpoint, an own cache, no token, not offline."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING", "SYNTH_EVAL"))}
        own = {"HF_ENDPOINT": self.url, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"}
        return kept | own | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"} | more


class _Handler(BaseHTTPRequestHandler):
    hub: HubStandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean; ``hub.requests`` has it all."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.hub.requests.append(f"{self.command} {self.path}")
        if self.hub.failing is not None:
            return self._send(self.hub.failing, b"out of order")
        url = urlsplit(self.path)
        parts = url.path.strip("/").split("/")  # still quoted: a revision may hold an escaped slash
        if parts[0] == "api" and len(parts) >= 4 and parts[1] in {"datasets", "models", "spaces"}:
            return self._api(parts[1], "/".join(parts[2:4]), parts[4:], parse_qs(url.query), body)
        kind = parts.pop(0) if parts[0] in {"datasets", "spaces"} else "models"
        if len(parts) >= 5 and parts[2] in {"resolve", "raw"}:
            return self._file(kind, "/".join(parts[:2]), unquote(parts[3]), unquote("/".join(parts[4:])))
        return self._missing("EntryNotFound", f"nothing at {url.path}")

    def _revision(self, kind: str, repo_id: str, revision: str) -> tuple[str, Path] | None:
        """Commit and folder; or None, and the error is sent."""
        revisions = self.hub.repos.get((kind, repo_id))
        if revisions is None:
            self._missing("RepoNotFound", "Repository not found")
        elif revision not in revisions:
            self._missing("RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            return revisions[revision]
        return None

    def _api(self, kind: str, repo_id: str, rest: list[str], query: dict[str, list[str]], body: bytes) -> None:
        action, revision = (rest[0], unquote(rest[1])) if len(rest) > 1 else ("revision", "main")
        if rest == ["refs"]:
            return self._refs(kind, repo_id)
        found = self._revision(kind, repo_id, revision)
        if found is None:
            return None
        commit, folder = found
        match action:
            case "revision":
                siblings = [{"rfilename": e["path"]} for e in _entries(folder, folder, True) if e["type"] == "file"]
                flags = {"private": False, "gated": False, "disabled": False, "downloads": 0, "likes": 0, "tags": []}
                times = {"createdAt": DATE, "lastModified": DATE}
                return self._json(
                    {"_id": commit[:24], "id": repo_id, "sha": commit, "siblings": siblings} | flags | times
                )
            case "tree":
                top = folder / unquote("/".join(rest[2:]))
                if not top.is_dir():
                    return self._missing("EntryNotFound", f"{top.name} does not exist on this revision")
                return self._json(_entries(folder, top, query.get("recursive", [""])[0].lower() in {"true", "1"}))
            case "paths-info":
                kind_of_body = self.headers.get("Content-Type", "")
                fields = json.loads(body) if "json" in kind_of_body else parse_qs(body.decode())
                asked = fields.get("paths", [])
                every = _entries(folder, folder, True)
                return self._json([entry for entry in every if entry["path"] in asked])
            case _:
                return self._missing("EntryNotFound", f"no such action: {action}")

    def _refs(self, kind: str, repo_id: str) -> None:
        refs: dict[str, list[dict[str, str]]] = {"branches": [], "converts": [], "tags": []}
        for name, (commit, _) in self.hub.repos.get((kind, repo_id), {}).items():
            if name.startswith("refs/convert/"):
                refs["converts"].append(
                    {"name": name.removeprefix("refs/convert/"), "ref": name, "targetCommit": commit}
                )
            elif name != commit:
                refs["branches"].append({"name": name, "ref": f"refs/heads/{name}", "targetCommit": commit})
        self._json(refs)

    def _file(self, kind: str, repo_id: str, revision: str, path: str) -> None:
        found = self._revision(kind, repo_id, revision)
        if found is None:
            return None
        commit, folder = found
        file = folder / path
        if ".." in Path(path).parts or not file.is_file():
            return self._missing("EntryNotFound", "Entry not found", {"X-Repo-Commit": commit})
        data = file.read_bytes()
        headers = {"ETag": f'"{_oid(data)}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted is None:
            return self._send(200, data, headers)
        start, end = int(wanted[1]), min(int(wanted[2] or len(data)), len(data) - 1)
        if start > end:
            return self._send(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
        return self._send(206, data[start : end + 1], headers)

    def _missing(self, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        body = json.dumps({"error": message}).encode()
        self._send(404, body, {"X-Error-Code": code, "X-Error-Message": message} | (headers or {}))

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _entries(folder: Path, top: Path, recursive: bool) -> list[dict[str, Any]]:
    """The tree listing of ``top``, with paths relative to the repository ``folder``."""
    commit = {"id": "0" * 40, "title": "add", "date": DATE}
    result = []
    for path in sorted(top.rglob("*") if recursive else top.iterdir()):
        data = path.read_bytes() if path.is_file() else b""
        entry = {"type": "file" if path.is_file() else "directory", "oid": _oid(data), "size": len(data)}
        result.append(entry | {"path": path.relative_to(folder).as_posix(), "lastCommit": commit})
    return result
