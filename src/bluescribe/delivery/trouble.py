"""What keeps things from being delivered: pauses that grow, and a word at the right time."""

from __future__ import annotations

import logging
import time

from .. import retry_policy
from ..errors import BluescribeError
from ..retry_policy import Retries

__all__ = ["Later", "Refused", "Trouble"]

logger = logging.getLogger(__name__)


class Later(BluescribeError, RuntimeError):  # noqa: N818  # what is said of a parcel
    """Something cannot be delivered now; it is tried again with growing pauses.

    Parameters
    ----------
    cause, remedy
        What stands in the way, and what its owner can do. The same remedy is told once an hour.
    only_this
        Whether other things can be delivered meanwhile; a network that is down concerns all.
    after
        Seconds before which there is no use in trying again.
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
    """Something cannot ever be delivered as it is; it is kept aside.

    Parameters
    ----------
    cause, remedy
        What is wrong, and what its owner can do before it is tried again.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy


class Trouble:
    """One thing that stands in the way, until it is over.

    Parameters
    ----------
    whose
        The name of the delivery, for messages.
    told
        When each remedy was told last: what keeps a hundred things waiting is told once.
    """

    def __init__(self, whose: str, told: dict[str, float]) -> None:
        self.cause = ""
        """Empty when all is well."""
        self._whose = whose
        self._told = told
        self._own: set[str] = set()
        """The remedies that were told for this."""
        self._retries = Retries()

    @property
    def due(self) -> float:
        """When to try again, by the monotonic clock."""
        return self._retries.due

    def meet(self, problem: Later, run: str) -> None:
        """Wait longer each time; tell at first, when something else is wrong, and every hour."""
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
        """Tell that it is over, if anybody was told that it began."""
        if self._own:
            logger.warning("%s: delivering again, after: %s", self._whose, self.cause)
        self.forget()

    def forget(self) -> None:
        """Be as new."""
        for remedy in self._own:
            self._told.pop(remedy, None)
        self._own.clear()
        self.cause = ""
        self._retries.succeed()
