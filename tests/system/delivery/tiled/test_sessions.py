"""Sessions end or are killed, and others send to the same server."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests import warm
from tests.system.delivery.tiled.runs import (
    a_run,
    catalog,
    eventually,
    is_all_delivered,
    journals,
    play,
    rows,
)
from tests.tiled_server import free_port

# tiled's clients leave their sockets to the collector, and its server's storage warns
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.ci]


SESSION = """
    import sys, time
    from bluescribe.delivery.tiled import TiledDelivery
    from tests.system.delivery.tiled.runs import a_run

    if __name__ == "__main__":
        delivery = TiledDelivery(uri=sys.argv[1], path="raw", outbox=sys.argv[2], interval=0.2)
        delivery.follow([])
        for name, doc in a_run(range(100_000)):
            delivery.writer(name, doc)
            if name == "start":
                print(doc["uid"], flush=True)
            time.sleep(0.01)
"""


def session(tmp_path, url):
    """Begin a scan in another process, with the same outbox; return it and the run's uid."""
    script = tmp_path / "session.py"
    script.write_text(textwrap.dedent(SESSION))
    root = Path(__file__).parents[4]
    paths = os.pathsep.join([str(root), str(root / "src")])
    child = warm.Popen(
        [sys.executable, str(script), url, str(tmp_path / "outbox")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert child.stdout is not None
    uid = child.stdout.readline().strip()
    eventually((tmp_path / "outbox" / "runs" / f"{uid}.jsonl").exists)
    eventually(lambda: list((tmp_path / "outbox").glob("*.json")))
    return child, uid


def test_a_run_that_is_there_already_counts_as_delivered(between, shared_server, deliver):
    pairs = list(a_run([1.0, 2.0]))
    first = deliver(shared_server.url, outbox="first")
    play(first, pairs)
    eventually(lambda: is_all_delivered(first))
    second = deliver(between.url, outbox="second")
    play(second, pairs)
    eventually(lambda: is_all_delivered(second))
    assert rows(shared_server, pairs[0][1]["uid"]) == [1, 2]
    assert set(between.requests) == {"GET"}


def test_what_somebody_else_is_sending_is_left_alone(shared_server, deliver):
    from bluesky_tiled_plugins import TiledWriter

    pairs = list(a_run([1.0, 2.0]))
    uid = pairs[0][1]["uid"]
    other = TiledWriter(catalog(shared_server), batch_size=1)
    for pair in pairs[:3]:
        other(*pair)
    delivery = deliver(shared_server.url)
    play(delivery, pairs)
    eventually(lambda: "not begun by us" in delivery.status().trouble)
    assert rows(shared_server, uid) == [1]
    for pair in pairs[3:]:
        other(*pair)
    eventually(lambda: is_all_delivered(delivery))
    assert rows(shared_server, uid) == [1, 2]


@pytest.mark.parametrize("is_up", [True, False])
def test_a_session_is_killed_in_mid_run(shared_server, deliver, tmp_path, caplog, is_up):
    url = shared_server.url if is_up else f"http://127.0.0.1:{free_port()}"
    child, uid = session(tmp_path, url)
    journal = tmp_path / "outbox" / "runs" / f"{uid}.jsonl"
    try:
        if is_up:
            eventually(lambda: len(rows(shared_server, uid)) > 10)
        eventually(lambda: journal.read_text().count("\n") > 50)
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    received = sum(line.startswith('["event"') for line in journal.read_text().splitlines())
    with caplog.at_level(logging.WARNING):
        delivery = deliver(shared_server.url)
        eventually(lambda: is_all_delivered(delivery))
    assert rows(shared_server, uid) == list(range(1, received + 1))
    assert "stop" not in catalog(shared_server)[uid].metadata
    assert "has no stop document" in caplog.text
    assert (tmp_path / "outbox" / "unfinished" / journal.name).exists()


def test_a_run_that_another_session_takes_is_left_open(shared_server, deliver, tmp_path):
    child, uid = session(tmp_path, f"http://127.0.0.1:{free_port()}")
    try:
        delivery = deliver(shared_server.url)
        time.sleep(2.0)
        assert not (tmp_path / "outbox" / "unfinished").exists()
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    eventually(lambda: is_all_delivered(delivery))
    assert rows(shared_server, uid)


def test_what_remains_at_the_end_goes_with_the_next_session(shared_server, deliver, tmp_path):
    first = deliver(f"http://127.0.0.1:{free_port()}")
    pairs = list(a_run([1.0]))
    play(first, pairs)
    first.writer.close()
    first.close(2.0)
    assert len(journals(first)) == 1
    next_one = deliver(shared_server.url)
    eventually(lambda: is_all_delivered(next_one))
    assert rows(shared_server, pairs[0][1]["uid"]) == [1]


def test_an_end_of_session_waits_for_what_can_be_sent(shared_server, deliver):
    delivery = deliver(shared_server.url, interval=60.0)
    pairs = list(a_run([1.0]))
    play(delivery, pairs)
    delivery.writer.close()
    delivery.close(30.0)
    assert is_all_delivered(delivery)
    assert rows(shared_server, pairs[0][1]["uid"]) == [1]


def test_entries_that_are_damaged_cost_no_run(shared_server, deliver, tmp_path, caplog):
    first = deliver(f"http://127.0.0.1:{free_port()}")
    pairs = list(a_run([1.0]))
    play(first, pairs)
    first.writer.close()
    first.close(5.0)
    (entry,) = first.outbox.paths()
    entry.write_text('{"run": "of another version", "content": {"number": 7}}')
    refused = tmp_path / "outbox" / "refused"
    refused.mkdir()
    (refused / "old.json").write_text("{")
    caplog.clear()
    next_one = deliver(shared_server.url)
    eventually(lambda: is_all_delivered(next_one))
    assert rows(shared_server, pairs[0][1]["uid"]) == [1]
    (text,) = [r.getMessage() for r in caplog.records if "bluescribe" in r.name]
    assert "its entry names no journal" in text
    assert len(next_one.outbox.refused()) == 2
