"""A run that is over in a moment reaches its format in one piece."""

from __future__ import annotations

import time

from tests.spool.readers import PATIENCE


def test_a_run_that_is_over_in_a_moment_comes_at_once(follow, spool):
    lane = follow(spool)
    lane.post("start", {"uid": "u"})
    time.sleep(0.02)  # the spool has shown it by now
    lane.post("stop", {"run_start": "u"})
    assert lane.request().wait(PATIENCE)
    assert [name for name, _ in lane.reader.received] == ["start", "stop"]
    assert 1 not in lane.reader.meals
    assert lane.reader.foreseen == ["u"]


def test_one_that_goes_on_is_begun(follow, spool):
    lane = follow(spool, interval=PATIENCE)
    began = time.monotonic()
    lane.post("start", {"uid": "u"})
    while not lane.reader.received:
        assert time.monotonic() < began + PATIENCE
        time.sleep(0.005)
    assert time.monotonic() - began < PATIENCE / 4
    assert lane.reader.foreseen == []


def test_who_waits_is_not_let_wait(follow, spool):
    lane = follow(spool)
    for number in range(20):
        lane.post("start", {"uid": f"u{number}"})
        assert lane.request().wait(0.09)
