"""Files that were written from the spool are those of an export, which has no spool.

Lanes that lag read all of a run in the log; runs that are late are written anew from it.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bluescribe
from bluescribe.contract.runfile import RunFile
from bluescribe.recording.retry import Retry
from bluescribe.session.subscribe import make_writers
from bluescribe.session.writers import Writers
from bluescribe.spool import Spool, event_rows
from bluescribe.spool import intake as intakes
from bluescribe.spool import window as windows
from bluescribe.testing import SHAPES
from bluescribe.testing.contract import played
from tests.contracts import SpecContract
from tests.export.files import differences
from tests.export.live import AT_ONCE, FORMATS
from tests.extent import IS_LONG, some

PATIENCE = 30.0
FEW = 7
"""Documents in a batch: most shapes have several batches then."""

OVERLAPPING = {name for name in SHAPES if name.startswith(("nested", "interleaved"))}
"""Runs that go on at the same time: a SPEC file has them in the order in which they get their first
rows, or are written anew."""


@pytest.fixture(params=some(SHAPES)[:: 1 if IS_LONG else 2])
def shape(request, tmp_path_factory):
    return request.param, _played(request.param, tmp_path_factory)


def _played(name: str, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return list(played(name, "plain", tmp_path_factory.getbasetemp() / "shapes"))


def _writers(folder: Path) -> Writers:
    shared = {"DIRECTORY": str(folder), "RETRY_SECONDS": 0, "LOW_SPACE": 0}
    with_images = {"dx": {"IMAGES_TIMEOUT": 0}, "nexus": {"IMAGES_TIMEOUT": 0}}
    with_images["tiff"] = {"IMAGES_TIMEOUT": 0}
    blocks = {
        f"{f.upper()}_DATA_FILES": {"ENABLE": True, **with_images.get(f, {})} for f in FORMATS
    }
    return make_writers({"DATA_FILES": shared, **blocks})


def _within_patience(look: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.002)


def _taken(writers: Writers) -> None:
    """Wait until each lane has had all that came; runs that are late may stay so."""
    for done in [writer.request_sync() for writer in writers]:
        assert done.wait(PATIENCE)


def _late(writers: Writers) -> dict[str, int]:
    """Return how many runs of each format are late."""
    return {name: len(status.late) for name, status in writers.status().items()}


def _begun(documents: list[Any]) -> int:
    return len({doc["uid"] for name, doc in documents if name == "start"})


def _check(folder: Path, name: str, documents: list[Any]) -> None:
    """Fail unless the files in a folder are those that an export makes beside it."""
    exported = folder.parent / "exported"
    bluescribe.export(documents, exported, FORMATS, **AT_ONCE)
    _compare(exported, folder, name, documents)


def _check_flushed(folder: Path, name: str, documents: list[Any], *, at: int) -> None:
    """Compare with writers that have no spool, and flush before one of the documents.

    Columns whose type changes later on are made for what came until then.
    """
    beside = folder.parent / "beside"
    with _writers(beside) as writers:
        for writer in writers:
            writer.replay()
        for number, document in enumerate(documents):
            if number == at:
                assert writers.flush(PATIENCE)
            for writer in writers:
                writer(*document)
    _compare(beside, folder, name, documents)


def _compare(expected: Path, folder: Path, name: str, documents: list[Any]) -> None:
    wrong = differences(expected, folder)
    if name in OVERLAPPING:
        wrong = [each for each in wrong if not each.endswith(".dat")]
        contract = SpecContract()
        contract.check_runs(contract.read_back(folder), documents)
    assert wrong == []


class Gate:
    """Holds up all lanes, until the block is left at the latest."""

    def __init__(self) -> None:
        self.is_open = False

    def open(self) -> None:
        self.is_open = True

    def __enter__(self) -> None:
        """Nobody has passed yet."""

    def __exit__(self, *_: object) -> None:
        self.open()  # or the writers would not close


@pytest.fixture
def gate(monkeypatch):
    """Hold up all lanes: what has been shown to them is in the log only by then."""
    gate, take = Gate(), Spool.take
    monkeypatch.setattr(windows, "MOST_KEPT_BYTES", 0)
    monkeypatch.setattr(intakes, "_LARGEST_BATCH", FEW)
    monkeypatch.setattr(
        Spool, "take", lambda spool, lane: take(spool, lane) if gate.is_open else None
    )
    return gate


def test_lanes_that_lag_write_the_same_files(shape, tmp_path, gate):
    name, documents = shape
    with _writers(tmp_path / "data") as writers, gate:
        spool = writers._spool
        for document in documents:
            writers.post(*document)
        spool.hasten()
        _within_patience(lambda: not spool.intake.items)
        asked = [writer.request_sync() for writer in writers]  # a batch of its own
        _within_patience(lambda: len(FORMATS) == sum(lane.is_behind for lane in spool.lanes))
        gate.open()
        for done in asked:
            assert done.wait(PATIENCE)
        assert writers.flush(PATIENCE)
    _check(tmp_path / "data", name, documents)


def test_events_that_go_in_a_page_are_those_that_go_one_by_one(shape, tmp_path, monkeypatch):
    name, documents = shape
    for fewest in (1, 1_000_000):
        monkeypatch.setattr(event_rows, "_FEWEST", fewest)
        with _writers(tmp_path / str(fewest)) as writers:
            for document in documents:
                writers.post(*document)
    _compare(tmp_path / "1000000", tmp_path / "1", name, documents)


def test_runs_that_were_late_are_in_the_same_files(shape, tmp_path):
    """A file stands where the folder should be, until all runs have failed in all formats."""
    name, documents = shape
    folder = tmp_path / "data"
    with _writers(folder) as writers:
        folder.write_text("a file")
        for document in documents:
            writers.post(*document)
        _taken(writers)
        assert _late(writers) == dict.fromkeys(FORMATS, _begun(documents))
        folder.unlink()
        _within_patience(writers.flush)
        assert _late(writers) == dict.fromkeys(FORMATS, 0)
    _check(folder, name, documents)


@pytest.fixture
def full(monkeypatch):
    """Have the disk of the files refuse everything while this is set."""
    full, claim, call, fault_of = (
        threading.Event(),
        RunFile.claim,
        Retry.__call__,
        Retry.fault_of,
    )

    def refuse() -> None:
        if full.is_set():
            raise OSError(errno.ENOSPC, "No space left on device")

    def refusing(method):
        def refused(*args, **options):
            if getattr(method, "__name__", "") != "_open":  # which claims
                refuse()
            return method(*args, **options)

        return refused

    def refused_claim(file, *args):
        refuse()
        return claim(file, *args)

    monkeypatch.setattr(RunFile, "claim", refused_claim)
    monkeypatch.setattr(Retry, "__call__", lambda self, m, *a: call(self, refusing(m), *a))
    monkeypatch.setattr(Retry, "fault_of", lambda self, m, *a: fault_of(self, refusing(m), *a))
    return full


def _play_on_a_disk_that_fills(folder, documents, full, *, from_, until):
    """Play documents while the disk refuses from one of them until another, and then to the end."""
    with _writers(folder) as writers:
        for number, document in enumerate([*documents, None]):
            if number == from_:
                assert writers.flush(PATIENCE)
                full.set()
            if number == until:
                _taken(writers)
                assert any(_late(writers).values())
                full.clear()
                _within_patience(writers.flush)
            if document is not None:
                writers.post(*document)
        _within_patience(writers.flush)


def test_a_disk_that_is_full_from_the_middle_on_has_the_same_files(shape, tmp_path, full):
    name, documents = shape
    middle, end = len(documents) // 2, len(documents)
    _play_on_a_disk_that_fills(tmp_path / "data", documents, full, from_=middle, until=end)
    _check(tmp_path / "data", name, documents)


def test_a_run_that_goes_on_when_it_was_written_anew_is_in_the_same_files(shape, tmp_path, full):
    name, documents = shape
    middle = max(1, len(documents) // 2)
    _play_on_a_disk_that_fills(tmp_path / "data", documents, full, from_=0, until=middle)
    _check_flushed(tmp_path / "data", name, documents, at=middle)


def test_a_run_that_was_late_has_the_images_of_a_detector_that_stays_staged(
    tmp_path, full, tmp_path_factory
):
    """The resource came in the run before, which is written and gone from the spool by then."""
    documents = _played("resource_of_earlier_run", tmp_path_factory)
    second = [name for name, _ in documents].index("start", 1)
    assert any(name == "datum" for name, _ in documents[second:])
    assert not any(name == "resource" for name, _ in documents[second:])
    folder, end = tmp_path / "data", len(documents)
    _play_on_a_disk_that_fills(folder, documents, full, from_=second, until=end)
    _check(folder, "resource_of_earlier_run", documents)
