"""Writers in a process of their own, behind bluesky's own 0MQ proxy."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from bluescribe.testing import documents
from tests.contracts import CONTRACTS

zmq = pytest.importorskip("zmq")

PROXY = """
import sys
from bluesky.callbacks.zmq import Proxy
proxy = Proxy(f"127.0.0.1:{sys.argv[1]}", f"127.0.0.1:{sys.argv[2]}")
print("ready", flush=True)
proxy.start()
"""
LISTEN = "from bluescribe.cli import main; main()"
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
    return subprocess.Popen(
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
    assert "2 runs" in told or "runs," in told
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


@pytest.mark.parametrize("address", ["localhost", "5578", "localhost:x", "localhost:99999"])
def test_an_address_that_is_none_is_told(address):
    from bluescribe.errors import ConfigError
    from bluescribe.listening import listen

    with pytest.raises(ConfigError, match="write host:port"):
        listen(address, {})
