"""Writers in a process of their own, behind bluesky's own 0MQ proxy."""

from __future__ import annotations

import json
import logging
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager

import numpy as np
import pytest
from event_model import compose_run

from bluescribe.testing import documents
from tests import warm
from tests.contracts import CONTRACTS

zmq = pytest.importorskip("zmq")

PROXY = """
import sys
from bluesky.callbacks.zmq import Proxy
proxy = Proxy(f"127.0.0.1:{sys.argv[1]}", f"127.0.0.1:{sys.argv[2]}")
print("ready", flush=True)
proxy.start()
"""
LISTEN = "from bluescribe.commands.cli import main; main()"
CONFIG = """
DATA_FILES: {DIRECTORY: data}
JSONL_DATA_FILES: {ENABLE: true}
CSV_DATA_FILES: {ENABLE: true}
"""


def free_ports(count):
    doors = [socket.socket() for _ in range(count)]
    for door in doors:
        door.bind(("127.0.0.1", 0))
    ports = [door.getsockname()[1] for door in doors]
    for door in doors:
        door.close()
    return ports


def start(*arguments, cwd):
    return warm.Popen(
        [sys.executable, "-c", *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


@pytest.fixture
def ends():
    """End the processes that a test began."""
    processes: list[subprocess.Popen] = []
    yield processes.append
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def publish(port, play, is_there):
    """Send documents again and again until the first is there: a 0MQ subscription takes a while."""
    from bluesky.callbacks.zmq import Publisher

    publisher = Publisher(f"127.0.0.1:{port}")
    try:
        deadline = time.monotonic() + 60
        while not is_there():
            assert time.monotonic() < deadline, "nobody hears"
            publisher("start", {"uid": "hello", "time": 0.0})
            time.sleep(0.1)
        play(publisher)
    finally:
        time.sleep(0.2)  # 0MQ sends in the background
        publisher.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_runs_are_written_and_files_are_finished_at_the_end(tmp_path, ends, how):
    (tmp_path / "iconfig.yml").write_text(CONFIG)
    (tmp_path / "external").mkdir()
    inside, outside = free_ports(2)
    proxy = start(PROXY, inside, outside, cwd=tmp_path)
    ends(proxy)
    assert proxy.stdout.readline() == "ready\n"
    listener = start(LISTEN, "listen", "--zmq", f"127.0.0.1:{outside}", cwd=tmp_path)
    ends(listener)
    assert "listening" in listener.stdout.readline()
    played = []
    data = tmp_path / "data"

    def play(publisher):
        played.extend(documents("baseline", tmp_path / "external", publisher))

    publish(inside, play, lambda: any(data.glob("*hello*.jsonl")))
    uid = played[0][1]["uid"]
    (journal,) = wait_for_stop(data, uid)
    listener.send_signal(how)
    told, _ = listener.communicate(timeout=60)
    assert listener.returncode == 0, told
    assert re.search(r"^jsonl +on +\d+ +\d+ +0 ", told, re.M), told
    assert "Traceback" not in told
    contract = CONTRACTS["jsonl"]()
    found = [run for run in contract.read_back(data) if run.uid == uid]
    contract.check_runs(found, played)
    assert journal.exists()


def wait_for_stop(data, uid):
    def paths():
        return [p for p in data.glob(f"*{uid[:7]}*.jsonl") if '["stop",' in p.read_text()]

    wait_until(paths)
    return paths()


def test_a_proxy_that_comes_back_is_heard_again(tmp_path, ends):
    from bluescribe import JsonlWriter, Writers
    from bluescribe.listening import listen

    inside, outside = free_ports(2)
    proxy = start(PROXY, inside, outside, cwd=tmp_path)
    ends(proxy)
    assert proxy.stdout.readline() == "ready\n"
    writer, stop, ready = JsonlWriter(tmp_path / "data"), threading.Event(), threading.Event()
    thread = threading.Thread(
        target=listen,
        args=(f"127.0.0.1:{outside}", {}),
        kwargs={"writers": Writers({"jsonl": writer}), "stop": stop, "ready": ready},
    )
    thread.start()
    try:
        assert ready.wait(30)
        publish(inside, lambda _: None, lambda: any((tmp_path / "data").glob("*hello*")))
        proxy.terminate()
        proxy.wait(30)
        proxy = start(PROXY, inside, outside, cwd=tmp_path)
        ends(proxy)
        assert proxy.stdout.readline() == "ready\n"
        again = {"uid": "again", "time": 1.0}

        def has_come():
            return any((tmp_path / "data").glob("*again*"))

        from bluesky.callbacks.zmq import Publisher

        publisher = Publisher(f"127.0.0.1:{inside}")
        for _ in range(300):
            if has_come():
                break
            publisher("start", again)
            time.sleep(0.1)
        publisher.close()
        assert has_come()
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


class Evil:
    """Runs code where it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


class Listener:
    """A listener in a thread, behind a proxy of its own, and a socket to send anything to it."""

    def __init__(self, folder, ends, **options):
        from bluescribe import JsonlWriter, Writers

        self.data = folder / "data"
        inside, outside = free_ports(2)
        proxy = start(PROXY, inside, outside, cwd=folder)
        ends(proxy)
        assert proxy.stdout.readline() == "ready\n"
        self.stop, ready = threading.Event(), threading.Event()
        self.socket = zmq.Context.instance().socket(zmq.PUB)
        self.socket.connect(f"tcp://127.0.0.1:{inside}")
        self.writer = JsonlWriter(self.data)
        self.thread = threading.Thread(
            target=listen_in_thread,
            args=(f"127.0.0.1:{outside}",),
            kwargs={
                "writers": Writers({"jsonl": self.writer}),
                "ready": ready,
                "stop": self.stop,
                **options,
            },
        )
        self.thread.start()
        assert ready.wait(30)

    def send(self, name, doc, dumps=pickle.dumps):
        self.socket.send(b" ".join([b"", name.encode(), dumps(doc)]))

    def wait_until_heard(self):
        def is_heard():
            self.send("start", {"uid": "hello", "time": 0.0})
            self.send("start", {"uid": "hello", "time": 0.0}, lambda doc: json.dumps(doc).encode())
            return self.writer.status().current_files

        wait_until(is_heard)

    def documents(self, uid):
        (journal,) = wait_for_stop(self.data, uid)
        return [json.loads(line) for line in journal.read_text().splitlines()]


def listen_in_thread(*args, **kwargs):
    from bluescribe.listening import listen

    listen(*args, **kwargs)


@contextmanager
def listening(folder, ends, **options):
    listener = Listener(folder, ends, **options)
    try:
        listener.wait_until_heard()
        yield listener
    finally:
        listener.socket.close(0)
        listener.stop.set()
        listener.thread.join(60)


def test_a_message_that_is_no_document_costs_no_other(tmp_path, ends, caplog):
    mark = tmp_path / "mark"
    garbage = [
        b" nonsense " + pickle.dumps({}),
        b" _finish " + pickle.dumps({}),
        b"",
        b" event ",
        b"\xff\xfe",
        b" event " + pickle.dumps({"data": 1})[:-4],
        b" event " + pickle.dumps(None),
        b" event " + pickle.dumps([Evil(mark)]),
        b" start " + pickle.dumps(5),
        b"x" * 20_000_000,
    ]
    run = compose_run()
    keys = {k: {"dtype": "number", "shape": [], "source": "s"} for k in ("x", "y")}
    with listening(tmp_path, ends) as listener:
        stream = run.compose_descriptor(name="primary", data_keys=keys)
        listener.send("start", run.start_doc)
        listener.send("descriptor", stream.descriptor_doc)
        for number in range(200):
            data, stamps = {"x": np.float64(number), "y": [1, 2]}, {"x": 1.0, "y": 1.0}
            listener.send("event", stream.compose_event(data=data, timestamps=stamps))
            if number % 20 == 10:
                listener.socket.send(garbage[number // 20])
                listener.socket.send_multipart([b" start " + pickle.dumps({}), b"more"])
        listener.send("stop", run.compose_stop())
        found = listener.documents(run.start_doc["uid"])
    assert [doc["data"]["x"] for name, doc in found if name == "event"] == list(range(200))
    assert not mark.exists()
    messages = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    told = Counter(text for text in messages if "run hello was started twice" not in text)
    assert set(told.values()) == {1}
    assert any("there is no document called 'nonsense'" in line for line in told)
    (counted,) = [line for line in told if line.endswith("messages refused")]
    assert int(counted.split()[-3]) >= 20
    assert not any("failed; trying again" in line for line in told)


def test_a_value_of_a_class_costs_that_value(tmp_path, ends, caplog):
    run = compose_run(metadata={"place": Evil(tmp_path / "mark"), "scan_id": 7})
    with listening(tmp_path, ends) as listener:
        listener.send("start", run.start_doc)
        listener.send("stop", run.compose_stop())
        (_, start), _ = listener.documents(run.start_doc["uid"])
    assert start["scan_id"] == 7
    assert start["place"] == str(tmp_path / "mark")  # what it was made of
    assert not (tmp_path / "mark").exists()
    (told,) = [r.getMessage() for r in caplog.records if "no class" in r.getMessage()]
    assert "posix.mkdir" in told
    assert "--decode pickle" in told


def test_json_is_read_where_it_is_asked_for(tmp_path, ends, caplog):
    run = compose_run(metadata={"scan_id": 7})
    with listening(tmp_path, ends, decode="json") as listener:
        assert "it is a pickle, and JSON was asked for" in caplog.text  # of the first greeting
        to_json = lambda doc: json.dumps(doc).encode()  # noqa: E731
        listener.send("start", run.start_doc, to_json)
        listener.send("stop", run.compose_stop(), to_json)
        (_, start), _ = listener.documents(run.start_doc["uid"])
    assert start == run.start_doc


def test_pickles_of_any_class_are_loaded_where_that_is_asked_for(tmp_path, ends):
    with listening(tmp_path, ends, decode="pickle") as listener:
        run = compose_run(metadata={"place": Evil(tmp_path / "mark")})
        listener.send("start", run.start_doc)
        listener.send("stop", run.compose_stop())
        listener.documents(run.start_doc["uid"])
    assert (tmp_path / "mark").exists()


def test_another_way_of_decoding_is_told():
    from bluescribe.errors import ConfigError
    from bluescribe.listening import listen

    with pytest.raises(ConfigError, match="write one of plain, json, pickle"):
        listen("localhost:5578", {}, decode="yaml")


@pytest.mark.parametrize("address", ["localhost", "5578", "localhost:x", "localhost:99999"])
def test_an_address_that_is_none_is_told(address):
    from bluescribe.errors import ConfigError
    from bluescribe.listening import listen

    with pytest.raises(ConfigError, match="write host:port"):
        listen(address, {})
