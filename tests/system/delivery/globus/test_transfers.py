"""Transfers that fail, are held up, or are refused."""

from __future__ import annotations

import json

import pytest

from bluescribe.delivery.globus import transfer
from tests.system.delivery.globus.service import error
from tests.system.delivery.globus.sessions import delivered, kept_aside, scan, told, wait


def test_a_transfer_that_failed_is_submitted_anew(begin, service, caplog):
    fatal = {"code": "ENDPOINT_ERROR", "description": "its disk\nis full"}
    service.default_state = {"status": "FAILED", "fatal_error": fatal}
    RE, writers = begin()
    scan(RE)
    wait(lambda: len(service.tasks) == 2)
    service.default_state = {"status": "SUCCEEDED"}
    delivered(writers)
    first, second = service.tasks.values()
    assert first["submission_id"] != second["submission_id"]
    assert first["DATA"] == second["DATA"]
    (task, _) = service.tasks
    link = f"https://app.globus.org/activity/{task}"
    assert f"transfer {link} failed: ENDPOINT_ERROR; its disk is full" in told(caplog)[0]


def test_one_that_fails_too_often_is_kept_aside_and_can_be_tried_again(begin, service, caplog):
    service.default_state = {"status": "FAILED", "nice_status": "PERMISSION_DENIED"}
    RE, writers = begin()
    scan(RE)
    kept = kept_aside(writers, caplog)
    assert kept.parent == writers.globus.outbox.folder / "refused"
    assert len(service.tasks) == transfer.MOST_TASKS
    assert f"move {kept} back to {writers.globus.outbox.folder}" in told(caplog)[-1]
    assert f"REFUSED:     1, kept in {kept.parent}" in str(writers.status())
    assert "PERMISSION_DENIED" in json.loads(kept.read_text())["refused"]
    service.default_state = {"status": "SUCCEEDED"}
    kept.rename(writers.globus.outbox.folder / kept.name)
    delivered(writers)


@pytest.mark.parametrize(
    "state",
    [
        {"status": "ACTIVE", "is_paused": True, "nice_status": "PAUSED_BY_ADMIN"},
        {"status": "INACTIVE", "nice_status": "EXPIRED"},
        {"status": "ACTIVE", "nice_status": "CONNECTION_FAILED", "nice_status_details": "no"},
    ],
    ids=lambda state: state["nice_status"],
)
def test_a_transfer_that_is_held_up_is_told_once_and_goes_on(begin, service, caplog, state):
    service.default_state = state
    RE, writers = begin()
    scan(RE)
    wait(lambda: service.requests.count("task") > 3)
    status = writers.globus.status()
    assert (status.under_way, status.waiting) == (1, 0)
    assert state["nice_status"] in str(status)
    service.default_state = {"status": "SUCCEEDED"}
    delivered(writers)
    first, second = told(caplog)
    assert state["nice_status"] in first
    assert "delivering again" in second
    assert len(service.tasks) == 1


def test_what_is_refused_costs_no_other_run(begin, service, caplog):
    service.before["transfer"] = [error(400)]
    RE, writers = begin()
    scan(RE)
    kept_aside(writers, caplog)
    scan(RE)
    wait(lambda: writers.globus.status().delivered == 1)
    (text,) = told(caplog)
    assert "400 ClientError.BadRequest.NoTransferItems: A transfer requires at least" in text


def test_a_transfer_that_is_not_known_any_more_can_be_sent_anew(begin, service, caplog):
    service.before["task"] = [error(404, "TaskNotFound", "no such task")]
    RE, writers = begin()
    scan(RE)
    kept = kept_aside(writers, caplog)
    kept.rename(writers.globus.outbox.folder / kept.name)
    delivered(writers)
    assert len(service.tasks) == 2


def test_a_collection_that_is_away_is_told_of_once_for_all_transfers(begin, service, caplog):
    service.default_state = {"status": "ACTIVE", "nice_status": "CONNECTION_FAILED"}
    RE, writers = begin()
    for _ in range(5):
        scan(RE)
    wait(lambda: service.requests.count("task") > 12)
    (text,) = told(caplog)
    assert f"https://app.globus.org/activity/{next(iter(service.tasks))} is ACTIVE" in text
    service.default_state = {"status": "ACTIVE", "is_paused": True}
    wait(lambda: len(told(caplog)) > 1)
    assert "paused" in told(caplog)[1], "something else is wrong"
    service.default_state = {"status": "SUCCEEDED"}
    delivered(writers, 5)


@pytest.mark.parametrize("key", ["task_id", "items", "options"])
def test_an_entry_that_lacks_something_is_set_aside_with_a_word(begin, service, caplog, key):
    service.before["transfer"] = [error(503, "Busy", "x")] * 1000
    RE, writers = begin()
    scan(RE)
    wait(lambda: writers.globus.status().trouble)
    (path,) = writers.globus.outbox.paths()
    entry = json.loads(path.read_text())
    del entry["content"][key]
    path.write_text(json.dumps(entry))
    wait(lambda: f"its entry has no '{key}': it was changed, or another" in caplog.text)
    assert writers.globus.status().refused == 1
    assert "fault" not in caplog.text
