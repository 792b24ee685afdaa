"""A lane that is held up holds up nobody: it reads in the log what it missed, and catches up."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from bluescribe.spool import intake as intakes
from bluescribe.spool import keeping
from bluescribe.spool import reading as readings
from bluescribe.spool import window as windows
from bluescribe.testing.contract import played
from tests.spool.readers import PATIENCE, play, run, snapshots, wait_for
from tests.spool.same import same


@pytest.fixture
def pair(follow, logged):
    """A lane that is held up at its first document, and one that is not."""
    held, other = follow(logged, "held"), follow(logged, "other")
    held.reader.gate.clear()
    play(logged, [("start", {"uid": "first"}, 0)])
    wait_for(lambda: held.reader.is_waiting)
    return held, other


def leave_behind(lane, spool):
    """Post runs until a lane is left behind."""
    posted, number = [], 0
    while not lane.is_behind:
        posted += play(spool, run(f"run {number}", 20))
        number += 1
        spool._wake.set()
        wait_for(lambda: not spool.intake.items)
    return posted


def reads(spool, monkeypatch):
    """Return what tells whether the log was read since then."""
    read, calls = spool._keeper.read, []

    def noted(*places):
        calls.append(places)
        return read(*places)

    monkeypatch.setattr(spool._keeper, "read", noted)
    return lambda: bool(calls)


@pytest.mark.usefixtures("small")
def test_who_is_held_up_reads_in_the_log_all_that_the_others_have(
    pair, logged, tmp_path_factory, monkeypatch
):
    held, other = pair
    folder = tmp_path_factory.getbasetemp() / "shapes"
    names = ["scan", "images"]
    documents = [d for n in names for m in ("plain", "numpified") for d in played(n, m, folder)]
    posted = [("start", {"uid": "first"})]
    weights = []
    for each in snapshots(documents):
        posted += play(logged, [each])
        weights.append(logged._window.weight)
    assert other.request().wait(PATIENCE)
    assert same(other.reader.received, posted)
    assert held.is_behind
    assert not held.reader.received
    largest = max(size for *_, size in snapshots(documents))
    most = windows.MOST_KEPT_BYTES + 5 * (windows.DOCUMENT_BYTES + largest)
    assert max(weights) <= most
    assert len(held) >= len(posted) - 1
    asked = held.request()
    assert not asked.wait(0.02)
    held.reader.gate.set()
    assert asked.wait(PATIENCE)
    assert same(held.reader.received, posted)
    wait_for(lambda: not held.is_behind)
    is_read = reads(logged, monkeypatch)
    more = play(logged, run("after", 3))
    assert held.request().wait(PATIENCE)
    assert other.request().wait(PATIENCE)
    assert held.reader.received[len(posted) :] == more
    assert not is_read()
    assert len(held) == len(other) == 0


@pytest.mark.usefixtures("small")
def test_requests_are_answered_in_their_place(pair, logged):
    held, _ = pair
    answered: list[tuple[threading.Event, int]] = []
    posted = 1 + len(leave_behind(held, logged))
    for number in range(40):
        posted += len(play(logged, run(f"{number}", 3)))
        answered.append((held.request(), posted))
    counts: dict[threading.Event, int] = {}
    answer = held._answer

    def noted(kind, done):
        counts[done] = len(held.reader.received)
        return answer(kind, done)

    held._answer = noted
    held.reader.gate.set()
    for done, count in answered:
        assert done.wait(PATIENCE)
        assert counts[done] == count


@pytest.mark.usefixtures("small")
def test_what_begins_behind_a_finish_is_not_finished(pair, logged):
    held, _ = pair
    posted = leave_behind(held, logged)
    done = held.request("finish")
    posted += play(logged, [("start", {"uid": "next"}, 0)])
    opened, close = [], held.reader.close

    def noted():
        opened.append({*held.reader.opened})
        close()

    held.reader.close = noted
    held.reader.gate.set()
    assert done.wait(PATIENCE)
    assert opened == [{"first"}]
    assert held.request().wait(PATIENCE)
    assert held.reader.opened == {"next"}
    assert held.reader.received[1:] == posted


@pytest.mark.usefixtures("small")
def test_who_closes_gets_nothing_that_came_later(pair, logged):
    held, other = pair
    posted = leave_behind(held, logged)
    left = threading.Event()
    held.leave(left.set)
    more = play(logged, run("next", 30))
    assert other.request().wait(PATIENCE)
    held.reader.gate.set()
    assert left.wait(PATIENCE)
    assert held.reader.received[1:] == posted
    assert other.reader.received[1:] == posted + more


@pytest.mark.usefixtures("small")
def test_a_request_alone_is_answered(pair, logged):
    """It stands at the place in the log at which it began to wait."""
    held, other = pair
    held.reader.gate.set()
    assert held.request().wait(PATIENCE)
    held.reader.gate.clear()
    asked = [held.request()]
    play(logged, [("event", {}, 0)])
    wait_for(lambda: held.reader.is_waiting)
    asked += [held.request() for _ in range(30)]
    for _ in range(30):
        assert other.request().wait(PATIENCE)
    held.reader.gate.set()
    assert all(done.wait(PATIENCE / 4) for done in asked)


@pytest.mark.usefixtures("small")
def test_what_is_for_one_lane_alone_reaches_it_in_its_place(pair, logged):
    held, other = pair
    first: tuple[str, dict[str, Any]] = ("start", {"uid": "first"})
    theirs = {held: [first], other: [first]}
    for number in range(60):
        for lane in (held, other):
            lane.post("comment", {"text": f"{lane.name} {number}"})
            theirs[lane].append(("comment", {"text": f"{lane.name} {number}"}))
            lane.post("event", {"descriptor": lane.name, "seq_num": number})
            theirs[lane].append(("event", {"descriptor": lane.name, "seq_num": number}))
        for posted in play(logged, run(f"{number}", 2)):
            theirs[held].append(posted)
            theirs[other].append(posted)
    assert other.request().wait(PATIENCE)
    assert other.reader.received == theirs[other]
    assert held.is_behind
    held.reader.gate.set()
    assert held.request().wait(PATIENCE)
    assert held.reader.received == theirs[held]


@pytest.mark.usefixtures("small")
def test_nothing_comes_twice_while_the_log_grows(follow, logged, monkeypatch):
    """A lane that is behind may find in the log what is not in memory yet."""
    monkeypatch.setattr(windows, "MOST_KEPT_BYTES", 3 * windows.DOCUMENT_BYTES)
    lane = follow(logged)
    keep = logged._keeper.keep

    def slowly(batches, *rest, **options):
        keep(batches, *rest, **options)
        if batches and lane.is_behind:
            threading.Event().wait(0.03)  # for the lane to look into the log

    logged._keeper.keep = slowly
    posted = []
    for number in range(10):
        posted += play(logged, run(f"{number}", 5))
        assert lane.request().wait(PATIENCE)
        posted += play(logged, [("event", {"seq_num": number}, 0)])
        logged._wake.set()
        wait_for(lambda: not logged.intake.items)
    assert lane.request().wait(PATIENCE)
    assert lane.reader.received == posted


@pytest.mark.usefixtures("small")
def test_what_is_read_at_once_fits_into_memory(pair, logged, monkeypatch):
    held, _ = pair
    monkeypatch.setattr(intakes, "_LARGEST_BATCH", 1_000)
    monkeypatch.setattr(readings, "_MOST_ENTRIES", 1_000)
    monkeypatch.setattr(readings, "_MOST_BYTES", 100_000)
    image = np.zeros(30_000, np.uint8)
    for number in range(60):
        play(logged, [("event", {"image": image + np.uint8(number)}, image.nbytes)])
    leave_behind(held, logged)
    held.reader.gate.set()
    assert held.request().wait(PATIENCE)
    counts = np.diff(held.reader.meals)
    images = [name for name, doc in held.reader.received if "image" in doc]
    assert len(images) == 60
    assert max(counts[:10]) <= 5


def test_an_image_is_taken_from_memory(follow, logged, monkeypatch):
    """One that is larger than what is held in memory of the past is still there when it comes."""
    monkeypatch.setattr(windows, "MOST_KEPT_BYTES", 10_000)
    lane = follow(logged)
    is_read = reads(logged, monkeypatch)
    image = np.zeros(50_000, np.uint8)
    posted = play(logged, [("event", {"data": {"image": image}}, image.nbytes)])
    assert lane.request().wait(PATIENCE)
    assert same(lane.reader.received, posted)
    assert not is_read()


@pytest.mark.usefixtures("small")
def test_what_is_missed_between_runs_is_read_too(pair, logged, monkeypatch):
    """No run needs it, and its segments stay as long as a lane may come to read them."""
    held, other = pair
    held.reader.gate.set()
    play(logged, [("stop", {"run_start": "first"}, 0)])
    assert held.request().wait(PATIENCE)
    assert other.request().wait(PATIENCE)
    monkeypatch.setattr(keeping, "_SEGMENT_BYTES", 100)
    held.reader.gate.clear()
    posted = play(logged, [("comment", {"text": "0"}, 0)])
    logged._wake.set()
    wait_for(lambda: held.reader.is_waiting)
    for number in range(1, 60):
        posted += play(logged, [("comment", {"text": f"{number}"}, 0)])
        logged._wake.set()
        wait_for(lambda: not logged.intake.items)
    assert other.request().wait(PATIENCE)
    assert held.is_behind
    held.reader.gate.set()
    assert held.request().wait(PATIENCE)
    assert held.reader.received[2:] == other.reader.received[2:] == posted


@pytest.mark.usefixtures("small")
def test_what_cannot_be_read_is_told_and_the_rest_goes_on(pair, logged, caplog):
    held, other = pair
    leave_behind(held, logged)
    for path in logged._keeper.path.glob("*.spool"):
        path.unlink()
    assert other.request().wait(PATIENCE)
    held.reader.gate.set()
    assert held.request().wait(PATIENCE)
    more = play(logged, run("after", 3))
    assert held.request().wait(PATIENCE)
    assert held.reader.received[-5:] == more
    assert "what came while it was behind cannot be read in the spool" in caplog.text
