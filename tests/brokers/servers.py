"""Brokers on loopback: Debian's redis-server, nats-server, and the mock brokers of librdkafka."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.brokers.mock_kafka import MockKafka
from tests.queue_server import is_open

QUEUES = ("redis", "nats")
"""Brokers that give any run to any listener."""
BROKERS = (*QUEUES, "kafka")
_COMMANDS = {
    "redis": "redis-server --port {port} --bind 127.0.0.1 --dir {folder} --save 60 1",
    "nats": "nats-server -a 127.0.0.1 -p {port} -js -sd {folder}",
}


class Server:
    """A broker that can be killed and started again, with what it keeps."""

    quick: ClassVar[dict[str, Any]] = {}

    def __init__(self, name: str, folder: Path, *options: str) -> None:
        pytest.importorskip(name, reason=f"not installed: {name}")
        program = _COMMANDS[name].split()[0]
        if shutil.which(program) is None:
            pytest.skip(f"not installed: {program}")
        self.name, self._folder, self._options = name, folder, options
        folder.mkdir(parents=True, exist_ok=True)
        self.port = self.free_port()
        self.address = f"{name}://127.0.0.1:{self.port}"
        self.start()

    @staticmethod
    def free_port() -> int:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return int(free.getsockname()[1])

    def restart(self, *options: str) -> None:
        self._options = options
        self.start()

    def start(self) -> None:
        command = _COMMANDS[self.name].format(port=self.port, folder=self._folder).split()
        command += self._options
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while not is_open(self.port):
            assert time.monotonic() < deadline, (self._folder / "log").read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)


@contextmanager
def serving(name: str, folder: Path, *options: str) -> Iterator[Any]:
    if name == "kafka":
        broker = MockKafka()
        try:
            yield broker
        finally:
            broker.close()
        return
    server = Server(name, folder, *options)
    try:
        yield server
    finally:
        server.stop()
