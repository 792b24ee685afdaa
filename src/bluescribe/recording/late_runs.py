"""Runs that could not be written so far, and will be: the spool has all of them."""

from __future__ import annotations

from collections import Counter

from ..contract.report import Failure

__all__ = ["Postponed"]

_MOST_BREAKS = 3
"""Times that the file of a run is made anew after it broke."""


class Postponed:
    """What is late in one format, and why."""

    def __init__(self) -> None:
        self._failures: dict[str, Failure] = {}
        self._breaks: Counter[str] = Counter()
        """How often the file of a run broke, so that trying again would not help."""

    def __len__(self) -> int:
        """Return how many runs are late."""
        return len(self._failures)

    def __contains__(self, uid: str) -> bool:
        """Tell whether a run is late."""
        return uid in self._failures

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Why each is late, the oldest first."""
        return tuple(self._failures.copy().values())

    def by_run(self) -> dict[str, Failure]:
        """Return why each run is late, by its uid."""
        return self._failures.copy()

    def enter(self, failures: dict[str, Failure]) -> None:
        """Enter which runs are late, as another process knows it."""
        self._failures = failures

    def forget(self, uid: str) -> None:
        """Enter that a run is not late any more; how often it broke is remembered."""
        self._failures.pop(uid, None)

    def add(self, uid: str, failure: Failure, *, may_pass: bool) -> bool:
        """Enter that a run is to be written anew; return False if that was done too often.

        Parameters
        ----------
        uid, failure
            The run, and why it could not be written.
        may_pass
            Whether that may pass by itself. A file that broke, as HDF5's do when the disk refuses
            a write, is made anew a few times only.
        """
        if not may_pass:
            self._breaks[uid] += 1
            if self._breaks[uid] > _MOST_BREAKS:
                return False
        self._failures.setdefault(uid, failure)
        return True

    def remove(self, uid: str) -> None:
        """Enter that a run is written, or will not be."""
        self._failures.pop(uid, None)
        self._breaks.pop(uid, None)
