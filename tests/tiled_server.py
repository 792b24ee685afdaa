"""A tiled server on loopback that can be killed, and what may stand between it and a client."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CONFIG = """
authentication: {single_user_api_key: secret, allow_anonymous_access: false}
media_types:
  BlueskyRun:
    application/json-seq: bluesky_tiled_plugins.exporters:json_seq_exporter
# a client lets go of an idle connection after 5 s, and so would the server: whoever asks just then
# gets no answer
uvicorn: {timeout_keep_alive: 60}
trees:
  - path: /
    tree: catalog
    args:
      uri: "sqlite:///FOLDER/catalog.db"
      writable_storage: ["file://localhostFOLDER/data", "duckdb:///FOLDER/data.duckdb"]
      readable_storage: [EXTERNAL]
      init_if_not_exists: true
"""


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class TiledServer:
    """A server whose catalog outlives it."""

    def __init__(self, folder: Path, *readable: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._config, self._log = folder / "config.yml", folder / "log"
        (folder / "data").mkdir(parents=True)
        external = ", ".join(f'"file://localhost{path}"' for path in readable)
        text = CONFIG.replace("FOLDER", str(folder)).replace("EXTERNAL", external)
        self._config.write_text(text)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Serve; return when there is an answer."""
        command = ["-m", "tiled", "serve", "config", str(self._config), "--host", "127.0.0.1"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *command, "--port", str(self.port)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TILED_API_KEY": "secret"},
            )
        deadline = time.monotonic() + 120
        while self._process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as door:
                if door.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError(self._log.read_text())

    def ensure(self) -> None:
        """Start it again if it has ended or does not answer; what it said last is shown."""
        process = self._process
        if process is not None and process.poll() is None and self._answers():
            return
        ended = None if process is None else process.poll()
        print(f"the tiled server is gone ({ended}):", *self._log.read_text()[-4000:].splitlines())
        self.stop(signal.SIGKILL)
        self.start()

    def _answers(self) -> bool:
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            with closing(connection):
                connection.request("GET", "/healthz")
                return connection.getresponse().status == 200
        return False

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End the server; SIGKILL is what a power cut is."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:  # it waits for clients that hold on
                process.kill()
                process.wait(60)


Fault = Callable[[str, str], str]
"""Gets the method and the path of a request, and returns what becomes of the answer.

It is "", "lose", "cut" for its half, "unsigned" for it without what only tiled says, a status such
as "403", or a text that is answered in place of the server with status 200; 204 for a blank.
"""


class Between:
    """A proxy that counts the requests to a server, and spoils some."""

    def __init__(self, port: int) -> None:
        self.requests: Counter[str] = Counter()
        """By method."""
        self.fault: Fault = lambda method, path: ""
        between = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def handle_one_request(self) -> None:
                self.close_connection = True
                self.raw_requestline = self.rfile.readline()
                if self.raw_requestline and self.parse_request():
                    between._pass_on(self, port)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()

    def _pass_on(self, asked: BaseHTTPRequestHandler, port: int) -> None:
        self.requests[asked.command] += 1
        body = asked.rfile.read(int(asked.headers.get("Content-Length", 0)))
        fault = self.fault(asked.command, asked.path)
        if fault.isdigit():
            asked.send_response(int(fault))
            asked.send_header("Content-Length", "0")
            asked.end_headers()
            return
        if fault and fault not in ("lose", "cut", "unsigned"):
            _answer_instead(asked, fault.strip())
            return
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request(asked.command, asked.path, body, dict(asked.headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if fault == "lose":
            return
        if fault == "cut":
            content = content[: len(content) // 2]
        asked.send_response(answer.status)
        for key, value in answer.getheaders():
            if fault == "unsigned" and key.lower() == "x-tiled-request-id":
                continue
            if key.lower() not in ("content-length", "transfer-encoding", "server", "date"):
                asked.send_header(key, value)
        asked.send_header("Content-Length", str(len(content)))
        asked.end_headers()
        asked.wfile.write(content)


def _answer_instead(asked: BaseHTTPRequestHandler, words: str) -> None:
    """Answer as something does that is not the server."""
    asked.send_response(200 if words else 204)
    asked.send_header("Content-Type", "text/html" if words.startswith("<") else "application/json")
    asked.send_header("Content-Length", str(len(words)))
    asked.end_headers()
    asked.wfile.write(words.encode())
