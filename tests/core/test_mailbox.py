"""Between the RunEngine and a writer nothing is lost, doubled, or in another order."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from textwrap import dedent

import pytest

from bluescribe.mailbox import Mailbox
from tests import warm

PATIENCE = 30


class Reader:
    """Read the mail and remember it."""

    def __init__(self):
        self.has_open_runs = False
        self.received = []
        self.threads = set()
        self.syncs = 0
        self.closes = 0
        self.gate = threading.Event()
        self.gate.set()

    def receive(self, name, doc):
        assert self.gate.wait(PATIENCE)
        self.threads.add(threading.current_thread())
        self.received.append((name, doc))

    def sync(self):
        self.syncs += 1

    def close(self):
        self.closes += 1


@pytest.fixture
def reader():
    return Reader()


@pytest.fixture
def make(reader):
    made = []

    def make(**options):
        defaults = {"interval": 0.01, "max_documents": 5000, "max_bytes": 2**20}
        made.append(Mailbox(reader, name="test-mail", **{**defaults, **options}))
        return made[-1]

    yield make
    reader.gate.set()
    for mailbox in made:
        mailbox.close()


def in_thread(function, *args):
    thread = threading.Thread(target=function, args=args)
    thread.start()
    return thread


def test_the_thread_starts_with_the_first_document_and_is_a_daemon(make, reader):
    mailbox = make()
    assert not [t for t in threading.enumerate() if t.name == "bluescribe-test-mail"]
    mailbox.post("start", {})
    assert mailbox.request().wait(PATIENCE)
    (thread,) = reader.threads
    assert thread.name == "bluescribe-test-mail"
    assert thread.daemon


def test_each_producer_is_heard_in_its_own_order(make, reader):
    mailbox = make()

    def produce(who):
        for number in range(3000):
            mailbox.post("event", (who, number), size=8 * (number % 2))

    threads = [in_thread(produce, who) for who in range(4)]
    for thread in threads:
        thread.join()
    assert mailbox.request().wait(PATIENCE)
    assert len(mailbox) == 0
    assert len(reader.received) == 12_000
    for who in range(4):
        assert [n for _, (w, n) in reader.received if w == who] == list(range(3000))


def test_a_request_is_answered_after_all_that_was_posted_before(make, reader):
    mailbox = make(interval=PATIENCE)
    reader.has_open_runs = True
    for number in range(2500):  # more than one batch
        mailbox.post("event", number)
    assert mailbox.request().wait(PATIENCE / 3)
    assert [doc for _, doc in reader.received] == list(range(2500))
    assert reader.syncs


def test_documents_are_brought_to_disk_without_being_asked(make, reader):
    mailbox = make()
    reader.has_open_runs = True
    synced = threading.Event()
    reader.sync = lambda: synced.set() if len(reader.received) == 2 else None
    mailbox.post("start", 0)
    mailbox.post("event", 1)
    assert synced.wait(PATIENCE)


@pytest.mark.parametrize(
    ("bounds", "size", "fits"),
    [({"max_documents": 10}, 0, 10), ({"max_bytes": 1000}, 300, 3), ({"max_bytes": 1000}, 5000, 1)],
)
def test_a_producer_waits_while_the_mailbox_is_full(full, bounds, size, fits):
    mailbox, reader, warnings = full(**bounds)
    producer = in_thread(lambda: [mailbox.post("event", n, size) for n in range(fits + 5)])
    wait_for(warnings)
    assert producer.is_alive()
    assert len(mailbox) == fits
    reader.gate.set()
    producer.join(PATIENCE)
    assert mailbox.request().wait(PATIENCE)
    assert [doc for _, doc in reader.received] == [-1, *range(fits + 5)]
    first, second = warnings()
    assert "the mailbox is full" in first
    assert "Nothing is lost" in first
    assert "room again" in second
    assert mailbox._bytes_waiting == 0


@pytest.fixture
def full(make, reader, caplog, monkeypatch):
    """Return what makes a mailbox whose reader is held up with a first document."""
    monkeypatch.setattr("bluescribe.mailbox._LONG_WAIT_SECONDS", 0.05)

    def hold_up(**bounds):
        mailbox = make(**bounds)
        reader.gate.clear()
        mailbox.post("start", -1)
        wait_for(lambda: not len(mailbox))
        return mailbox, reader, lambda: [record.getMessage() for record in caplog.records]

    return hold_up


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_close_hands_over_what_waits_and_ends_the_thread(make, reader):
    mailbox = make()
    for number in range(5000):
        mailbox.post("event", number)
    mailbox.close()
    assert [doc for _, doc in reader.received] == list(range(5000))
    assert reader.closes == 1
    (thread,) = reader.threads
    assert not thread.is_alive()


def test_closing_again_does_nothing_and_closing_at_once_waits(make, reader):
    mailbox = make()
    reader.gate.clear()
    mailbox.post("start", 0)
    closers = [in_thread(mailbox.close) for _ in range(3)]
    closers[0].join(0.05)
    assert all(closer.is_alive() for closer in closers)
    reader.gate.set()
    for closer in closers:
        closer.join(PATIENCE)
    mailbox.close()
    assert reader.closes == 1


def test_a_mailbox_that_was_never_used_closes(make, reader):
    mailbox = make()
    mailbox.close()
    assert mailbox.request().wait(0)
    assert not reader.received


def test_a_closed_mailbox_takes_no_document_and_answers_at_once(make, reader):
    mailbox = make()
    mailbox.post("start", 0)
    mailbox.close()
    for name in ("event", "start"):
        mailbox.post(name, 1, size=10)
    assert mailbox.request().wait(0)
    assert len(mailbox) == 0
    assert reader.received == [("start", 0)]
    assert not [t for t in threading.enumerate() if t.name == "bluescribe-test-mail"]


def test_requests_that_race_with_the_end_are_all_answered(make, reader):
    for _ in range(50):
        mailbox = make()
        mailbox.post("start", 0)
        asked: list[threading.Event] = []
        asker = in_thread(
            lambda box, out: out.extend(box.request() for _ in range(20)), mailbox, asked
        )
        mailbox.close()
        asker.join(PATIENCE)
        assert len(asked) == 20
        assert all(done.wait(PATIENCE) for done in asked)


def test_it_can_be_closed_from_its_own_thread(make, reader, caplog):
    mailbox = make()
    reader.receive = lambda name, doc: mailbox.close()
    mailbox.post("start", 0)
    assert mailbox.request().wait(PATIENCE)
    assert reader.closes == 1
    assert not caplog.records


def test_a_fault_of_the_reader_ends_neither_the_thread_nor_a_wait(make, reader, caplog):
    mailbox = make()
    receive, faults = reader.receive, iter([True, True])

    def faulty(*document):
        if next(faults, False):
            raise RuntimeError("a fault")
        receive(*document)

    def broken():
        raise RuntimeError("another fault")

    reader.receive, reader.close = faulty, broken
    for number in range(5):
        mailbox.post("start", number)
    assert mailbox.request().wait(PATIENCE)
    assert [doc for _, doc in reader.received] == [2, 3, 4]
    reader.sync = broken
    assert mailbox.request().wait(PATIENCE)
    closer = in_thread(mailbox.close)
    closer.join(PATIENCE)
    assert not closer.is_alive()
    assert {record.levelname for record in caplog.records} == {"ERROR"}


FORK = """
    import os, sys
    from bluescribe import JsonlWriter
    writer = JsonlWriter(sys.argv[1], file_name="run")
    writer("start", {"uid": "u", "time": 1.0})
    writer.flush()
    writer("descriptor", {"uid": "d", "run_start": "u", "time": 1.0, "data_keys": {}})
    child = os.fork()
    if child == 0:
        writer("start", {"uid": "of the child", "time": 1.0})
        writer.flush()
        writer("stop", {"uid": "s", "run_start": "u", "time": 1.0})
        sys.exit(0)  # its exit handlers run
    assert os.waitpid(child, 0)[1] == 0
    writer("stop", {"uid": "s", "run_start": "u", "time": 1.0})
    writer.close()
    names = os.listdir(sys.argv[1])
    assert names == ["run.jsonl"], names
    lines = open(os.path.join(sys.argv[1], "run.jsonl")).read().splitlines()
    assert [line[:7] for line in lines] == ['["start', '["descr', '["stop"'], lines
"""


def test_a_forked_child_exits_and_writes_nothing(tmp_path):
    program = [sys.executable, "-c", dedent(FORK), str(tmp_path)]
    warm.run(program, check=True, timeout=PATIENCE)


def test_a_stalled_disk_may_use_the_whole_mailbox_and_no_producer_waits(make, reader):
    mailbox = make(max_documents=3000)
    reader.gate.clear()
    mailbox.post("start", 0)
    time.sleep(0.5)  # the batch is stalled by now
    longest = 0.0
    for number in range(2900):
        began = time.perf_counter()
        mailbox.post("event", number)
        longest = max(longest, time.perf_counter() - began)
    assert len(mailbox) == 2900
    reader.gate.set()
    assert mailbox.request().wait(PATIENCE)
    assert [doc for _, doc in reader.received[1:]] == list(range(2900))
    assert longest < 0.2


def test_a_producer_that_is_faster_than_the_thread_fills_no_memory(make, reader):
    mailbox = make(max_documents=5000)
    receive, most = reader.receive, 0

    def slowly(name, doc):
        nonlocal most
        most = max(most, len(mailbox))
        time.sleep(1e-5)
        receive(name, doc)

    reader.receive = slowly
    reader.has_open_runs = True
    for number in range(4000):
        mailbox.post("event", number)
    assert mailbox.request().wait(PATIENCE)
    assert len(reader.received) == 4000
    assert most <= 1001  # a request for room comes on top


def test_arrays_are_brought_to_disk_before_a_batch_of_them_fills_the_memory(make, reader):
    mailbox = make(interval=PATIENCE, max_bytes=2**30)
    sync, on_disk = reader.sync, [0]

    def synced():
        on_disk.append(len(reader.received))
        sync()

    reader.sync = synced
    reader.gate.clear()
    mailbox.post("start", 0)
    for number in range(1, 11):
        mailbox.post("event", number, 40 << 20)
    reader.gate.set()
    assert mailbox.request().wait(PATIENCE)
    assert [doc for _, doc in reader.received] == list(range(11))
    assert max(b - a for a, b in itertools.pairwise(on_disk)) <= 3
