"""The HTTP endpoint of a listener, and what it says to systemd."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ..errors import ConfigError
from .health import Health
from .metrics import Metrics

__all__ = ["serving_health", "tell_systemd"]

_INDEX = b"/ready: whether runs are written\n/live: whether it turns\n/metrics: for Prometheus\n"


@contextmanager
def serving_health(place: str, health: Health) -> Iterator[str]:
    """Answer HTTP requests about a listener; yield the address.

    Parameters
    ----------
    place
        ``host:port``; port 0 for any that is free.
    health
        Of the listener.

    Raises
    ------
    ConfigError
        Nothing can be served there.
    MissingExtraError
        prometheus-client is not installed.
    """
    host, _, port = place.rpartition(":")
    if not (host and port.isdigit()):
        raise ConfigError(f"--http {place}: write HOST:PORT, such as 127.0.0.1:9464")
    handler = type("Handler", (_Handler,), {"health": health, "metrics": Metrics(health)})
    try:
        server = _server(host.strip("[]"), int(port), handler)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"--http {place}: {error}") from None
    threading.Thread(target=server.serve_forever, name="bluescribe-http", daemon=True).start()
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _server(host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True

    return Server((host, port), handler)


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    health: Health
    metrics: Metrics
    timeout = 10  # of a client that says nothing

    def do_GET(self) -> None:
        """Answer what is asked."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(200, self.metrics.text(), self.metrics.content_type)
        elif path == "/ready":
            self._judge(self.health.why_not_ready())
        elif path == "/live":
            self._judge(self.health.why_not_alive())
        else:
            self._answer(200 if path == "/" else 404, _INDEX)

    def _judge(self, why_not: str) -> None:
        text = why_not or "ok"
        self._answer(503 if why_not else 200, f"{text}\n".encode(errors="replace"))

    def _answer(self, code: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: Prometheus asks every few seconds."""


def tell_systemd(words: str) -> None:
    """Tell systemd how its service is, if it wants to know: ``READY=1``, ``STOPPING=1``."""
    place = os.environ.get("NOTIFY_SOCKET", "")
    if not place or not hasattr(socket, "AF_UNIX"):
        return
    address = "\0" + place[1:] if place.startswith("@") else place
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.sendto(words.encode(), address)
    except OSError:
        return  # whoever started this one is not there any more
