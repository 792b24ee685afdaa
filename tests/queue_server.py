"""bluesky-queueserver with a redis server of its own, on loopback."""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.tiled_server import free_port

USER = {"user": "test", "user_group": "primary"}

PERMISSIONS = """\
user_groups:
  root: {allowed_plans: [null], forbidden_plans: [null], allowed_devices: [null],
         forbidden_devices: [null], allowed_functions: [null], forbidden_functions: [null]}
  primary: {allowed_plans: [":.*"], forbidden_plans: [null], allowed_devices: [":?.*"],
            forbidden_devices: [null], allowed_functions: [null], forbidden_functions: [null]}
"""


class QueueServer:
    """A manager whose worker loads the startup files of a folder.

    Parameters
    ----------
    folder
        Gets what the servers say and keep.
    startup
        Has the startup files.
    options
        More options of ``start-re-manager``.
    """

    def __init__(self, folder: Path, startup: Path, *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._startup, self._options = folder, startup, options
        self._log = folder / "console.log"
        self.address = ""
        """Where the manager listens."""
        self._processes: list[subprocess.Popen[bytes]] = []
        self._client: Any = None

    def start(self) -> None:
        """Start both servers; return when the manager answers."""
        from bluesky_queueserver import ZMQCommSendThreads

        redis, control, info = free_port(), free_port(), free_port()
        self._run("redis-server", "--bind", "127.0.0.1", "--port", redis, "--save", "")
        self._wait(lambda: is_open(redis), 30, "redis to answer")
        self.address = f"tcp://127.0.0.1:{control}"
        (self._startup / "user_group_permissions.yaml").write_text(PERMISSIONS)
        self._run(
            Path(sys.executable).with_name("start-re-manager"),
            f"--startup-dir={self._startup}",
            f"--redis-addr=127.0.0.1:{redis}",
            f"--zmq-control-addr={self.address}",
            f"--zmq-info-addr=tcp://127.0.0.1:{info}",
            *self._options,
        )
        self._client = ZMQCommSendThreads(zmq_server_address=self.address, raise_exceptions=False)
        self._wait(self._answers, 60, "an answer of the manager")

    def stop(self) -> None:
        """End both servers, and a worker that is left."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
        for process in reversed(self._processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):  # a manager may hang
                    process.wait(5)
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Have the manager do something; fail when it does not."""
        answer = self._client.send_message(method=method, params=params, timeout=10_000)
        assert answer.get("success", True), f"{method}: {answer['msg']}"
        return dict(answer)

    def status(self) -> dict[str, Any]:
        """Return what the manager tells of itself."""
        return self.ask("status")

    def console(self) -> str:
        """Return what the manager and its worker have printed."""
        return self._log.read_text(errors="replace")

    def open(self) -> None:
        """Open the environment: the worker process loads the startup files."""
        self.ask("environment_open")
        self.wait_until("idle")
        assert self.status()["worker_environment_exists"], self.console()

    def close(self) -> None:
        """Close the environment: the worker process ends."""
        self.ask("environment_close")
        self.wait_until("idle")
        assert not self.status()["worker_environment_exists"]

    def destroy(self) -> None:
        """Destroy the environment: the worker process is killed."""
        self.ask("environment_destroy")
        self.wait_until("idle")

    def add(self, plan: str, *args: Any, meta: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Put a plan at the end of the queue."""
        item = {"item_type": "plan", "name": plan, "args": args, "kwargs": kwargs}
        self.ask("queue_item_add", item={**item, "meta": meta or {}}, **USER)

    def play(self) -> None:
        """Run the plans of the queue to the last."""
        self.ask("queue_start")
        self.wait_until("idle")

    def wait_until(self, state: str, seconds: float = 60) -> None:
        """Wait until the manager is idle, paused..., and is not on its way to something else."""
        self._wait(lambda: self.status()["manager_state"] == state, seconds, state)

    def wait_for_text(self, text: str) -> None:
        """Wait until the manager or its worker has printed something."""
        self._wait(lambda: text in self.console(), 20, text)

    def history(self) -> list[dict[str, Any]]:
        """Return how plans ended, the last one at the end."""
        return [item["result"] for item in self.ask("history_get")["items"]]

    def worker(self) -> Any:
        """Return the process of the worker, of psutil: the last that the manager has begun.

        It need not have the highest number: the system counts from the beginning again.
        """
        import psutil

        manager = psutil.Process(self._processes[-1].pid)
        return max(manager.children(recursive=True), key=lambda child: child.create_time())

    def wait_for_end_of(self, process: Any) -> None:
        """Wait until a worker has ended, by itself and not because it was killed."""
        import psutil

        def has_ended() -> bool:
            try:
                return bool(process.status() == psutil.STATUS_ZOMBIE)
            except psutil.NoSuchProcess:
                return True

        self._wait(has_ended, 60, "the worker to end")

    def _answers(self) -> bool:
        return "manager_state" in self._client.send_message(method="ping")

    def _run(self, *command: Any) -> None:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                list(map(str, command)),
                cwd=self.folder,
                env={**os.environ, "IPYTHONDIR": str(self.folder / "ipython")},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append(process)

    def _wait(self, condition: Callable[[], Any], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            is_over = any(process.poll() is not None for process in self._processes)
            if is_over or time.monotonic() > deadline:
                raise AssertionError(f"waited in vain for {what}:\n{self.console()}")
            time.sleep(0.05)


def is_open(port: int) -> bool:
    """Tell whether something listens at a port."""
    with socket.socket() as door:
        return door.connect_ex(("127.0.0.1", port)) == 0


def missing() -> str:
    """Return why no queueserver can be started here; nothing when one can."""
    if shutil.which("redis-server") is None:
        return "there is no redis-server; Debian's package of that name has it"
    return ""


def emitted(path: Path) -> list[tuple[float, str, dict[str, Any]]]:
    """Return what a RunEngine in a startup file has pickled: when, the name and the document."""
    found = []
    with path.open("rb") as file, contextlib.suppress(EOFError, pickle.UnpicklingError):
        while True:
            found.append(pickle.load(file))
    return found
