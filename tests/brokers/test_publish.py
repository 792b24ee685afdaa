"""From a RunEngine through a broker into files: nothing is lost, and the scan never waits."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import bluesky.plans as bp
import h5py
import numpy as np
import pytest
from bluesky import RunEngine
from ophyd.sim import det, motor

from bluescribe import JsonlWriter, NexusWriter, Writers, publish_to
from bluescribe.errors import BluescribeError, ConfigError
from bluescribe.listening import listen_to_broker
from bluescribe.sources.brokers import BrokerOptions
from bluescribe.testing import documents
from tests.brokers.servers import BROKERS, QUEUES, serving
from tests.contracts import CONTRACTS


@pytest.fixture(params=["redis", pytest.param("nats", marks=pytest.mark.ci), "kafka"])
def server(request, tmp_path):
    with serving(request.param, tmp_path / "server") as found:
        yield found


@contextmanager
def listening(server, writers, **options):
    """Listen in a thread."""
    stop, ready = threading.Event(), threading.Event()
    thread = threading.Thread(
        target=listen_to_broker,
        args=(server.address, {}),
        kwargs={
            "writers": Writers({writer.format: writer for writer in writers}),
            "options": BrokerOptions(**{"idle_seconds": 1.0, "client": server.quick, **options}),
            "stop": stop,
            "ready": ready,
        },
    )
    thread.start()
    try:
        assert ready.wait(30)
        yield
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def runs_in(folder):
    """Return the runs that are in files, once none of these is just being written."""
    try:
        return CONTRACTS["jsonl"]().read_back(folder) if folder.exists() else []
    except AssertionError:  # half a line
        return []


def names_in(folder):
    return sorted(run.start["name"] for run in runs_in(folder) if run.stop)


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
def test_what_is_published_is_in_the_files(server, encoding, tmp_path):
    played = []
    with listening(server, [JsonlWriter(tmp_path / "data")]):
        RE = RunEngine({}, context_managers=[])
        publisher = publish_to(RE, server.address, encoding=encoding, spool=tmp_path / "spool")
        RE.subscribe(lambda name, doc: played.append((name, doc)))
        RE(bp.scan([det], motor, 0, 1, 5, md={"name": "a"}))
        publisher.close()
        wait_for(lambda: names_in(tmp_path / "data") == ["a"])
    CONTRACTS["jsonl"]().check_runs(runs_in(tmp_path / "data"), played)


TOGETHER = ("interleaved_runs", "never_stopped", "huge_integers", "images", "stream_scan_rollover")


def test_runs_of_all_kinds_go_through_together(tmp_path):
    """Each run's documents come among those of the others."""
    from bluescribe.publishing import Publisher

    with (
        serving("redis", tmp_path / "server") as server,
        listening(server, [JsonlWriter(tmp_path / "data")]),
    ):
        played = []
        with Publisher(to=server.address) as publisher:
            for shape in TOGETHER:
                for name, doc in documents(shape, tmp_path):
                    played.append((name, doc))
                    publisher.post(name, doc)
        uids = {doc["uid"] for name, doc in played if name == "start"}
        stops = {doc["run_start"] for name, doc in played if name == "stop"}
        wait_for(lambda: {r.uid for r in runs_in(tmp_path / "data") if r.stop} >= stops & uids)
        time.sleep(0.5)
    CONTRACTS["jsonl"]().check_runs(runs_in(tmp_path / "data"), played)


def test_arrays_beyond_the_limit_of_a_message_arrive_whole(server, tmp_path):
    """nats-server takes 1 MB."""
    from event_model import compose_run

    from bluescribe.publishing import Publisher

    image = np.random.default_rng(0).integers(0, 60_000, (1200, 1000)).astype("u2")
    run = compose_run()
    keys = {"image": {"dtype": "array", "shape": [1200, 1000], "source": "sim"}}
    stream = run.compose_descriptor(name="primary", data_keys=keys)
    writer = NexusWriter(tmp_path / "data")
    with listening(server, [writer]):
        with Publisher(to=server.address) as publisher:
            publisher("start", dict(run.start_doc))
            publisher("descriptor", dict(stream.descriptor_doc))
            event = stream.compose_event(data={"image": image}, timestamps={"image": 1.0})
            publisher("event", dict(event))
            publisher("stop", dict(run.compose_stop()))
        wait_for(lambda: writer.status().runs_written)
    with h5py.File(next((tmp_path / "data").glob("*.hdf"))) as file:
        value = file["entry/instrument/bluesky/streams/primary/image/value"]
        np.testing.assert_array_equal(value[0], image)


def test_a_flush_waits_where_the_end_of_a_run_does_not(server, tmp_path):
    from bluescribe.publishing import Publisher

    publisher = Publisher(to=server.address, drain_timeout=0.5)
    server.stop()
    for name, doc in documents("count", tmp_path):
        publisher(name, doc)
    assert not publisher.flush(0.5)
    server.start()
    assert publisher.flush(30)
    publisher.close()


@pytest.mark.ci
def test_a_broker_that_is_away_is_not_felt_by_the_scan(server, tmp_path):
    RE = RunEngine({}, context_managers=[])
    publisher = publish_to(RE, server.address, spool=tmp_path / "spool")
    RE(bp.count([det], 1, md={"name": "before"}))
    server.stop()
    began = time.monotonic()
    RE(bp.count([det], 20, md={"name": "while"}))
    assert time.monotonic() - began < 5  # publish_to waits for no broker; this is a busy machine
    wait_for(lambda: publisher.status().retrying)
    server.start()
    assert publisher.flush(30)
    publisher.close()
    with listening(server, [JsonlWriter(tmp_path / "data")]):
        wait_for(lambda: names_in(tmp_path / "data") == ["before", "while"])
    (run,) = [run for run in runs_in(tmp_path / "data") if run.start["name"] == "while"]
    assert run.seq_num["primary"] == list(range(1, 21))


class Session:
    """A session in a process of its own."""

    def __init__(self, server, spool):
        command = [sys.executable, "-m", "tests.brokers.publishing_session"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [*command, server.address, str(spool)], stdin=pipe, stdout=pipe, text=True
        )
        assert self._answer() == "ready\n"

    def _answer(self):
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def run(self, name):
        assert self.process.stdin is not None
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        assert self._answer() == "ran\n"

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def close(self):
        self.process.communicate("close\n", timeout=60)


@pytest.mark.ci
@pytest.mark.slow
@pytest.mark.parametrize("name", QUEUES)
def test_what_a_killed_session_could_not_send_is_sent_by_the_next(name, tmp_path):
    with serving(name, tmp_path / "server") as server:
        _check_that_the_next_session_sends(server, tmp_path)


def _check_that_the_next_session_sends(server, tmp_path):
    first = Session(server, tmp_path / "spool")
    first.run("sent")
    server.stop()
    first.run("kept")
    time.sleep(0.5)  # what came is in the spool within 0.1 s
    first.kill()
    server.start()
    with listening(server, [JsonlWriter(tmp_path / "data")]):
        second = Session(server, tmp_path / "spool")
        second.run("next")
        wait_for(lambda: names_in(tmp_path / "data") == ["kept", "next", "sent"], seconds=60)
        second.close()
        time.sleep(1)
    assert names_in(tmp_path / "data") == ["kept", "next", "sent"]


def test_a_listener_that_ends_leaves_an_open_run_to_the_next(server, tmp_path):
    from event_model import compose_run

    from bluescribe.publishing import Publisher

    run = compose_run(metadata={"name": "long"})
    with Publisher(to=server.address) as publisher:
        publisher("start", dict(run.start_doc))
        publisher.flush()
        with listening(server, [JsonlWriter(tmp_path / "data")]):
            wait_for(lambda: runs_in(tmp_path / "data"))
        assert names_in(tmp_path / "data") == []
        with listening(server, [JsonlWriter(tmp_path / "data")]):
            publisher("stop", dict(run.compose_stop()))
            wait_for(lambda: names_in(tmp_path / "data") == ["long"])
    assert len(list((tmp_path / "data").glob("*.jsonl"))) == 1


@pytest.mark.parametrize("address", ["", "localhost:6379", "http://localhost"])
def test_an_address_of_no_broker_is_told(address):
    with pytest.raises(ConfigError, match="write where the broker is"):
        publish_to(RunEngine({}), address)


@pytest.mark.parametrize("name", BROKERS)
def test_a_package_that_is_missing_is_named(name, monkeypatch):
    monkeypatch.setitem(sys.modules, {"kafka": "confluent_kafka"}.get(name, name), None)
    with pytest.raises(BluescribeError, match=rf"pip install 'bluescribe\[{name}\]'"):
        publish_to(RunEngine({}), f"{name}://localhost")
