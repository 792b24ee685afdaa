"""Globus is away, busy, or its answers are lost: every run is transferred once."""

from __future__ import annotations

import random
import time

import pytest

from tests.extent import crossed
from tests.system.delivery.globus.service import GlobusService, error, no_answer
from tests.system.delivery.globus.sessions import delivered, scan, told, wait


def test_a_server_that_is_away_is_waited_for(begin, service, caplog):
    RE, writers = begin()
    port = service.port
    service.close()
    scan(RE)
    scan(RE)
    wait(lambda: writers.globus.status().trouble)
    status = writers.globus.status()
    assert str(status) == (
        "globus: 0 runs delivered, 2 waiting: ConnectionError on request (ConnectionError)"
    )
    time.sleep(0.5)
    again = GlobusService(port)
    try:
        delivered(writers, 2)
    finally:
        again.close()
    assert len(again.tasks) == 2
    first, second = told(caplog)
    assert "cannot be delivered now: ConnectionError" in first
    assert "Remedy: wait, or check the network" in first
    assert "globus: delivering again, after: ConnectionError" in second
    service._server.server_close()


@pytest.mark.parametrize(
    ("kind", "status"),
    crossed(["submission_id", "transfer", "task", "oauth2"], [429, 500, 503]),
)
def test_a_busy_server_is_asked_again(begin, service, caplog, kind, status):
    service.before[kind] = [error(status, "ServiceUnavailable", "busy") for _ in range(4)]
    RE, writers = begin()
    scan(RE)
    delivered(writers)
    assert len(service.tasks) == 1
    assert f"Globus answers {status} ServiceUnavailable: busy" in told(caplog)[0]


def test_the_time_that_a_server_asks_for_is_given_to_it(begin, service):
    busy = error(429, "TooManyRequests", "slow down", **{"Retry-After": "1"})
    service.before["transfer"] = [busy, busy]
    RE, writers = begin()
    began = time.monotonic()
    scan(RE)
    delivered(writers)
    assert time.monotonic() - began > 1


def test_an_answer_that_is_lost_makes_no_second_transfer(begin, service):
    service.after["transfer"] = [no_answer] * 3  # the SDK itself tries twice
    RE, writers = begin()
    scan(RE)
    delivered(writers)
    assert service.requests.count("transfer") == 4
    assert len(service.tasks) == 1
    assert service.requests.count("submission_id") == 1


@pytest.mark.ci
def test_whatever_fails_each_run_is_transferred_once(begin, service, caplog):
    """A lost answer, a lost question or a busy server at every third request or so."""
    chance = random.Random(7)
    faults = [no_answer, error(503, "Busy", "x"), error(429, "Slow", "x"), error(500, "Oh", "x")]
    for name in ("submission_id", "transfer", "task"):
        service.before[name] = faulty = []
        service.after[name] = lost = []
        for _ in range(60):
            faulty.append(chance.choice(faults) if chance.random() < 0.25 else None)
            lost.append(no_answer if chance.random() < 0.25 else None)
    RE, writers = begin(("jsonl", "csv"))
    uids = [scan(RE) for _ in range(6)]
    wait(lambda: writers.globus.status().delivered == 6, 100)
    sent = [item["source_path"] for task in service.tasks.values() for item in task["DATA"]]
    assert len(service.tasks) == 6
    assert len(sent) == len(set(sent)) == 6 * 3
    assert all(any(uid[:7] in path for path in sent) for uid in uids)


@pytest.mark.ci
@pytest.mark.parametrize(
    ("kind", "page"),
    crossed(
        ["submission_id", "transfer", "task", "oauth2"],
        [b"<html>Please accept our terms</html>", b"{}", b"[]", b"null"],
    ),
)
def test_who_answers_in_place_of_globus_refuses_no_run(begin, service, caplog, kind, page):
    """A proxy, or the login page of a network, answers 200 to all."""
    service.before[kind] = [lambda: (200, page, {})] * 5
    RE, writers = begin()
    scan(RE)
    delivered(writers)
    assert len(service.tasks) == 1
    assert writers.globus.status().refused == 0
    assert "cannot be delivered now" in told(caplog)[0]
    assert "delivering again" in told(caplog)[-1]
    assert "fault" not in caplog.text
