"""A disk that refuses costs the log what it refuses, for as long as it does, and nothing else."""

from __future__ import annotations

import errno
import os
import resource
import signal
from contextlib import contextmanager

import pytest

from bluescribe import retry_policy
from bluescribe.retry_policy import RetryPolicy
from bluescribe.spool import Spool, SpoolSettings, settings
from bluescribe.spool import feed as feeds
from bluescribe.spool import intake as intakes
from bluescribe.spool import keeping as keepings
from bluescribe.spool import window as windows
from tests.spool.readers import PATIENCE, entries, in_thread, play, played_on, run, wait_for
from tests.spool.same import same

pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture
def home(tmp_path):
    return tmp_path / "spools"


@pytest.fixture
def lane(follow, logged):
    return follow(logged)


@pytest.fixture
def said(caplog):
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.fixture
def disk(monkeypatch):
    """Switch a disk on and off: it takes nothing while it is off."""

    class Disk:
        is_full = False
        writev = staticmethod(os.writev)

        def write(self, fd, buffers):
            if self.is_full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return self.writev(fd, buffers)

    disk = Disk()
    monkeypatch.setattr(os, "writev", disk.write)
    return disk


@contextmanager
def no_file_grows_beyond(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))  # as a disk that gets full
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def got(lane):
    return [(name, doc, "") for name, doc in lane.reader.received]


def written_again(spool):
    """Wait until all that came is in the log."""

    def is_written():
        spool._wake.set()
        return not [*spool._window.unkept()] and not spool._keeper.refused

    wait_for(is_written)


def test_what_the_disk_refuses_is_written_when_it_can_be(lane, logged, home, said):
    posted = played_on(logged, run("a", 40)[:20])
    wait_for(lambda: logged._keeper._log and logged._keeper._log.size)
    with no_file_grows_beyond(max(path.stat().st_size for path in home.glob("*/*.spool")) // 2):
        posted += played_on(logged, run("a", 40)[20:-1])
        assert lane.request().wait(PATIENCE)
        assert got(lane) == posted
        assert not logged.keeps("a")
        assert len(entries(home)) < len(posted)
    written_again(logged)
    assert logged.keeps("a")
    assert entries(home) == posted
    assert [*logged.story("a", lane)] == posted
    first, last = said()
    assert "the spool cannot be written: " in first
    assert "File too large" in first
    assert "Remedy: free space there, or in DATA_FILES set SPOOL" in first
    assert "the spool is written again" in last


def test_a_folder_that_cannot_be_had_is_done_without(lane, logged, home, said):
    home.touch()
    posted = played_on(logged, run("a", 30)[:-1])
    assert lane.request().wait(PATIENCE)
    assert got(lane) == posted
    assert logged.story("a", lane) is None
    assert not logged.keeps("a")
    home.unlink()
    written_again(logged)
    assert logged.keeps("a")
    assert same([*logged.story("a", lane)], posted)
    assert ["it is no folder" in said()[0], "written again" in said()[1]] == [True, True]
    assert len(said()) == 2


def test_all_goes_on_without_a_folder_to_the_end(lane, logged, home, said):
    home.touch()
    posted = played_on(logged, run("a", 30))
    lane.close()
    assert got(lane) == posted
    assert lane.reader.closes == 1
    assert len(said()) == 1


@pytest.mark.usefixtures("disk")
def test_who_is_behind_and_who_is_not_have_all_after_a_refusal(follow, logged, disk):
    held, other = follow(logged, "held"), follow(logged, "other")
    held.reader.gate.clear()
    posted = played_on(logged, run("a", 50))
    wait_for(lambda: held.is_behind)
    disk.is_full = True
    posted += played_on(logged, run("b", 50))
    assert other.request().wait(PATIENCE)
    assert got(other) == posted
    asked = held.request()
    disk.is_full = False
    held.reader.gate.set()
    posted += played_on(logged, run("c", 50))
    assert asked.wait(PATIENCE)
    for lane in (held, other):
        assert lane.request().wait(PATIENCE)
        assert got(lane) == posted


def test_who_is_behind_has_all_while_the_disk_refuses(follow, logged, disk):
    held = follow(logged, "held")
    held.reader.gate.clear()
    posted = played_on(logged, run("a", 50))
    wait_for(lambda: held.is_behind)
    disk.is_full = True
    posted += played_on(logged, run("b", 50))
    held.reader.gate.set()
    assert held.request().wait(PATIENCE)
    assert got(held) == posted


def test_a_producer_waits_when_the_disk_refuses_and_memory_is_full(
    lane, logged, disk, said, monkeypatch
):
    monkeypatch.setattr(intakes, "_LONG_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(intakes, "_MOST_ITEMS", 20)
    for module in (intakes, feeds, windows):
        monkeypatch.setattr(module, "MOST_BYTES", 50 * windows.DOCUMENT_BYTES)
    disk.is_full = True
    lane.reader.gate.clear()
    posted = played_on(logged, run("a", 0)[:1])
    wait_for(lambda: lane.reader.is_waiting)
    documents = run("a", 200)[1:]
    producer = in_thread(lambda: posted.extend((*each, "") for each in play(logged, documents)))
    wait_for(lambda: "memory is full" in " ".join(said()))
    assert producer.is_alive()
    assert logged._window.weight <= 60 * windows.DOCUMENT_BYTES
    disk.is_full = False
    producer.join(PATIENCE)
    assert not producer.is_alive(), "the log takes it, whether the lane does or not"
    lane.reader.gate.set()
    assert lane.request().wait(PATIENCE)
    assert got(lane) == posted


def test_what_files_have_gives_room_when_the_disk_refuses(lane, logged, disk, monkeypatch, said):
    for module in (intakes, feeds, windows):
        monkeypatch.setattr(module, "MOST_BYTES", 50 * windows.DOCUMENT_BYTES)
    posted = played_on(logged, run("a", 5)[:-1])
    written_again(logged)
    assert logged.keeps("a")
    disk.is_full = True
    for _ in range(40):
        posted += played_on(logged, [("event", {}, 0)] * 5)
        assert lane.request().wait(PATIENCE)
    assert got(lane) == posted
    assert logged._window.weight <= 60 * windows.DOCUMENT_BYTES
    disk.is_full = False
    written_again(logged)
    posted += played_on(logged, [("event", {}, 0)] * 5)
    assert lane.request().wait(PATIENCE)
    assert got(lane) == posted
    assert not logged.keeps("a"), "a part of it is not in the log"
    assert logged.story("a", lane) is None
    posted += played_on(logged, run("b", 5)[:-1])
    written_again(logged)
    assert logged.keeps("b")


def test_what_came_last_is_tried_once_more_at_the_end(lane, logged, disk, home, monkeypatch):
    lane.reader.late.add("a")
    posted = played_on(logged, run("a", 10)[:-1])
    written_again(logged)
    monkeypatch.setattr(retry_policy, "FOR_SPOOL", RetryPolicy(60, 60))
    disk.is_full = True
    posted += played_on(logged, run("a", 10)[-1:])
    assert lane.request().wait(PATIENCE)
    disk.is_full = False
    lane.close()
    assert entries(home) == posted


def test_a_disk_that_is_nearly_full_is_left_to_others(lane, logged, monkeypatch, said):
    monkeypatch.setattr(keepings, "_LEAST_FREE", 1 << 62)
    posted = played_on(logged, run("a", 20)[:-1])
    assert lane.request().wait(PATIENCE)
    assert got(lane) == posted
    assert not logged.keeps("a")
    assert "the spool's disk is nearly full" in said()[0]
    monkeypatch.setattr(keepings, "_LEAST_FREE", 0)
    written_again(logged)
    assert logged.keeps("a")


# --- its limit ---


@pytest.fixture
def limited(home, monkeypatch):
    monkeypatch.setattr(settings, "_LEAST_BYTES", 0)
    return Spool(SpoolSettings(spool=home, spool_limit=40_000))


def test_what_files_have_goes_from_a_spool_that_is_too_large(limited, follow, home, said):
    lane = follow(limited)
    posted = []
    for number in range(30):
        posted += played_on(limited, run("a", 50)[1 if number else 0 : -1])
        assert lane.request().wait(PATIENCE)
        assert sum(path.stat().st_size for path in home.glob("*/*.spool")) <= 40_000
    assert got(lane) == posted
    assert not limited.keeps("a")
    assert limited.story("a", lane) is None
    (told,) = said()
    assert "has reached its SPOOL_LIMIT of 40 kB" in told
    assert "Remedy: a larger SPOOL_LIMIT in DATA_FILES" in told
    played_on(limited, run("b", 5)[:-1])
    assert lane.request().wait(PATIENCE)
    assert limited.keeps("b")
    played_on(limited, [*run("a", 0)[-1:], *run("b", 0)[-1:]])
    assert lane.request().wait(PATIENCE)
    wait_for(lambda: not [*home.glob("*/*.spool")], 0.5)


def test_a_run_that_is_late_is_never_let_go(limited, follow, home, said):
    lane = follow(limited)
    lane.reader.late.add("late")
    posted = played_on(limited, run("late", 50))
    for _ in range(20):
        posted += played_on(limited, run("a", 50))
        assert lane.request().wait(PATIENCE)
    assert got(lane) == posted
    assert entries(home)[:52] == posted[:52]
    (told,) = said()
    assert "the spool cannot be written: " in told
    assert "the spool has reached its SPOOL_LIMIT of 40 kB" in told
    assert not limited.keeps("a")
    lane.reader.is_away = False
    for kind in ("flush", "sync"):
        assert lane.request(kind).wait(PATIENCE)
    assert lane.reader.written["late"][:52] == posted[:52]
    written_again(limited)
    assert "the spool is written again" in said()[-1]


def test_who_is_slow_misses_nothing_at_the_limit(limited, follow, monkeypatch):
    """What is in memory still may be read in the log before long."""
    monkeypatch.setattr(windows, "MOST_KEPT_BYTES", 200 * windows.DOCUMENT_BYTES)
    held, other = follow(limited, "held"), follow(limited, "other")
    posted = played_on(limited, run("a", 10)[:-1])
    for lane in (held, other):
        assert lane.request().wait(PATIENCE)
    held.reader.gate.clear()
    texts = [("event", {"text": "x" * 1000, "seq_num": n}, 0) for n in range(600)]
    posted += played_on(limited, texts)
    assert other.request().wait(PATIENCE)
    assert got(other) == posted
    held.reader.gate.set()
    assert held.request().wait(PATIENCE)
    assert got(held) == posted


def test_runs_may_become_late_while_room_is_made(limited, follow):
    """The lanes go on meanwhile, and what they have late changes."""
    lane = follow(limited)
    receive = lane.reader.receive

    def busy(name, doc):
        for number in range(200):
            lane.reader.late.add(f"{number}")
        receive(name, doc)
        for number in range(200):
            lane.reader.late.discard(f"{number}")

    lane.reader.receive = busy
    posted = []
    for number in range(20):
        posted += played_on(limited, run(f"run {number}", 40))
    assert lane.request().wait(PATIENCE)
    assert got(lane) == posted


def test_what_a_lane_says_of_itself_may_fail(lane, logged, said):
    def broken():
        raise RuntimeError("a fault")

    lane.about = broken
    posted = played_on(logged, run("a", 5))
    assert lane.request().wait(PATIENCE / 2)
    assert got(lane) == posted
    assert said()
