"""What the tests of spools have in common."""

from __future__ import annotations

from typing import Any, cast

import pytest

from bluescribe import retry_policy
from bluescribe.retry_policy import RetryPolicy
from bluescribe.spool import Lane, Spool, SpoolSettings, keeping
from bluescribe.spool import intake as intakes
from bluescribe.spool import reading as readings
from bluescribe.spool import window as windows
from tests.spool.readers import PATIENCE, Reader, in_thread


class ReadLane(Lane):
    """A lane whose recipient the tests know."""

    @property
    def reader(self) -> Reader:
        return cast(Reader, self.recipient)


@pytest.fixture
def logged(tmp_path):
    """A spool with a log."""
    return Spool(SpoolSettings(spool=tmp_path / "spools"))


@pytest.fixture(params=["in memory", "with a log"])
def spool(request):
    return Spool() if request.param == "in memory" else request.getfixturevalue("logged")


@pytest.fixture
def follow(monkeypatch):
    """Return what makes a lane; all of them are closed in the end."""
    made: list[ReadLane] = []

    def follow(spool, name="test-lane", **options: Any):
        made.append(ReadLane(spool, Reader(), name=name, **{"interval": 0.01, **options}))
        return made[-1]

    yield follow
    monkeypatch.undo()
    for lane in made:
        lane.reader.gate.set()
        lane.reader.late.clear()
    closers = [in_thread(lane.close) for lane in made]
    for closer in closers:
        closer.join(PATIENCE)
    assert not any(closer.is_alive() for closer in closers)


@pytest.fixture(scope="module")
def small_for_all():
    """The same for all tests of a module, and all examples of Hypothesis."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        yield


@pytest.fixture
def small(monkeypatch):
    """Little is held in memory, batches and segments are small."""
    make_small(monkeypatch)


def make_small(monkeypatch):
    monkeypatch.setattr(intakes, "_LARGEST_BATCH", 5)
    monkeypatch.setattr(readings, "_MOST_ENTRIES", 5)
    monkeypatch.setattr(windows, "MOST_KEPT_BYTES", 20 * windows.DOCUMENT_BYTES)
    monkeypatch.setattr(keeping, "_SEGMENT_BYTES", 2_000)
    monkeypatch.setattr(retry_policy, "FOR_SPOOL", RetryPolicy(0.02, 0.02))
