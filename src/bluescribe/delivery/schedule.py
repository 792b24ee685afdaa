"""Schedule: when the entries of an outbox are due, and what keeps them waiting."""

from __future__ import annotations

import time
from collections.abc import Collection

from .trouble import Later, Trouble

__all__ = ["OUTBOX", "Schedule"]

OUTBOX = ""
"""Stands for the outbox itself, in the place of the name of an entry."""


class Schedule:
    """When each entry of an outbox is due, by its name.

    The courier's thread notes what becomes of entries; any thread may hasten them and ask.

    Parameters
    ----------
    whose
        The name of the delivery, for messages.
    """

    def __init__(self, whose: str) -> None:
        self._whose = whose
        self._due: dict[str, tuple[float, float]] = {}
        """When each entry under way was looked at, and when to look again."""
        self._hastened = 0.0
        """Entries that were looked at before this time are to be looked at now."""
        self._told: dict[str, float] = {}
        self._trouble = Trouble(whose, self._told)
        """The trouble that keeps all entries waiting."""
        self._troubled = OUTBOX
        """The entry that ran into it."""
        self._troubles: dict[str, Trouble] = {}
        """The troubles of single entries."""

    @property
    def cause(self) -> str:
        """What keeps entries waiting; empty when all is well."""
        causes = [self._trouble.cause, *(t.cause for t in list(self._troubles.values()))]
        return next(filter(None, causes), "")

    @property
    def is_held(self) -> bool:
        """Whether all entries have to wait."""
        return self._trouble.due > time.monotonic()

    def is_due(self, name: str) -> bool:
        """Return whether an entry is to be looked at now."""
        return self._due_of(name) <= time.monotonic()

    def is_under_way(self, name: str) -> bool:
        """Return whether an entry was taken by whoever receives it, and is not there yet."""
        return name in self._due

    def pause(self, most: float) -> float:
        """Return the seconds until an entry is due, at the most so many."""
        now = time.monotonic()
        if self._trouble.due > now:
            return self._trouble.due - now
        dues = map(self._due_of, {*self._due, *self._troubles})
        return min([most, *(max(0.0, due - now) for due in dues)])

    def hasten(self) -> None:
        """Have entries under way be due now."""
        self._hastened = time.monotonic()

    def look_again(self, name: str, began: float, seconds: float) -> None:
        """Note that an entry is under way.

        Parameters
        ----------
        name
            The entry.
        began
            When it was looked at, by the monotonic clock.
        seconds
            After which it is to be looked at again.
        """
        self._due[name] = began, time.monotonic() + seconds

    def put_off(self, name: str, run: str, problem: Later) -> None:
        """Have an entry wait for what it ran into, or all entries.

        Parameters
        ----------
        name, run
            The entry, and its run in messages.
        problem
            What it ran into.
        """
        if problem.only_this:
            self.end_trouble_of(name)
            self._troubles.setdefault(name, Trouble(self._whose, self._told)).meet(problem, run)
        else:
            self._troubled = name
            self._trouble.meet(problem, run)

    def end_trouble_of(self, name: str) -> None:
        """End the trouble of all entries when the entry that ran into it has got through.

        That others get through says little: a server may answer about transfers under way while
        it accepts no new one.
        """
        if name == self._troubled:
            self._trouble.end()

    def succeed(self, name: str) -> None:
        """End the troubles of an entry that has got through."""
        self.end_trouble_of(name)
        if name in self._troubles:
            self._troubles[name].end()
        self.forget(name)

    def forget(self, name: str) -> None:
        """Forget an entry that is not there any more."""
        if name == self._troubled:
            self._trouble.forget()
        self._due.pop(name, None)
        if name in self._troubles:
            self._troubles.pop(name).forget()

    def forget_others(self, names: Collection[str]) -> None:
        """Forget all entries but these."""
        for gone in {*self._due, *self._troubles, self._troubled}.difference(names):
            self.forget(gone)

    def _due_of(self, name: str) -> float:
        if name in self._troubles:
            return self._troubles[name].due
        looked, due = self._due.get(name, (0.0, 0.0))
        return due if looked > self._hastened else 0.0
