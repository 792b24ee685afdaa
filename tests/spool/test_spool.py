"""Between the RunEngine and a writer nothing is lost, doubled, or in another order."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from textwrap import dedent

import pytest

from bluescribe.spool import feed as feeds
from bluescribe.spool import intake as intakes
from bluescribe.spool import spool as spools
from bluescribe.spool import window as windows
from tests import warm
from tests.spool.readers import PATIENCE, in_thread, play, run, wait_for


@pytest.fixture
def lane(follow, spool):
    return follow(spool)


OTHERS: set[threading.Thread] = set()
"""What other modules have left running."""


@pytest.fixture(autouse=True)
def _note_others():
    OTHERS.clear()
    OTHERS.update(threading.enumerate())


def threads():
    names = ("bluescribe-test-lane", "bluescribe-spool")
    return [t for t in threading.enumerate() if t.name in names and t not in OTHERS]


def test_the_threads_start_with_the_first_document_and_are_daemons(lane):
    assert not threads()
    lane.post("start", {"uid": "u"})
    assert lane.request().wait(PATIENCE)
    (thread,) = lane.reader.threads
    assert thread.name == "bluescribe-test-lane"
    assert {t.name for t in threads()} == {"bluescribe-test-lane", "bluescribe-spool"}
    assert all(t.daemon for t in threads())


def test_each_producer_is_heard_in_its_own_order(lane):
    def produce(who):
        for number in range(3000):
            lane.post("event", (who, number), size=8 * (number % 2))

    producers = [in_thread(produce, who) for who in range(4)]
    for producer in producers:
        producer.join()
    assert lane.request().wait(PATIENCE)
    assert len(lane) == 0
    assert len(lane.reader.received) == 12_000
    for who in range(4):
        assert [n for _, (w, n) in lane.reader.received if w == who] == list(range(3000))


def test_a_request_is_answered_after_all_that_was_posted_before(follow, spool):
    lane = follow(spool, interval=PATIENCE)
    lane.reader.expects_more = True
    for number in range(2500):  # more than one batch
        lane.post("event", number)
    assert lane.request().wait(PATIENCE / 3)
    assert lane.reader.docs == list(range(2500))
    assert lane.reader.meals[-1] == 2500


def test_documents_are_brought_to_disk_without_being_asked(lane):
    lane.post("start", {"uid": "u"})
    lane.post("event", 1)
    wait_for(lambda: lane.reader.meals[-1] == 2)


def test_close_hands_over_what_waits_and_ends_the_threads(lane):
    for number in range(5000):
        lane.post("event", number)
    lane.close()
    assert lane.reader.docs == list(range(5000))
    assert lane.reader.closes == 1
    assert not threads()


def test_closing_again_does_nothing_and_closing_at_once_waits(lane):
    lane.reader.gate.clear()
    lane.post("start", {"uid": "u"})
    closers = [in_thread(lane.close) for _ in range(3)]
    closers[0].join(0.05)
    assert all(closer.is_alive() for closer in closers)
    lane.reader.gate.set()
    for closer in closers:
        closer.join(PATIENCE)
    lane.close()
    assert lane.reader.closes == 1


def test_who_closes_while_the_first_document_is_on_its_way_waits_too(lane, monkeypatch):
    look, gate = spools.Spool._look, threading.Event()
    monkeypatch.setattr(spools.Spool, "_look", lambda self: gate.wait(PATIENCE) and look(self))
    lane.post("start", {"uid": "u"})
    closers = [in_thread(lane.close) for _ in range(3)]
    asker = in_thread(lambda: lane.request().wait(PATIENCE))
    closers[-1].join(0.05)
    assert all(each.is_alive() for each in (*closers, asker))
    gate.set()
    for each in (*closers, asker):
        each.join(PATIENCE)
    assert lane.reader.closes == 1


def test_a_lane_that_was_never_used_closes(lane):
    lane.close()
    assert lane.request().wait(0)
    assert not lane.reader.received
    assert not threads()


def test_a_closed_lane_takes_no_document_and_answers_at_once(lane):
    lane.post("start", {"uid": "u"})
    lane.close()
    assert lane.intake.limit == 0
    for name in ("event", "start"):
        lane.post(name, 1, size=10)
    assert lane.request().wait(0)
    assert len(lane) == 0
    assert lane.reader.received == [("start", {"uid": "u"})]
    assert not threads()


def test_one_of_two_closes_and_the_other_goes_on(follow, spool):
    lane, other = follow(spool), follow(spool, "other")
    documents = play(spool, run("a", 3))
    lane.close()
    assert not [thread for thread in threads() if thread.name == "bluescribe-test-lane"]
    more = play(spool, run("b", 3))
    assert other.request().wait(PATIENCE)
    assert lane.reader.received == documents
    assert other.reader.received == documents + more
    other.close()
    assert not threads()


def test_who_closed_before_anything_came_goes_on_without(follow, spool):
    lane, other = follow(spool), follow(spool, "other")
    lane.close()
    documents = play(spool, run("a", 3))
    assert other.request().wait(PATIENCE)
    assert other.reader.received == documents
    assert not lane.reader.received
    ends = [in_thread(lane.close), in_thread(lane.request)]
    for each in ends:
        each.join(PATIENCE / 4)
        assert not each.is_alive()


def test_who_closes_gets_nothing_that_came_later(follow, spool):
    lane, other = follow(spool), follow(spool, "other")
    lane.reader.gate.clear()
    documents = play(spool, run("a", 3))
    lane.leave(bool)
    more = play(spool, run("b", 3))
    assert other.request().wait(PATIENCE)
    lane.reader.gate.set()
    lane.close()
    assert lane.reader.received == documents
    assert other.reader.received == documents + more


def test_requests_that_race_with_the_end_are_all_answered(follow, spool):
    for _ in range(30):
        lane = follow(type(spool)())
        lane.post("start", {"uid": "u"})
        asked: list[threading.Event] = []
        asker = in_thread(lambda a, out: out.extend(a.request() for _ in range(20)), lane, asked)
        lane.close()
        asker.join(PATIENCE)
        assert len(asked) == 20
        assert all(done.wait(PATIENCE) for done in asked)


def test_it_can_be_closed_from_its_own_thread(lane, caplog):
    lane.reader.receive = lambda name, doc: lane.close()
    lane.post("start", {"uid": "u"})
    assert lane.request().wait(PATIENCE)
    lane.close()
    assert lane.reader.closes == 1
    assert not caplog.records


def test_who_leaves_waits_for_nothing_and_all_is_written(lane):
    lane.reader.gate.clear()
    left = threading.Event()
    lane.post("start", {"uid": "u"})
    lane.post("event", 1)
    lane.leave(left.set)
    lane.post("event", 2)
    assert not left.is_set()
    lane.reader.gate.set()
    assert left.wait(PATIENCE)
    assert lane.reader.docs == [{"uid": "u"}, 1]
    assert lane.reader.closes == 1
    wait_for(lambda: not threads())


def test_who_leaves_before_anything_came_is_done_at_once(follow, spool):
    lane, other = follow(spool), follow(spool, "other")
    left = threading.Event()
    lane.leave(left.set)
    assert left.is_set()
    play(spool, run("a", 1))
    assert other.request().wait(PATIENCE)
    assert not lane.reader.received


def test_who_follows_another_spool_has_all_of_the_first(follow, spool):
    lane, other = follow(spool), follow(spool, "other")
    first = play(spool, run("a", 20))
    next_spool = type(spool)()
    lane.follow(next_spool)
    assert lane.reader.received == first
    second = play(next_spool, run("b", 20))
    elsewhere = play(spool, run("c", 2))
    assert lane.request().wait(PATIENCE)
    assert other.request().wait(PATIENCE)
    assert lane.reader.received == first + second
    assert other.reader.received == first + elsewhere


# --- faults of a recipient ---


def test_a_fault_of_the_reader_ends_neither_the_thread_nor_a_wait(lane, caplog):
    receive, faults = lane.reader.receive, iter([True, True])

    def faulty(*document):
        if next(faults, False):
            raise RuntimeError("a fault")
        receive(*document)

    def broken():
        raise RuntimeError("another fault")

    lane.reader.receive, lane.reader.close = faulty, broken
    for number in range(5):
        lane.post("start", number)
    assert lane.request().wait(PATIENCE)
    assert lane.reader.docs == [2, 3, 4]
    lane.reader.sync = broken
    assert lane.request().wait(PATIENCE)
    closer = in_thread(lane.close)
    closer.join(PATIENCE)
    assert not closer.is_alive()
    assert {record.levelname for record in caplog.records} == {"ERROR"}


def test_a_fault_of_one_lane_is_not_felt_by_the_other(follow, spool, caplog):
    lane, other = follow(spool), follow(spool, "other")

    def broken(*_):
        raise RuntimeError("a fault")

    for name in ("receive", "sync", "close"):
        setattr(lane.reader, name, broken)
    documents = play(spool, run("a", 20))
    assert other.request().wait(PATIENCE)
    assert other.reader.received == documents
    assert lane.request("finish").wait(PATIENCE)
    assert caplog.records


def test_a_fault_while_documents_are_written_into_the_log_loses_none(follow, logged, caplog):
    lane = follow(logged)
    keep, faults = logged._keeper.keep, iter([True])

    def faulty(batches, *rest, **options):
        if batches and next(faults, False):
            raise RuntimeError("a fault")
        keep(batches, *rest, **options)

    logged._keeper.keep = faulty
    documents = play(logged, run("a", 3))
    asked = lane.request()
    more = play(logged, run("b", 3))
    assert asked.wait(PATIENCE / 4)
    assert lane.request().wait(PATIENCE)
    assert lane.reader.received == documents + more
    assert "a fault" in caplog.text


# --- a forked child ---

FORK = """
    import os, sys
    from pathlib import Path
    from bluescribe import JsonlWriter
    def spool():
        return sorted(str(path) for path in Path(os.environ["XDG_STATE_HOME"]).rglob("*"))
    writer = JsonlWriter(sys.argv[1], file_name="run")
    writer("start", {"uid": "u", "time": 1.0})
    writer.flush()
    writer("descriptor", {"uid": "d", "run_start": "u", "time": 1.0, "data_keys": {}})
    writer.flush()
    before = spool()
    assert [path for path in before if path.endswith(".spool")], before
    child = os.fork()
    if child == 0:
        writer("start", {"uid": "of the child", "time": 1.0})
        writer.flush()
        writer("stop", {"uid": "s", "run_start": "u", "time": 1.0})
        writer.close()
        sys.exit(0)  # its exit handlers run
    assert os.waitpid(child, 0)[1] == 0
    assert spool() == before
    writer("stop", {"uid": "s", "run_start": "u", "time": 1.0})
    writer.close()
    assert len(spool()) == 2, spool()  # the home of spools
    names = os.listdir(sys.argv[1])
    assert names == ["run.jsonl"], names
    lines = open(os.path.join(sys.argv[1], "run.jsonl")).read().splitlines()
    assert [line[:7] for line in lines] == ['["start', '["descr', '["stop"'], lines
"""


def test_a_forked_child_exits_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "data").mkdir()
    program = [sys.executable, "-c", dedent(FORK), str(tmp_path / "data")]
    warm.run(program, check=True, timeout=PATIENCE)


# --- memory ---


@pytest.fixture
def told(caplog, monkeypatch):
    monkeypatch.setattr(intakes, "_LONG_WAIT_SECONDS", 0.05)
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.fixture
def hold_up(follow, monkeypatch):
    """Return what makes a lane of a spool in memory, which is held up with a first document."""

    def hold_up(spool):
        lane = follow(spool)
        lane.reader.gate.clear()
        monkeypatch.setattr(feeds, "MOST_UNKEPT_BYTES", 1)
        lane.post("start", -2)
        wait_for(lambda: lane.reader.is_waiting)
        lane.post("start", -1)
        wait_for(lambda: not spool.intake.items)
        return lane

    return hold_up


@pytest.mark.parametrize(("size", "fits"), [(0, 10), (300, 3), (5000, 1)])
def test_a_producer_waits_while_memory_is_full(size, fits, hold_up, told, monkeypatch):
    monkeypatch.setattr(intakes, "_MOST_ITEMS", 10)
    monkeypatch.setattr(intakes, "MOST_BYTES", 1000)
    spool = spools.Spool()
    lane = hold_up(spool)
    producer = in_thread(lambda: [lane.post("event", n, size) for n in range(fits + 5)])
    wait_for(told)
    assert producer.is_alive()
    assert len(spool.intake.items) == fits
    lane.reader.gate.set()
    producer.join(PATIENCE)
    assert lane.request().wait(PATIENCE)
    assert lane.reader.docs == [-2, -1, *range(fits + 5)]
    first, second = told()
    assert "memory is full" in first
    assert "Nothing is lost" in first
    assert "room again" in second
    assert spool.intake._bytes == 0


def test_a_producer_that_is_faster_than_a_lane_fills_no_memory(follow, monkeypatch):
    monkeypatch.setattr(feeds, "MOST_UNKEPT_BYTES", 100 * windows.DOCUMENT_BYTES)
    monkeypatch.setattr(intakes, "_LARGEST_BATCH", 50)
    monkeypatch.setattr(intakes, "_MOST_ITEMS", 100)
    spool = spools.Spool()
    lane = follow(spool)
    receive, most = lane.reader.receive, 0

    def slowly(name, doc):
        nonlocal most
        most = max(most, len(lane))
        time.sleep(1e-5)
        receive(name, doc)

    lane.reader.receive = slowly
    for number in range(4000):
        lane.post("event", number)
    assert lane.request().wait(PATIENCE)
    assert lane.reader.docs == list(range(4000))
    assert most <= 300


def test_a_full_memory_costs_no_time_of_the_processor(hold_up, monkeypatch):
    """Whoever would look all the time at what it cannot take takes the lane's time."""
    spool = spools.Spool()
    lane = hold_up(spool)
    for number in range(4000):
        lane.post("event", number)
    looks = []
    monkeypatch.setattr(spool, "_look", lambda look=spool._look: looks.append(look()))
    time.sleep(0.15)
    assert len(looks) < 30
    monkeypatch.undo()
    lane.reader.gate.set()
    assert lane.request().wait(PATIENCE)
    assert lane.reader.docs == [-2, -1, *range(4000)]


def test_what_waits_behind_a_full_memory_is_not_waited_for_longer_than_needed(follow, monkeypatch):
    monkeypatch.setattr(feeds, "MOST_UNKEPT_BYTES", 10 * windows.DOCUMENT_BYTES)
    monkeypatch.setattr(intakes, "_LARGEST_BATCH", 10)
    lane = follow(spools.Spool())
    began = time.monotonic()
    for number in range(400):
        lane.post("event", number)
    assert lane.request().wait(PATIENCE)
    assert lane.reader.docs == list(range(400))
    assert time.monotonic() - began < 1.0


def test_arrays_are_brought_to_disk_before_a_batch_of_them_fills_the_memory(follow):
    lane = follow(spools.Spool(), interval=PATIENCE)
    lane.reader.gate.clear()
    lane.post("start", 0)
    producer = in_thread(lambda: [lane.post("event", n, 40 << 20) for n in range(1, 11)])
    producer.join(0.1)
    lane.reader.gate.set()
    producer.join(PATIENCE)
    assert lane.request().wait(PATIENCE)
    assert lane.reader.docs == list(range(11))
    assert max(b - a for a, b in itertools.pairwise(lane.reader.meals)) <= 4


def test_nobody_waits_without_a_bound_for_a_spool_whose_disk_hangs(follow, logged, monkeypatch):
    monkeypatch.setattr("bluescribe.spool.lane._SPOOL_SECONDS", 0.5)
    answered = threading.Event()
    close = logged._keeper.close
    monkeypatch.setattr(logged._keeper, "close", lambda: answered.wait(PATIENCE) and close())
    lanes = [follow(logged, name) for name in ("test-lane", "other")]
    play(logged, [("start", {"uid": "u"}, 0)])
    began = time.monotonic()
    for lane in lanes:
        lane.begin_to_close()
    hangs = [lane.close(0.5) for lane in lanes]
    took = time.monotonic() - began
    answered.set()
    assert took < PATIENCE / 2
    assert all(("start", {"uid": "u"}) in lane.reader.received for lane in lanes)
    assert [hang.is_spool for hang in hangs if hang is not None] == [True]
    logged.join(PATIENCE)
