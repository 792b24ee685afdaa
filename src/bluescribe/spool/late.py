"""Runs that could not be written: tried again now and then, from all that the log has of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from .recipient import Recipient
from .segment import Entry

__all__ = ["LateRuns"]

Story = Callable[[str], Iterator[Entry] | None]

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
"""Seconds between two tries."""


class LateRuns:
    """The runs that are late in one lane, on its thread; its recipient knows and writes them."""

    def __init__(self) -> None:
        self._pause = _FIRST_PAUSE
        self._next_try: float | None = None

    def seconds(self, recipient: Recipient) -> float | None:
        """Return after how long the next try is due; None while no run is late."""
        if not recipient.late:
            self._pause, self._next_try = _FIRST_PAUSE, None
            return None
        if self._next_try is None:
            self._next_try = time.monotonic() + self._pause
        return max(0.0, self._next_try - time.monotonic())

    def try_when_due(self, recipient: Recipient, story: Story) -> bool:
        """Try all, if it is time for that; tell whether it was."""
        if self.seconds(recipient) != 0.0:
            return False
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self._next_try = None
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
                self._pause = _FIRST_PAUSE
