"""A file system that does not answer: the scan, status and flush are bounded, and all comes in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bluescribe import subscribe_writers
from bluescribe.testing.shapes.engine import recording
from tests import warm
from tests.contracts import CONTRACTS
from tests.core.scanning import PATIENCE
from tests.system.faults.disks import mount
from tests.system.faults.test_disks import long_scan

pytestmark = [pytest.mark.ci, pytest.mark.timeout(180)]
FROZEN = ("nexus", "spec", "csv")
SECONDS = 15.0
"""For which the file system does not answer."""


class Freezer:
    """A file system that can be held."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def freeze(self, seconds: float) -> None:
        """Hold it for a time."""
        self._run("-f")
        threading.Timer(seconds, self._run, ["-u"]).start()

    def _run(self, option: str) -> None:
        warm.run(["fsfreeze", option, str(self.path)], check=True)


@pytest.fixture
def freezer(tmp_path) -> Iterator[Freezer]:
    image, path = tmp_path / "image", tmp_path / "frozen"
    image.write_bytes(b"")
    with image.open("r+b") as file:
        file.truncate(64 << 20)
    if warm.run(["mkfs.ext4", "-q", str(image)], check=False).returncode:
        pytest.skip("no file system can be made here")
    path.mkdir()
    mount("-o", "loop", str(image), str(path))
    try:
        yield Freezer(path)
    finally:
        warm.run(["umount", "-l", str(path)], check=False)


@contextmanager
def session(freezer: Freezer, elsewhere: Path):
    shared = {"DRAIN_TIMEOUT": 1.0, "RETRY_SECONDS": 1.0}
    frozen = {"ENABLE": True, "DIRECTORY": str(freezer.path / "data")}
    blocks = {f"{name.upper()}_DATA_FILES": frozen for name in FROZEN}
    blocks["JSONL_DATA_FILES"] = {"ENABLE": True, "DIRECTORY": str(elsewhere)}
    with recording() as (engine, documents):
        writers = subscribe_writers(engine, {"DATA_FILES": shared, **blocks})
        yield engine, writers, documents
        writers.close()


def test_nobody_waits_for_a_file_system_that_does_not_answer(freezer, tmp_path):
    with session(freezer, tmp_path / "journals") as (engine, writers, documents):
        began = time.monotonic()
        engine(long_scan({20: lambda: freezer.freeze(SECONDS)}, points=60))
        assert time.monotonic() - began < SECONDS / 2, "the scan waited"

        began = time.monotonic()
        assert writers.status()["csv"].backlog
        assert not writers.flush(2.0)
        assert time.monotonic() - began < SECONDS / 3, "status or flush waited"
        contract = CONTRACTS["jsonl"]()
        contract.check_runs(contract.read_back(tmp_path / "journals"), documents)

        assert writers.flush(PATIENCE + SECONDS)
        for name in FROZEN:
            contract = CONTRACTS[name]()
            contract.check_runs(contract.read_back(freezer.path / "data"), documents)
            assert not writers.status()[name].failures
