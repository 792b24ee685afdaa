"""The steps at which processes are killed, and what has to be there after that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.system.faults.striking import Fault, Outcome
from tests.system.faults.struck_files import MOMENT, check, check_copied

__all__ = ["STEPS", "Step", "check_death"]

VICTIMS = ("child", "session", "both")
_WHENS = ("before", "behind")


@dataclass(frozen=True)
class Step:
    """A step of the work, as calls: their name, a part of their path, and of what is written."""

    call: str
    part: str
    numbers: tuple[int, int]
    """Which of these calls the tests take; the matrix takes others as well."""
    needle: str = "-"
    scenario: str = "overlapping"
    armed: str = "start"
    is_left: bool = False
    victims: tuple[str, ...] = VICTIMS

    def death(
        self, place: Path, victim: str, number: int, which: int, *, by_recover: bool
    ) -> Fault:
        """Return a fault: somebody is killed at one of these calls, before it or behind it.

        Parameters
        ----------
        place
            An empty folder.
        victim
            Who is killed.
        number
            At which call, from 1 on; 0 for none.
        which
            0 for before, 1 for behind.
        by_recover
            Whether ``recover`` writes what is left, and not the next session.
        """
        when = _WHENS[which]
        return Fault(
            str(place),
            [f"{self.call} {number} {number} {victim}:{when} {self.part} {self.needle}"],
            scenario=self.scenario,
            armed=self.armed,
            is_left=self.is_left,
            by_recover=by_recover,
        )


STEPS = {
    "claim": Step("create", "/data/nexus/", (1, 2)),
    "first write": Step("pwrite", "/data/hdf5/", (1, 2)),
    "first write of text": Step("pwrite", "/data/csv/", (1, 2)),
    "new descriptor": Step("any", "/data/nexus/", (2, 25), armed="descriptor"),
    "rename": Step("rename", "/data/tiff/", (1, 4)),
    "ledger before": Step("write", "/state/", (1, 9), "#file"),
    "ledger behind": Step("write", "/state/", (1, 9), "#done"),
    "report": Step("write", "socket:", (1, 3), "is_given_up"),
    "compaction": Step("any", "/data/dx/.", (2, 9)),
    "copying": Step("any", "/data/nexus/", (12, 30), scenario="copying", armed="stop"),
    "another file": Step("any", "/data/tiff/", (2, 7), scenario="copying", armed="stop"),
    "segment": Step("unlink", "/state/", (1, 2)),
    "adoption": Step("any", "/data/", (30, 90), "-", "adopting", "subscribe", is_left=True),
    "ledger of adoption": Step("write", "/state/", (1, 4), "-", "adopting", "subscribe", True),
    "recover": Step("any", "/data/", (30, 90), "-", "recover", is_left=True, victims=("child",)),
    "ledger of recover": Step("write", "/state/", (1, 4), "-", "recover", "", True, ("child",)),
    "late run": Step("pwrite", "/data/hdf5/", (1, 9), scenario="late", armed="back"),
}


def check_death(
    step: Step, victim: str, place: Path, outcome: Outcome, *, moment: float = MOMENT
) -> float:
    """Fail unless the last moment at most is missing, and nothing is left undone.

    Returns
    -------
    float
        Seconds of documents that are missing.
    """
    assert outcome.struck, "it never came to that"
    assert not outcome.left, "processes outlived their session"
    if victim == "child" and step.scenario != "recover":
        assert outcome.status == 0, outcome.said
        assert outcome.after is None, outcome.end
        assert not any(outcome.end["failures"].values()), outcome.end
    assert outcome.after in (0, None), outcome.said
    assert "Traceback" not in outcome.said, outcome.said
    is_loss = victim != "child" and not step.is_left
    loss = check(place, killed=outcome.killed if is_loss else None, moment=moment)
    if step.scenario == "copying":
        check_copied(place)
    return loss
