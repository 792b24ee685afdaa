"""One partition of a topic: which runs are open in it, and where a listener would begin again."""

from __future__ import annotations

from dataclasses import dataclass, field

from .strangers import Strangers

__all__ = ["OpenRun", "Partition"]


@dataclass(slots=True)
class OpenRun:
    """A run that is not done.

    Parameters
    ----------
    start
        Offset of its first document.
    last
        Offset of the last document that was handed on: what is read again is left out.
    """

    start: int
    last: int = -1


@dataclass(slots=True)
class Partition:
    """What is known of a partition while it is this listener's."""

    number: int
    committed: int | None = None
    """What the broker has: a listener that begins begins there."""
    position: int | None = None
    """What is read next; None before anything came."""
    again: int | None = None
    """Where it has to be read again from; None if nowhere."""
    low: int = 0
    """The oldest message that the broker still had when it was asked."""
    runs: dict[str, OpenRun] = field(default_factory=dict)
    strangers: Strangers = field(default_factory=Strangers)

    def safe(self) -> int | None:
        """Return where a listener has to begin again: at the start of the oldest open run.

        A run whose start the broker has deleted holds nothing any more: nobody can read it again.
        """
        held = [run.start for run in self.runs.values() if run.start >= self.low]
        return min(held, default=self.position)

    def leave(self, uid: str) -> None:
        """Forget a run."""
        self.runs.pop(uid, None)
        self.strangers.forget(uid)
