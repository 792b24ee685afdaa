"""The processes of a session, the session, or both, are killed at each step of what they do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.faults.steps import STEPS, check_death
from tests.system.faults.striking import Striker

pytestmark = pytest.mark.timeout(200)

HANDFUL = {
    ("first write", "child", 0),
    ("another file", "both", 0),
    ("ledger before", "session", 1),
}
"""What is tested everywhere; CI tests all, `tests.system.faults.matrix` each twenty times."""


def cases() -> Iterator[Any]:
    for name, step in STEPS.items():
        for victim in step.victims:
            for which in (0, 1):
                is_short = (name, victim, which) in HANDFUL
                yield pytest.param(*(name, victim, which), marks=() if is_short else pytest.mark.ci)


@pytest.mark.ci
@pytest.mark.parametrize(("name", "victim", "which"), [*cases()])
def test_who_is_killed_at_a_step_costs_the_last_moment_at_most(
    name: str, victim: str, which: int, tmp_path: Path, striker: Striker
) -> None:
    step = STEPS[name]
    number = step.numbers[which]
    fault = step.death(tmp_path, victim, number, which, by_recover=bool(which))
    check_death(step, victim, tmp_path, striker.play(fault))
