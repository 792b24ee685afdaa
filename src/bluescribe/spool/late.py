"""Late runs: those that could not be written are retried, from the entries in the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .. import retry_policy
from ..retry_policy import Retries
from .entries import Entry
from .recipient import Recipient

__all__ = ["LateRuns"]

Story = Callable[[str], Iterator[Entry] | None]


class LateRuns:
    """Retries the late runs of one lane, on its thread; the recipient knows and writes them."""

    def __init__(self) -> None:
        self._retries = Retries()
        self._is_waiting = False
        """Whether the time of the next retry is set."""

    def seconds(self, recipient: Recipient) -> float | None:
        """Return the seconds until the next retry; None while no run is late."""
        if not recipient.late:
            self._retries.succeed()
            self._is_waiting = False
            return None
        if not self._is_waiting:
            self._retries.fail(retry_policy.FOR_LATE_RUNS)
            self._is_waiting = True
        return self._retries.seconds

    def try_when_due(self, recipient: Recipient, story: Story) -> bool:
        """Retry all late runs if it is time; return whether it was."""
        if self.seconds(recipient) != 0.0:
            return False
        self._is_waiting = False
        self.try_now(recipient, story)
        return True

    def try_now(self, recipient: Recipient, story: Story) -> None:
        """Retry all late runs. When one succeeds, the next retry comes soon.

        Parameters
        ----------
        recipient
            Knows the late runs, and writes them.
        story
            Returns the entries since a run began, or None if the log lacks some.
        """
        for uid in list(recipient.late):
            entries = story(uid)
            if entries is not None and recipient.write_late(uid, entries):
                self._retries.succeed()
                self._is_waiting = False
