"""When something is tried again, for how long, and when it is logged."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import bluescribe
from bluescribe.retry_policy import Retries, RetryPolicy

POLICY = RetryPolicy(first=1.0, longest=5.0, log_again=60.0)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return what the monotonic clock says, in a list that may be changed."""
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    return clock


def test_pauses_double_up_to_the_longest(now: list[float]) -> None:
    retries = Retries()
    assert [retries.fail(POLICY) for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert RetryPolicy(0.1, 2.0).pause(10_000) == 2.0


def test_what_says_when_it_is_ready_is_not_tried_before(now: list[float]) -> None:
    retries = Retries()
    assert retries.fail(POLICY, after=30.0) == 30.0
    assert retries.seconds == 30.0
    now[0] += 40.0
    assert retries.seconds == 0.0


def test_what_succeeds_is_as_new(now: list[float]) -> None:
    retries = Retries()
    assert not retries.succeed()
    retries.fail(POLICY)
    retries.fail(POLICY)
    assert retries.is_failing
    assert retries.succeed()
    assert retries.due == retries.seconds == 0.0
    assert retries.fail(POLICY) == 1.0


def test_the_time_for_all_tries_begins_with_the_first_failure(now: list[float]) -> None:
    retries = Retries()
    retries.fail(POLICY)
    assert retries.is_within(1.0)
    assert not retries.is_within(0.5)
    now[0] += 1.0
    retries.fail(POLICY)
    assert retries.is_within(3.0)
    assert not retries.is_within(2.9)


def test_a_failure_that_goes_on_is_logged_again_later(now: list[float]) -> None:
    assert POLICY.is_to_log(None)
    assert not POLICY.is_to_log(now[0] - 59.0)
    assert POLICY.is_to_log(now[0] - 60.0)
    assert not RetryPolicy(1.0, 1.0).is_to_log(0.0)


def test_no_other_module_has_figures_of_its_own() -> None:
    """How long each thing is tried again stands beside the rule, where it is looked for."""
    package = Path(bluescribe.__file__).parent
    those = {path.name for path in package.rglob("*.py") if "RetryPolicy(" in path.read_text()}
    assert those == {"retry_policy.py"}
