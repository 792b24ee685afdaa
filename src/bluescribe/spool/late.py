"""Runs that could not be written: tried again now and then, from all that the log has of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .. import retry_policy
from ..retry_policy import Retries
from .recipient import Recipient
from .segment import Entry

__all__ = ["LateRuns"]

Story = Callable[[str], Iterator[Entry] | None]


class LateRuns:
    """The runs that are late in one lane, on its thread; its recipient knows and writes them."""

    def __init__(self) -> None:
        self._retries = Retries()
        self._is_waiting = False
        """Whether the time of the next try is set."""

    def seconds(self, recipient: Recipient) -> float | None:
        """Return after how long the next try is due; None while no run is late."""
        if not recipient.late:
            self._retries.succeed()
            self._is_waiting = False
            return None
        if not self._is_waiting:
            self._retries.fail(retry_policy.FOR_LATE_RUNS)
            self._is_waiting = True
        return self._retries.seconds

    def try_when_due(self, recipient: Recipient, story: Story) -> bool:
        """Try all, if it is time for that; tell whether it was."""
        if self.seconds(recipient) != 0.0:
            return False
        self._is_waiting = False
        self.try_now(recipient, story)
        return True

    def try_now(self, recipient: Recipient, story: Story) -> None:
        """Try all; one that could be written tells that others may be, soon.

        Parameters
        ----------
        recipient
            Knows them, and writes them.
        story
            Returns all that came since a run began, or None if not all of it is there.
        """
        for uid in list(recipient.late):
            entries = story(uid)
            if entries is not None and recipient.write_late(uid, entries):
                self._retries.succeed()
                self._is_waiting = False
