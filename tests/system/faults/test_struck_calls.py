"""One call is refused in the midst of a session with all formats: the files have all of it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.faults.refusals import MOST, check_outcome, check_refusal, refusal, usual_error
from tests.system.faults.striking import FORMATS, Fault, Striker
from tests.system.faults.struck_files import check

pytestmark = pytest.mark.timeout(200)

HANDFUL = ["data pwrite 13", "spool write 7"]
"""What is tested everywhere; CI tests every sixth call, `tests.system.faults.matrix` each one."""


def cases() -> Iterator[Any]:
    for where, calls in MOST.items():
        for call, most in calls.items():
            for number in sorted({2, *range(1, most + 1, 6)}) if most > 6 else range(1, most + 1):
                is_short = f"{where} {call} {number}" in HANDFUL
                yield pytest.param(*(where, call, number), marks=() if is_short else pytest.mark.ci)


@pytest.mark.parametrize(("where", "call", "number"), [*cases()])
def test_a_call_that_is_refused_costs_nothing(
    where: str, call: str, number: int, tmp_path: Path, striker: Striker
) -> None:
    fault = refusal(tmp_path, where, call, number, usual_error(number))
    check_refusal(tmp_path, striker.play(fault))


@pytest.mark.ci
@pytest.mark.parametrize(
    ("call", "number"),
    [("pwrite", 7), ("pwrite", 19), ("close", 13), ("rename", 1), ("create", 2)],
)
def test_a_call_that_is_refused_to_an_adoption_costs_nothing(
    call: str, number: int, tmp_path: Path, striker: Striker
) -> None:
    """It is tried again, and what is torn is found then; nobody is told of that in other words."""
    orders = [f"{call} {number} {number} {errno.EIO} /data/{name}/ -" for name in FORMATS]
    fault = Fault(str(tmp_path), orders, "adopting", "subscribe", is_left=True)
    outcome = striker.play(fault)
    check_outcome(outcome)
    assert not [each for each in outcome.end["told"] if "was cut short" in each]
    check(tmp_path)
