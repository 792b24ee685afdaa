"""Topics that bluesky-kafka's own Publisher fills, under one key, and its consumer reads."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import msgpack
import pytest

from bluescribe import JsonlWriter
from bluescribe.publishing import Publisher
from tests.brokers.flood import POINTS, run, value
from tests.brokers.mock_kafka import MockKafka
from tests.brokers.topics import Listener, Topic
from tests.contracts import CONTRACTS
from tests.needs import needs

needs("confluent_kafka", "msgpack")

SHAPES = ("interleaved_runs", "images", "stream_scan_rollover", "count")


@pytest.fixture(scope="module")
def server():
    broker = MockKafka()
    yield broker
    broker.close()


@pytest.fixture
def topic(server):
    return Topic(server)


def read_back(folder):
    return CONTRACTS["jsonl"]().read_back(folder)


@pytest.mark.ci
def test_a_topic_of_bluesky_kafka_is_read_and_reads_ours(server, topic, tmp_path):
    needs("bluesky_kafka")
    ours = Topic(server)
    with Publisher(to=server.address, topic=ours.name) as publisher:
        played = list(run(1))
        for name, doc in played:
            publisher(name, dict(doc))
    place = f"127.0.0.1:{server.port}"
    subprocess.run(
        [
            *(sys.executable, "-m", "tests.brokers.bluesky_kafka_session"),
            *(place, topic.name, ours.name, str(tmp_path), *SHAPES),
        ],
        check=True,
        timeout=120,
    )
    assert json.loads((tmp_path / "read.json").read_bytes()) == json.loads(json.dumps(played))
    sent = json.loads((tmp_path / "sent.json").read_bytes())
    stops = [doc for name, doc in sent if name == "stop"]
    with JsonlWriter(tmp_path / "data") as writer:
        listener = Listener(topic, writer)
        listener.until(lambda: writer.status().runs_written == len(stops))
        listener.broker.close()
    CONTRACTS["jsonl"]().check_runs(read_back(tmp_path / "data"), sent)


def written(topic, folder, *, runs=1):
    with JsonlWriter(folder) as writer:
        listener = Listener(topic, writer)
        listener.until(lambda: writer.status().runs_written == runs)
        for _ in range(5):
            listener.step()
        listener.broker.close()
    return read_back(folder)


def points(found):
    return list(found.events["primary"]["x"])


def measured(number):
    return [value(number, point) for point in range(POINTS)]


def test_json_and_what_is_sent_twice(topic, tmp_path):
    documents = list(run(1))
    again = [*documents[:6], documents[4], documents[5], *documents[6:], documents[-1]]
    topic.produce(again, pack=lambda document: json.dumps(document).encode())
    (found,) = written(topic, tmp_path)
    assert points(found) == measured(1)


def test_what_is_no_document_is_refused_and_told(topic, tmp_path, caplog):
    documents = list(run(1))
    values = [msgpack.packb([name, doc]) for name, doc in documents]
    hostile = [
        b"",
        b"\xc1",
        pickle.dumps(documents[0]),
        msgpack.packb(["start", {"uid": 5}]),
        msgpack.packb(["shutdown", {}]),
        msgpack.packb(["event", {"descriptor": "of nothing"}]),
        json.dumps(["stop", []]).encode(),
    ]
    topic.produce_bytes([*hostile, *values[:5], *hostile, *values[5:]])
    (found,) = written(topic, tmp_path)
    assert points(found) == measured(1)
    assert "it is a pickle, of which nothing is run here" in caplog.text
    assert "there is no document called 'shutdown'" in caplog.text


def test_documents_in_several_partitions_are_told(server, tmp_path, caplog):
    """As a Publisher without a key sends them: they have no order."""
    topic = Topic(server, partitions=2)
    documents = [*run(1), *run(2)]
    values = [msgpack.packb([name, doc]) for name, doc in documents]
    places = [0, 1] * 6 + [0] + [1] * 13  # the second run is in one
    topic.produce_bytes(values, key=None, partitions=places)
    found = written(topic, tmp_path, runs=2)
    started_first = "some of its documents come in another partition" in caplog.text
    others_first = "or its sender has no key (bluesky-kafka's Publisher: key=...)" in caplog.text
    assert started_first or others_first, caplog.text  # as the broker gives the partitions
    assert points(next(each for each in found if each.start["scan_id"] == 2)) == measured(2)


def test_runs_of_two_sessions_go_on_after_a_listener_died(topic, tmp_path):
    """Interleaved, under one key, and read again from the start of the one that is open."""
    one, two = list(run(1)), list(run(2))
    topic.produce([*one[:5], *two])
    with JsonlWriter(tmp_path) as writer:
        first = Listener(topic, writer, name="first")
        first.until(lambda: writer.status().runs_written == 1)
        first.jobs.settle()
        first.broker.close()
    topic.produce(one[5:])
    found = written(topic, tmp_path)
    assert sorted(each.start["scan_id"] for each in found) == [1, 2]
    assert [points(each) for each in sorted(found, key=lambda each: each.start["scan_id"])] == [
        measured(1),
        measured(2),
    ]
