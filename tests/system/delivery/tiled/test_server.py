"""The server fails: every run is there whole and once, and the scan never waits."""

from __future__ import annotations

import signal
import socket
import time
from itertools import product

import bluesky.plan_stubs as bps
import pytest

from bluescribe import retry_policy
from bluescribe.retry_policy import RetryPolicy
from bluescribe.session.subscribe import subscribe_writers
from bluescribe.session.writers import Writers
from tests.system.delivery.tiled.runs import (
    a_run,
    block,
    catalog,
    eventually,
    is_all_delivered,
    journals,
    make_catalog,
    plan_of,
    play,
    points,
    rows,
)

# tiled's clients leave their sockets to the collector, and its server's storage warns
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.ci]


def test_the_server_is_killed_in_mid_run_and_comes_back(own_server, RE, tmp_path):
    own_server.start()
    make_catalog(own_server)
    with subscribe_writers(RE, block(tmp_path, own_server.url)) as writers:

        def plan():
            uid = yield from bps.open_run()
            yield from points(5)
            eventually(lambda: len(rows(own_server, uid)) == 5)
            own_server.stop(signal.SIGKILL)
            yield from points(5)
            eventually(lambda: writers.tiled.status().trouble)
            own_server.start()
            yield from points(5)
            yield from bps.close_run()

        (uid,) = RE(plan())
        eventually(lambda: writers.tiled.status().delivered == 1)
        assert not writers.tiled.status().trouble
    assert rows(own_server, uid) == list(range(1, 16))
    assert catalog(own_server)[uid].metadata["stop"]["num_events"] == {"primary": 15}


def test_the_server_is_absent_at_the_start(own_server, RE, tmp_path, caplog):
    began = time.monotonic()
    writers = subscribe_writers(RE, block(tmp_path, own_server.url))
    assert time.monotonic() - began < 5
    with writers:
        RE(plan_of(3))
        eventually(lambda: "cannot be reached" in writers.tiled.status().trouble)
        (uid,) = RE(plan_of(3))
        assert "look whether the server runs" in caplog.text
        own_server.start()
        make_catalog(own_server)
        eventually(lambda: writers.tiled.status().delivered == 2)
    assert rows(own_server, uid) == [1, 2, 3]


@pytest.mark.parametrize("status", ["403", "503", "404", "500"])
def test_a_server_that_is_not_itself_refuses_no_run(between, shared_server, deliver, status):
    between.fault = lambda method, path: status
    delivery = deliver(between.url)
    runs = [list(a_run([1.0])) for _ in range(2)]
    for pairs in runs:
        play(delivery, pairs)
    eventually(lambda: delivery.status().trouble)
    assert delivery.status().waiting == 2
    between.fault = lambda method, path: ""
    eventually(lambda: is_all_delivered(delivery))
    assert [rows(shared_server, pairs[0][1]["uid"]) for pairs in runs] == [[1], [1]]


NONSENSE = ["{}", "null", "[]", " ", '{"data": {"id"', "<html>Log in to the network</html>", "cut"]


CASES = list(product(NONSENSE, ["GET", "POST", "PATCH DELETE"]))


@pytest.fixture
def quickly(monkeypatch):
    monkeypatch.setattr(retry_policy, "FOR_DELIVERIES", RetryPolicy(0.05, 0.2))


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("case", CASES)
def test_nonsense_with_status_200_refuses_no_run_and_counts_for_nothing(
    between, shared_server, deliver, case
):
    answer, methods = case
    spoilt: list[str] = []

    def spoil(method, path):
        if len(spoilt) >= 5 or method not in methods.split():
            return ""
        spoilt.append(path)
        return answer

    delivery = deliver(between.url)
    warm = list(a_run([0.0]))
    play(delivery, warm)
    eventually(lambda: is_all_delivered(delivery))
    between.fault = spoil
    pairs = list(a_run([1.0, 2.0]))
    play(delivery, pairs)
    eventually(lambda: is_all_delivered(delivery))
    assert spoilt
    assert not delivery.outbox.refused()
    assert rows(shared_server, pairs[0][1]["uid"]) == [1, 2]
    assert catalog(shared_server)[pairs[0][1]["uid"]].metadata["stop"]


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("answer", ["{}", " "])
def test_where_a_proxy_hides_the_servers_sign_the_end_is_looked_for(
    between, shared_server, deliver, answer
):
    spoilt: list[str] = []

    def spoil(method, path):
        if method == "PATCH" and "metadata" in path and len(spoilt) < 4:
            spoilt.append(path)
            return answer
        return "unsigned"

    between.fault = spoil
    delivery = deliver(between.url)
    pairs = list(a_run([1.0, 2.0]))
    play(delivery, pairs)
    eventually(lambda: is_all_delivered(delivery))
    assert len(spoilt) == 4
    assert not delivery.outbox.refused()
    assert rows(shared_server, pairs[0][1]["uid"]) == [1, 2]
    assert catalog(shared_server)[pairs[0][1]["uid"]].metadata["stop"]


def test_a_catalog_that_is_not_there_is_told(shared_server, deliver):
    delivery = deliver(shared_server.url, path="nowhere")
    play(delivery, a_run([1.0]))
    eventually(lambda: "no catalog 'nowhere'" in delivery.status().trouble)
    assert len(journals(delivery)) == 1


def test_an_answer_that_is_lost_doubles_nothing(between, shared_server, deliver):
    lost = []

    def lose_second_append(method, path):
        if method == "PATCH" and "partition=0" in path:
            lost.append(path)
            return "lose" if len(lost) == 2 else ""
        return ""

    between.fault = lose_second_append
    delivery = deliver(between.url)
    pairs = list(a_run(range(10)))
    uid = pairs[0][1]["uid"]
    play(delivery, pairs[:5])
    eventually(lambda: len(lost) == 1)
    play(delivery, pairs[5:])
    eventually(lambda: is_all_delivered(delivery))
    assert rows(shared_server, uid) == list(range(1, 11))


def test_a_server_that_refuses_us_is_told_and_tried_again(between, shared_server, deliver, caplog):
    between.fault = lambda method, path: "403" if method == "POST" else ""
    delivery = deliver(between.url)
    pairs = list(a_run([1.0]))
    play(delivery, pairs)
    eventually(lambda: "403" in delivery.status().trouble)
    assert "write:data" in caplog.text
    between.fault = lambda method, path: ""
    eventually(lambda: is_all_delivered(delivery))
    assert rows(shared_server, pairs[0][1]["uid"]) == [1]


@pytest.mark.usefixtures("quickly")
def test_a_run_that_the_server_fails_at_lets_others_pass(between, shared_server, deliver):
    bad, *good = (list(a_run([1.0])) for _ in range(2))
    uid = bad[0][1]["uid"]
    between.fault = lambda method, path: "500" if uid in path and method != "GET" else ""
    delivery = deliver(between.url)
    play(delivery, bad)
    play(delivery, good[0])
    eventually(delivery.outbox.refused)
    assert rows(shared_server, good[0][0][1]["uid"]) == [1]
    assert [path.stem for path in journals(delivery)] == [uid]
    # moved back when the server is mended, it goes there
    between.fault = lambda method, path: ""
    (entry,) = delivery.outbox.refused()
    entry.rename(delivery.outbox.folder / entry.name)
    eventually(lambda: is_all_delivered(delivery))
    assert rows(shared_server, uid) == [1]


@pytest.mark.usefixtures("quickly")
def test_a_run_that_no_server_takes_is_kept_aside(shared_server, deliver, caplog):
    delivery = deliver(shared_server.url)
    bad = list(a_run([1.0]))
    bad[0][1]["scan_id"] = "A-7/b"  # as an old session may have had it
    play(delivery, bad)
    good = list(a_run([1.0]))
    play(delivery, good)
    eventually(lambda: delivery.status().delivered == 1)
    assert rows(shared_server, good[0][1]["uid"]) == [1]
    words = "cannot be delivered: ValidationError: 'A-7/b' is not of type 'integer'"
    eventually(lambda: words in caplog.text)
    assert delivery.status().refused == 1
    assert journals(delivery)[0].read_text().count("\n") == len(bad)


def test_a_server_that_never_answers_costs_the_scan_nothing(deliver):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        delivery = deliver(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=20)
        writers = Writers({}, {"tiled": delivery})
        longest = 0.0
        for _ in range(3):
            for pair in a_run(range(200)):
                began = time.monotonic()
                writers(*pair)
                longest = max(longest, time.monotonic() - began)
        assert longest < 2  # a tenth of what the server is waited for
        assert len(journals(delivery)) == 3
        began = time.monotonic()
        delivery.close(1.0)
        assert time.monotonic() - began < 5
