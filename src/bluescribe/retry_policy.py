"""When to try again what was refused, for how long, and when to log it: one rule for all rooms."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

__all__ = ["Retries", "RetryPolicy"]


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
