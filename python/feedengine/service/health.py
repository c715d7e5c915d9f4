"""A small HTTP server for monitoring: `/health` says whether all is well, `/metrics` says how much of what."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from feedengine.errors import FeedEngineError
from feedengine.ledger.figures import Figures
from feedengine.service import metrics, state
from feedengine.service.part import Part

_TIMEOUT = 10.0
_MOST_AT_ONCE = 16
_KEEP_SECONDS = 1.0

Answer = tuple[int, str, bytes]


class Health:
    """The server, in threads of its own. `port` is the one it listens on; 0 where it does not."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Answer]] = {}
        self._server: _Server | None = None
        self.port = 0

    def start(self) -> None:
        """Listen, if the settings want it. A port that is taken is told in the log and stops nothing."""
        host, port = str(self._part.settings.get("health.host")), int(self._part.settings.get("health.port"))
        if not port:
            return
        try:
            self._server = _Server((host, port), self.answer)
        except OSError as error:
            self._part.log("health.failed", level="error", host=host, port=port, error=str(error))
            return
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()
        self._part.log("health.listening", host=host, port=self.port)

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, path: str) -> Answer:
        """Status, type and body for a path; looked up once a second at most, however many ask."""
        path = path.partition("?")[0]
        if path not in ("/health", "/metrics"):
            return 404, "text/plain; charset=utf-8", b"there is /health and /metrics\n"
        with self._lock:
            since, kept = self._kept.get(path, (float("-inf"), (0, "", b"")))
            if time.monotonic() - since < _KEEP_SECONDS:
                return kept
            made = self._made(path)
            self._kept[path] = (time.monotonic(), made)
            return made

    def _made(self, path: str) -> Answer:
        part = self._part
        try:
            found = state.look(part.store, part.settings)
            if path == "/metrics":
                text = metrics.render(found, Figures(part.store.ledger).counters())
                return 200, metrics.CONTENT_TYPE, text.encode()
            told = state.document(found, int(part.settings.get("queue.min_free")))
        except (FeedEngineError, OSError) as error:
            part.log("health.trouble", level="error", error=str(error))
            told = {"schema": "feedengine.health/1", "ok": False, "troubles": ["the ledger can't be read"]}
        return (200 if told["ok"] else 503), "application/json", json.dumps(told).encode() + b"\n"


def started(part: Part) -> Health:
    """Serve health and metrics beside a part's own work, until it is closed."""
    made = Health(part)
    made.start()
    return made


class _Server(ThreadingHTTPServer):
    """Threads that hold nothing up; a bounded number of them, so that a flood costs little."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], answer: Callable[[str], Answer]) -> None:
        self.answer = answer
        self._free = threading.BoundedSemaphore(_MOST_AT_ONCE)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who leaves in the middle is no error."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _TIMEOUT
    server_version = "feedengine"
    sys_version = ""

    def do_GET(self) -> None:
        status, kind, body = self.server.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes are not worth a line."""
