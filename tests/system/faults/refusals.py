"""The calls that are refused, and what has to be there after that."""

from __future__ import annotations

import errno
from pathlib import Path

from tests.system.faults.striking import FORMATS, Fault, Outcome
from tests.system.faults.struck_files import check

__all__ = ["MOST", "check_outcome", "check_refusal", "refusal"]

MOST = {
    "data": {
        "pwrite": 60,
        "close": 60,
        "write": 14,
        "rename": 16,
        "fsync": 4,
        "create": 22,
        "unlink": 14,
    },
    "spool": {"write": 60, "close": 14, "create": 2, "rename": 1, "unlink": 3},
}
"""How many calls there are on the files of one format, or on the spool; or sixty."""


def refusal(place: Path, where: str, call: str, number: int, error: int) -> Fault:
    """Return a fault: a call is refused, on the files that of each format, once."""
    parts = [f"/data/{name}/" for name in FORMATS] if where == "data" else ["/state/"]
    orders = [f"{call} {number} {number} {error} {part} -" for part in parts]
    return Fault(str(place), orders, by_recover=bool(number % 2))


def usual_error(number: int) -> int:
    """Return the error of a call in the tests; the matrix takes both."""
    return errno.ENOSPC if number % 5 == 1 else errno.EIO


def check_refusal(place: Path, outcome: Outcome) -> None:
    """Fail unless all is in all files."""
    check_outcome(outcome)
    check(place, comes_again=any("comes again, whole" in t for t in outcome.end["told"]))


def check_outcome(outcome: Outcome) -> None:
    """Fail unless the session went on, and told what it met once."""
    assert outcome.struck, "it never came to that"
    assert outcome.status == 0, outcome.said
    assert not any(outcome.end["failures"].values()), outcome.end
    assert not any(outcome.end["refused"].values()), outcome.end
    assert not outcome.left, "processes outlived their session"
    assert outcome.after in (0, None), outcome.said
    told = outcome.end["told"]
    assert [each for each in set(told) if told.count(each) > 1] == [], "it was told twice"
    assert not [each for each in told if "fault inside" in each], told
