"""One call is refused in the midst of a session with all formats: the files have all of it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.faults.striking import FORMATS, Fault, Outcome, Striker
from tests.system.faults.struck_files import check

pytestmark = pytest.mark.timeout(200)

MOST_ON_DATA = {
    "pwrite": 60,
    "close": 60,
    "write": 14,
    "rename": 16,
    "fsync": 4,
    "create": 22,
    "unlink": 14,
}
"""How many of them there are for one format, or sixty."""
MOST_ON_SPOOL = {"write": 60, "close": 14, "create": 2, "rename": 1, "unlink": 3}
HANDFUL = ["data pwrite 13", "spool write 7"]
"""What is tested everywhere; CI tests every sixth call."""


def cases() -> Iterator[Any]:
    for where, calls in (("data", MOST_ON_DATA), ("spool", MOST_ON_SPOOL)):
        for call, most in calls.items():
            for number in range(1, most + 1, 6 if most > 6 else 1):
                is_short = f"{where} {call} {number}" in HANDFUL
                yield pytest.param(*(where, call, number), marks=() if is_short else pytest.mark.ci)


@pytest.mark.parametrize(("where", "call", "number"), [*cases()])
def test_a_call_that_is_refused_costs_nothing(
    where: str, call: str, number: int, tmp_path: Path, striker: Striker
) -> None:
    """On the files: that of each format, once."""
    error = errno.ENOSPC if number % 5 == 1 else errno.EIO
    parts = [f"/data/{name}/" for name in FORMATS] if where == "data" else ["/state/"]
    orders = [f"{call} {number} {number} {error} {part} -" for part in parts]
    outcome = striker.play(Fault(str(tmp_path), orders, by_recover=bool(number % 2)))
    check_outcome(outcome)
    check(tmp_path, comes_again=any("comes again, whole" in t for t in outcome.end["told"]))


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


def check_outcome(outcome: Outcome) -> None:
    assert outcome.struck, "it never came to that"
    assert outcome.status == 0, outcome.said
    assert not any(outcome.end["failures"].values()), outcome.end
    assert not any(outcome.end["refused"].values()), outcome.end
    assert not outcome.left
    assert outcome.after in (0, None), outcome.said
    told = outcome.end["told"]
    assert [each for each in set(told) if told.count(each) > 1] == [], "it was told twice"
    assert not [each for each in told if "fault inside" in each], told
