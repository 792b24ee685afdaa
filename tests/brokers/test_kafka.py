"""A topic of Kafka: what is committed, who has which run, what is told."""

from __future__ import annotations

import logging
import time

import numpy as np
import pytest

from bluescribe import JsonlWriter
from bluescribe.errors import ConfigError
from bluescribe.listening import jobs as listening_jobs
from bluescribe.listening.ledger import Ledger
from bluescribe.sources.brokers import BrokerOptions, open_broker
from bluescribe.sources.brokers.base import BrokerAwayError
from bluescribe.sources.brokers.kafka import group
from tests.brokers.flood import POINTS, value
from tests.brokers.mock_kafka import PRODUCE, TOO_LARGE, MockKafka
from tests.brokers.topics import Listener, Topic, sent
from tests.contracts import CONTRACTS
from tests.needs import needs

needs("confluent_kafka", "msgpack")

DOCUMENTS = POINTS + 3
HALF = slice(0, 5)
REST = slice(5, None)


@pytest.fixture(scope="module")
def server():
    broker = MockKafka()
    yield broker
    broker.close()


@pytest.fixture
def topic(server):
    return Topic(server)


@pytest.fixture(autouse=True)
def quick_commits(monkeypatch):
    monkeypatch.setattr(group, "_COMMIT_SECONDS", 0.0)


def runs_in(folder):
    return {run.uid: run for run in CONTRACTS["jsonl"]().read_back(folder)}


def check(folder, *numbers):
    """Check that these runs are there, each once and whole."""
    runs = CONTRACTS["jsonl"]().read_back(folder)
    assert sorted((run.start or {})["scan_id"] for run in runs) == sorted(numbers)
    for run in runs:
        number = (run.start or {})["scan_id"]
        assert run.stop
        assert list(run.events["primary"]["x"]) == [value(number, i) for i in range(POINTS)]


def test_the_start_of_the_oldest_open_run_is_committed(topic, tmp_path):
    with JsonlWriter(tmp_path) as writer:
        listener = Listener(topic, writer)
        sent(listener.broker, 1, HALF)
        sent(listener.broker, 2)
        sent(listener.broker, 3, HALF)
        listener.until(lambda: writer.status().runs_written)
        listener.until(lambda: topic.committed() == 0)  # run 1 is open
        sent(listener.broker, 1, REST)
        listener.until(lambda: topic.committed() == 5 + DOCUMENTS)  # run 3 is
        sent(listener.broker, 3, REST)
        listener.until(lambda: topic.committed() == 3 * DOCUMENTS)
        listener.broker.close()
    check(tmp_path, 1, 2, 3)


def test_nothing_is_committed_before_files_are_closed(topic, tmp_path, monkeypatch):
    with JsonlWriter(tmp_path) as writer:
        listener = Listener(topic, writer)
        monkeypatch.setattr(writer, "awaits", lambda _: True)
        monkeypatch.setattr(listening_jobs, "_LEAVING_SECONDS", 0.1)
        noted: list[object] = []
        monkeypatch.setattr(listener.jobs, "_note", noted.append)
        sent(listener.broker, 1)
        listener.until(lambda: noted)  # its files are closed, and nobody has said so
        for _ in range(5):
            listener.step()
        assert topic.committed() == 0
        listener.broker.close()


def test_a_listener_begins_again_at_the_oldest_open_run(topic, tmp_path):
    """What is done behind it is known, and stays as it is."""
    sender = topic.broker()
    long = sent(sender, 1, HALF)
    sent(sender, 2)
    with topic.listening(JsonlWriter(tmp_path)):
        wait_for(lambda: sum(1 for run in runs_of(tmp_path) if run.stop) == 1)
    (done,) = [path for path in tmp_path.glob("*.jsonl") if long not in path.read_text()]
    before = done.stat()
    done.rename(tmp_path / "moved")  # somebody has seen to it
    with topic.listening(JsonlWriter(tmp_path)):
        sent(sender, 1, REST)
        sent(sender, 3)
        wait_for(lambda: sum(1 for run in runs_of(tmp_path) if run.stop) == 2)
    (tmp_path / "moved").rename(done)
    assert done.stat().st_ino == before.st_ino
    assert done.stat().st_mtime == before.st_mtime
    check(tmp_path, 1, 2, 3)
    assert topic.committed() == 3 * DOCUMENTS


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def runs_of(folder):
    try:
        return CONTRACTS["jsonl"]().read_back(folder)
    except AssertionError:  # half a line
        return []


def test_an_open_run_goes_with_its_partition(server, tmp_path, caplog):
    """Who has it first lets go of it, and writes nothing more; the other one writes it anew."""
    topic = Topic(server, partitions=2)
    with JsonlWriter(tmp_path) as first, JsonlWriter(tmp_path) as second:
        one = Listener(topic, first, name="one")
        uids = {sent(one.broker, number, HALF) for number in range(10, 16)}
        one.until(lambda: first.status().events_written == len(uids) * 3)
        two = Listener(topic, second, name="two")
        deadline = time.monotonic() + 15
        while not second.status().events_written and time.monotonic() < deadline:
            one.step()
            two.step()
        assert "its partition is another listener's now" in caplog.text
        for number in range(10, 16):
            sent(one.broker, number, REST)
        while sum(1 for run in runs_of(tmp_path) if run.stop) < 6 and time.monotonic() < deadline:
            one.step()
            two.step()
        one.broker.close()
        two.broker.close()
    check(tmp_path, *range(10, 16))


def test_a_run_that_another_has_begun_is_read_again(topic, tmp_path):
    """From its start, among others that go on, where its partition is still this listener's."""
    with JsonlWriter(tmp_path) as writer:
        listener = Listener(topic, writer)
        uids = [sent(listener.broker, number, HALF) for number in (1, 2, 3)]
        listener.until(lambda: writer.status().events_written == 9)
        for uid in uids[:2]:
            Ledger(tmp_path).begin(uid, "jsonl", "another")
        for number in (1, 2, 3):
            sent(listener.broker, number, REST)
        listener.until(lambda: topic.committed() == 3 * DOCUMENTS)
        listener.broker.close()
        assert not writer.status().discrepancies
    check(tmp_path, 1, 2, 3)


@pytest.mark.parametrize("order", [1, -1])
def test_whoever_gets_a_partition_begins_at_the_oldest_run(topic, tmp_path, order):
    """Whichever of its runs was let go of last."""
    with JsonlWriter(tmp_path) as writer:
        listener = Listener(topic, writer)
        uids = [sent(listener.broker, number, HALF) for number in (1, 2, 3)]
        listener.until(lambda: writer.status().events_written == 9)
        for uid in uids[::order]:
            listener.jobs.lose([uid])
        listener.jobs.settle()
        listener.broker.close()
    assert topic.committed() in (0, -1001)  # nothing is committed where nothing was done


@pytest.mark.parametrize("refusal", ["broker", "client"])
def test_what_is_too_large_goes_in_smaller_parts(server, topic, tmp_path, refusal):
    from bluescribe.publishing import Publisher

    image = np.random.default_rng(0).integers(0, 60_000, (600, 500)).astype("u2")
    client = {"message.max.bytes": 100_000} if refusal == "client" else {}
    if refusal == "broker":
        server.refuse(PRODUCE, TOO_LARGE, TOO_LARGE)
    writer = JsonlWriter(tmp_path)
    with Publisher(to=server.address, topic=topic.name, client=client) as publisher:
        for name, doc in _with_image(image):
            publisher(name, doc)
    with topic.listening(writer):
        wait_for(lambda: writer.status().runs_written)
    (run,) = CONTRACTS["jsonl"]().read_back(tmp_path)
    np.testing.assert_array_equal(run.events["primary"]["image"][0], image)


def _with_image(image):
    from event_model import compose_run

    run = compose_run()
    keys = {"image": {"dtype": "array", "shape": list(image.shape), "source": "sim"}}
    stream = run.compose_descriptor(name="primary", data_keys=keys)
    event = stream.compose_event(data={"image": image}, timestamps={"image": 1.0})
    yield "start", dict(run.start_doc)
    yield "descriptor", dict(stream.descriptor_doc)
    yield "event", dict(event)
    yield "stop", dict(run.compose_stop())


def test_what_the_broker_deletes_before_it_is_written_is_told(server, topic, tmp_path, caplog):
    sender = topic.broker()
    with JsonlWriter(tmp_path / "first") as writer:
        listener = Listener(topic, writer)
        sent(sender, 1)
        sent(sender, 2, HALF)
        listener.until(lambda: topic.committed() == DOCUMENTS)
        listener.broker.close()
    sent(sender, 2, REST)
    sent(sender, 3)
    server.delete_before(topic.name, 0, DOCUMENTS + 4)
    with topic.listening(JsonlWriter(tmp_path / "second")):
        wait_for(lambda: topic.committed() == 3 * DOCUMENTS)
    check(tmp_path / "second", 3)
    assert "4 messages were deleted by the broker before they were written" in caplog.text
    assert "its start is not where its documents are" in caplog.text


def test_a_run_that_is_open_for_longer_than_messages_are_kept(
    server, topic, tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr(group, "_RETENTION_SECONDS", 0.0)
    with JsonlWriter(tmp_path) as writer:
        listener = Listener(topic, writer)
        sent(listener.broker, 1, HALF)
        sent(listener.broker, 2)
        listener.until(lambda: writer.status().runs_written)
        server.delete_before(topic.name, 0, 4)
        listener.until(lambda: topic.committed() == 5 + DOCUMENTS)
        assert "is open for longer than the broker keeps messages" in caplog.text
        sent(listener.broker, 1, REST)
        listener.until(lambda: topic.committed() == 2 * DOCUMENTS)
        listener.broker.close()
    check(tmp_path, 1, 2)


def test_a_run_that_gets_no_stop_is_told_and_closed(topic, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(listening_jobs, "_SILENT_SECONDS", 0.2)
    with JsonlWriter(tmp_path) as writer:
        listener = Listener(topic, writer, unstopped_seconds=1.0)
        uid = sent(listener.broker, 1, HALF)
        sent(listener.broker, 2)
        listener.until(lambda: "and no stop." in caplog.text)
        listener.until(lambda: topic.committed() == 5 + DOCUMENTS)
        sent(listener.broker, 1, REST)
        listener.until(lambda: topic.committed() == 2 * DOCUMENTS)
        listener.broker.close()
    assert "its files are closed without a stop" in caplog.text
    assert [len(runs_in(tmp_path)[uid].events["primary"]["x"]), runs_in(tmp_path)[uid].stop] == [
        3,
        None,
    ]


def test_a_run_that_ends_its_listeners_is_put_aside(topic, tmp_path, caplog):
    """Who ends as it should does not count."""
    uid = sent(topic.broker(), 1, HALF)
    with JsonlWriter(tmp_path) as writer:
        listener = Listener(topic, writer, name="last")
        ledger = Ledger(tmp_path)
        for number in range(5):
            ledger.begin(uid, "jsonl", f"victim {number}")
            ledger.begin(uid, "jsonl", f"other {number}")
            ledger.leave(uid, "jsonl", f"other {number}")
        listener.until(lambda: "put aside" in caplog.text)
        listener.until(lambda: topic.committed() == 5)
        listener.broker.close()
    (told,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert uid in told.getMessage()
    assert f"partition 0 of topic {topic.name}, from offset 0 on" in told.getMessage()
    assert not runs_in(tmp_path)


def test_a_broker_that_is_not_there_is_away():
    broker = open_broker("kafka://127.0.0.1:9", BrokerOptions())
    with pytest.raises(BrokerAwayError, match=r"127\.0\.0\.1:9"):
        broker.take(1)
    broker.close()


@pytest.mark.parametrize(
    ("address", "client", "words"),
    [
        ("kafka://", {}, "write host:port"),
        ("kafka://host:port", {}, "write host:port"),
        ("kafka://host", {"group_id": "x"}, "leave it away"),
        ("kafka://host", {"no_such_thing": 1}, 'No such configuration property: "no.such.thing"'),
        ("kafkas://me:secret@host", {}, "needs sasl_mechanism too"),
    ],
)
def test_a_setting_that_is_not_allowed_is_told(address, client, words):
    with pytest.raises(ConfigError, match=words):
        open_broker(address, BrokerOptions(client=client))
