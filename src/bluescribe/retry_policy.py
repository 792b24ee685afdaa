"""When to try again what was refused, for how long, and when to log it: one rule for all rooms.

The rule is `RetryPolicy`; its figures for each use stand below it. What is tried again, and what is
logged, is up to the one who tries.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

__all__ = [
    "FOR_ADOPTION",
    "FOR_DELIVERIES",
    "FOR_FILES",
    "FOR_IMAGES",
    "FOR_LATE_RUNS",
    "FOR_PROCESSES",
    "FOR_SPOOL",
    "Retries",
    "RetryPolicy",
]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Pauses that double with each failure."""

    first: float
    """Seconds before the second try."""
    longest: float
    """Seconds between two tries at the most."""
    log_again: float = math.inf
    """Seconds after which a failure that goes on is logged again."""

    def pause(self, failures: int) -> float:
        """Return the seconds before the next try, after so many failures."""
        doubled = min(failures - 1, 64)  # beyond that, a float of any size is enough
        return min(self.first * 2.0**doubled, self.longest)

    def is_to_log(self, logged: float | None) -> bool:
        """Tell whether a failure is to be logged, from when that was done last, if ever."""
        return logged is None or time.monotonic() - logged >= self.log_again


FOR_FILES = RetryPolicy(first=0.1, longest=2.0)
"""A run's file that the disk refuses (`recording.retry`), as long as RETRY_SECONDS says."""
FOR_LATE_RUNS = RetryPolicy(first=1.0, longest=30.0)
"""A run that is late, and written anew from the spool (`spool.late`)."""
FOR_SPOOL = RetryPolicy(first=2.0, longest=2.0)
"""The spool itself (`spool.keeping`)."""
FOR_PROCESSES = RetryPolicy(first=0.5, longest=0.5)
"""The process of an HDF5 format that cannot be begun (`recording.process.connection`)."""
FOR_IMAGES = RetryPolicy(first=0.05, longest=2.0)
"""A detector's file that is not complete (`assets.waiting`), as long as IMAGES_TIMEOUT says."""
FOR_ADOPTION = RetryPolicy(first=2.0, longest=60.0)
"""The runs that a dead session left in its spool (`archive.adoption.later`)."""
FOR_DELIVERIES = RetryPolicy(first=1.0, longest=600.0, log_again=3600.0)
"""What a server refuses, or cannot be reached for (`delivery.trouble`)."""


class Retries:
    """One thing that fails and is tried again, until it succeeds."""

    def __init__(self) -> None:
        self.due = 0.0
        """When to try again, by the monotonic clock; 0.0 while nothing has failed."""
        self._failures = 0
        self._began = 0.0

    @property
    def is_failing(self) -> bool:
        """Whether the last try failed."""
        return self._failures > 0

    @property
    def seconds(self) -> float:
        """Seconds until the next try."""
        return max(0.0, self.due - time.monotonic())

    def fail(self, policy: RetryPolicy, *, after: float = 0.0) -> float:
        """Enter a failure, and return the seconds until the next try.

        Parameters
        ----------
        policy
            How long the pauses are.
        after
            Seconds before which there is no use in trying again.
        """
        now = time.monotonic()
        if not self._failures:
            self._began = now
        self._failures += 1
        pause = max(policy.pause(self._failures), after)
        self.due = now + pause
        return pause

    def is_within(self, seconds: float) -> bool:
        """Tell whether the next try comes within a time since the first failure."""
        return self.due - self._began <= seconds

    def succeed(self) -> bool:
        """Be as new; tell whether something had failed."""
        had_failed = self.is_failing
        self._failures, self.due = 0, 0.0
        return had_failed
