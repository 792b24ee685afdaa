"""Sessions end, are killed, and share an outbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from textwrap import dedent

import pytest

from tests import warm
from tests.system.delivery.globus.service import error, no_answer
from tests.system.delivery.globus.sessions import delivered, iconfig_for, scan, told, wait

SESSION = """
    import json, sys, time
    from bluesky import RunEngine
    import bluesky.plans as bp
    from ophyd.sim import det, motor
    from bluescribe import subscribe_writers
    from bluescribe.delivery.globus import transfer

    if __name__ == "__main__":
        transfer.SHORTEST_POLL = 0.05
        RE = RunEngine({"proposal": "GUP-7"}, context_managers=[])
        writers = subscribe_writers(RE, json.loads(sys.argv[1]))
        for _ in range(int(sys.argv[2])):
            RE(bp.scan([det], motor, 0, 1, 3))
        print("ready", flush=True)
        sys.stdin.readline()
"""


@pytest.fixture
def session(tmp_path):
    """Return what begins a session in a process of its own."""
    program = tmp_path / "session.py"
    program.write_text(dedent(SESSION))
    children = []

    def start(runs, **keys):
        arguments = [json.dumps(iconfig_for(tmp_path, **keys)), str(runs)]
        child = warm.Popen(
            [sys.executable, str(program), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def test_one_under_way_is_left_to_the_next_session(begin, service, caplog):
    service.default_state = {"status": "ACTIVE", "nice_status": "Queued"}
    RE, writers = begin()
    scan(RE)
    wait(lambda: service.requests.count("task") > 3)
    assert str(writers.globus.status()) == "globus: 0 runs delivered, 1 under way"
    began = time.monotonic()
    writers.close()
    assert time.monotonic() - began < 2
    assert not told(caplog)
    service.default_state = {"status": "SUCCEEDED"}
    _, later = begin()
    delivered(later)
    assert len(service.tasks) == 1


def test_the_end_of_a_session_tells_what_waits(begin, service, caplog):
    service.before["transfer"] = [error(503, "Outage", "away") for _ in range(100)]
    RE, writers = begin()
    scan(RE)
    wait(lambda: writers.globus.status().trouble)
    writers.close()
    assert told(caplog)[-1] == (
        f"globus: 1 runs were not delivered (Globus answers 503 Outage: away). They wait in "
        f"{writers.globus.outbox.folder}: the next session, or another process with this outbox, "
        "delivers them."
    )
    service.before.clear()
    _, later = begin()
    delivered(later)


def test_a_process_killed_before_the_answer_makes_no_second_transfer(begin, service, session):
    def kill():
        child.kill()
        return no_answer()

    service.after["transfer"] = [kill]
    child = session(1)
    assert child.wait(60) == -signal.SIGKILL
    assert len(service.tasks) == 1
    _, writers = begin()
    delivered(writers)
    assert service.requests.count("transfer") == 2
    assert len(service.tasks) == 1


def test_a_process_that_ends_submits_what_is_ready(service, session, tmp_path):
    child = session(2)
    _, errors = child.communicate("\n", timeout=60)
    told = [line for line in errors.splitlines() if " INFO " not in line]  # how far it is
    assert (child.returncode, told) == (0, [])
    assert len(service.tasks) == 2


def test_one_process_sends_for_all_and_another_takes_over(begin, service, session):
    service.default_state = {"status": "ACTIVE"}
    child = session(1)
    assert child.stdout.readline() == "ready\n"
    wait(lambda: len(service.tasks) == 1)
    RE, writers = begin()
    scan(RE)
    time.sleep(0.5)
    assert writers.globus.status().under_way == 0, "the child has the lock"
    assert len(writers.globus.outbox.paths()) == 2
    service.default_state = {"status": "SUCCEEDED"}
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    wait(lambda: not writers.globus.outbox.paths())
    assert len(service.tasks) == 2
