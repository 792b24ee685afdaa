"""Failures of deliveries: when to retry, with growing pauses, and when to log them."""

from __future__ import annotations

import logging
import time

from .. import retry_policy
from ..errors import BluescribeError
from ..retry_policy import Retries

__all__ = ["Later", "Refused", "Trouble"]

logger = logging.getLogger(__name__)


class Later(BluescribeError, RuntimeError):  # noqa: N818  # what a delivery raises
    """An entry cannot be delivered now; it is retried with growing pauses.

    Parameters
    ----------
    cause, remedy
        What failed, and what its owner can do. The same remedy is logged once an hour.
    only_this
        Whether other entries can be delivered meanwhile; a network that is down concerns all.
    after
        Seconds before which a retry has no use.
    """

    def __init__(
        self, cause: str, remedy: str, *, only_this: bool = False, after: float = 0.0
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy
        self.only_this = only_this
        self.after = after


class Refused(BluescribeError, ValueError):  # noqa: N818  # as Later
    """An entry can never be delivered as it is; it is moved aside.

    Parameters
    ----------
    cause, remedy
        What is wrong, and what its owner can do before it is delivered after all.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy


class Trouble:
    """A failure that keeps entries waiting, until it is over.

    Parameters
    ----------
    whose
        The name of the delivery, for messages.
    told
        When each remedy was logged last, for all troubles of a delivery: a cause that keeps a
        hundred entries waiting is logged once.
    """

    def __init__(self, whose: str, told: dict[str, float]) -> None:
        self.cause = ""
        """Empty when all is well."""
        self._whose = whose
        self._told = told
        self._own: set[str] = set()
        """The remedies that were logged for this trouble."""
        self._retries = Retries()

    @property
    def due(self) -> float:
        """When to try again, by the monotonic clock."""
        return self._retries.due

    def meet(self, problem: Later, run: str) -> None:
        """Enter a failure: wait longer each time; log the first, each new cause, and every hour."""
        if retry_policy.FOR_DELIVERIES.is_to_log(self._told.get(problem.remedy)):
            self._told[problem.remedy] = time.monotonic()
            self._own.add(problem.remedy)
            logger.warning(
                "%s: %s cannot be delivered now: %s. Remedy: %s. It is tried again by itself.",
                self._whose,
                run,
                problem.cause,
                problem.remedy,
            )
        self.cause = problem.cause
        self._retries.fail(retry_policy.FOR_DELIVERIES, after=problem.after)

    def end(self) -> None:
        """Enter that it is over; log that if the failure was logged."""
        if self._own:
            logger.warning("%s: delivering again, after: %s", self._whose, self.cause)
        self.forget()

    def forget(self) -> None:
        """Forget the failures; the next one is the first."""
        for remedy in self._own:
            self._told.pop(remedy, None)
        self._own.clear()
        self.cause = ""
        self._retries.succeed()
