"""The processes of a session, the session, or both, are killed at each step of what they do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.system.faults.striking import Fault, Striker
from tests.system.faults.struck_files import check, check_copied

pytestmark = pytest.mark.timeout(200)


@dataclass(frozen=True)
class Step:
    """A step of the work, as calls: their name, a part of their path, and of what is written."""

    call: str
    part: str
    numbers: tuple[int, int]
    """Which of these calls."""
    needle: str = "-"
    scenario: str = "overlapping"
    armed: str = "start"
    is_left: bool = False


STEPS = {
    "claim": Step("create", "/data/nexus/", (1, 2)),
    "first write": Step("pwrite", "/data/hdf5/", (1, 2)),
    "first write of text": Step("pwrite", "/data/csv/", (1, 2)),
    "new descriptor": Step("any", "/data/nexus/", (2, 25), armed="descriptor"),
    "rename": Step("rename", "/data/tiff/", (1, 4)),
    "ledger before": Step("write", "/state/", (1, 9), "#file"),
    "ledger behind": Step("write", "/state/", (1, 9), "#done"),
    "report": Step("write", "socket:", (1, 3), "report"),
    "compaction": Step("any", "/data/dx/.", (2, 9)),
    "copying": Step("any", "/data/nexus/", (12, 30), scenario="copying", armed="stop"),
    "another file": Step("any", "/data/tiff/", (2, 7), scenario="copying", armed="stop"),
    "segment": Step("unlink", "/state/", (1, 2)),
    "adoption": Step("any", "/data/", (30, 90), "-", "adopting", "subscribe", is_left=True),
    "ledger of adoption": Step("write", "/state/", (1, 4), "-", "adopting", "subscribe", True),
    "late run": Step("pwrite", "/data/hdf5/", (1, 9), scenario="late", armed="back"),
}
VICTIMS = ("child", "session", "both")
HANDFUL = {
    ("first write", "child", 0),
    ("another file", "both", 0),
    ("ledger before", "session", 1),
}
"""What is tested everywhere; CI tests all."""


def cases() -> Iterator[Any]:
    for name in STEPS:
        for victim in VICTIMS:
            for which in (0, 1):
                is_short = (name, victim, which) in HANDFUL
                yield pytest.param(*(name, victim, which), marks=() if is_short else pytest.mark.ci)


@pytest.mark.parametrize(("name", "victim", "which"), [*cases()])
def test_who_is_killed_at_a_step_costs_the_last_moment_at_most(
    name: str, victim: str, which: int, tmp_path: Path, striker: Striker
) -> None:
    step, when = STEPS[name], ("before", "behind")[which]
    number = step.numbers[which]
    fault = Fault(
        str(tmp_path),
        [f"{step.call} {number} {number} {victim}:{when} {step.part} {step.needle}"],
        scenario=step.scenario,
        armed=step.armed,
        is_left=step.is_left,
        by_recover=bool(which),
    )
    outcome = striker.play(fault)
    assert outcome.struck, "it never came to that"
    assert not outcome.left, "processes outlived their session"
    if victim == "child":
        assert outcome.status == 0, outcome.said
        assert outcome.after is None, outcome.end
        assert not any(outcome.end["failures"].values())
    assert outcome.after in (0, None), outcome.said
    assert "Traceback" not in outcome.said
    is_loss = victim != "child" and not step.is_left
    check(tmp_path, killed=outcome.killed if is_loss else None)
    if step.scenario == "copying":
        check_copied(tmp_path)
