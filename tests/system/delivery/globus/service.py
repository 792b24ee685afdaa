"""A server that speaks the Transfer API, as globus_sdk's own test data define it."""

from __future__ import annotations

import copy
import json
import threading
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

pytest.importorskip("globus_sdk", reason="globus-sdk is not installed: it is in the extra `test`")
pytest.importorskip("responses", reason="responses, which globus_sdk.testing wants, is missing")

from globus_sdk.testing import get_response_set

Fault = Callable[[], tuple[int, Any, dict[str, str]] | None]
"""Answers in place of the service; None closes the connection without an answer."""


def body(name: str, case: str = "default") -> Any:
    response: Any = get_response_set(name).lookup(case)
    return copy.deepcopy(response.json)


class GlobusService:
    """Tasks that were submitted, and faults that the next requests meet."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[str] = []
        self.tasks: dict[str, dict[str, Any]] = {}
        """The document of each transfer, by its task's id."""
        self.states: dict[str, dict[str, Any]] = {}
        """What a task's document says besides, by the task's id."""
        self.default_state: dict[str, Any] = {"status": "SUCCEEDED"}
        self.before: dict[str, list[Fault | None]] = {}
        """Faults instead of handling, or None for none, by the kind of the request."""
        self.after: dict[str, list[Fault | None]] = {}
        """Faults when all is done, before the answer."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.handle(self)

            def do_POST(self) -> None:
                service.handle(self)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def variables(self) -> dict[str, str]:
        """What points globus_sdk here."""
        return {
            "GLOBUS_SDK_SERVICE_URL_TRANSFER": self.url,
            "GLOBUS_SDK_SERVICE_URL_AUTH": self.url,
        }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        size = int(handler.headers.get("Content-Length") or 0)
        sent = handler.rfile.read(size)
        parts = handler.path.partition("?")[0].strip("/").split("/")
        kind = parts[1] if len(parts) > 1 else ""
        self.requests.append(kind)
        answer: tuple[int, Any, dict[str, str]] | None
        if fault := self._fault(self.before, kind):
            answer = fault()
        else:
            answer = 200, self._answer(kind, parts, sent), {}
            if fault := self._fault(self.after, kind):
                answer = fault()
        if answer is None:
            handler.close_connection = True
            handler.connection.close()
            return
        status, told, headers = answer
        data = told if isinstance(told, bytes) else json.dumps(told).encode()
        handler.send_response(status)
        for key, value in {"Content-Type": "application/json", **headers}.items():
            handler.send_header(key, value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    @staticmethod
    def _fault(faults: dict[str, list[Fault | None]], kind: str) -> Fault | None:
        return faults[kind].pop(0) if faults.get(kind) else None

    def _answer(self, kind: str, parts: list[str], sent: bytes) -> Any:
        if kind == "oauth2":
            return body("auth.oauth2_client_credentials_tokens")
        if kind == "endpoint":
            return body("transfer.get_endpoint") | {"id": parts[2]}
        if kind == "submission_id":
            return body("transfer.get_submission_id") | {"value": str(uuid.uuid4())}
        if kind == "transfer":
            return self._accept(json.loads(sent))
        assert kind == "task", parts
        (task,) = body("transfer.task_list")["DATA"]
        state = self.states.get(parts[2], self.default_state)
        return task | {"DATA_TYPE": "task", "task_id": parts[2]} | state

    def _accept(self, document: dict[str, Any]) -> Any:
        number = document["submission_id"]
        same = [t for t, known in self.tasks.items() if known["submission_id"] == number]
        task = same[0] if same else str(uuid.uuid4())
        self.tasks.setdefault(task, document)
        code = {"code": "Duplicate"} if same else {}
        answer = body("transfer.submit_transfer")
        return answer | {"submission_id": number, "task_id": task} | code


def error(status: int, code: str = "", message: str = "", **headers: str) -> Fault:
    told = body("transfer.submit_transfer", "failure")
    told |= {"code": code or told["code"], "message": message or told["message"]}
    if code == "ConsentRequired":
        told["required_scopes"] = ["transfer:all[*data_access]"]
    return lambda: (status, told, headers)


def no_answer() -> None:
    return None
