"""Delivery: the base class of what brings complete runs elsewhere; subclass it to add one."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from ..at_exit import at_the_end
from ..contract.attributes import KnownAttributes
from ..contract.report import RunReport
from ..recording.writer import Writer
from .courier import Courier, hasten_all
from .outbox import Entry, Outbox, default_folder
from .settings import DeliverySettings
from .status import DeliveryStatus
from .trouble import Later, Refused

__all__ = ["Delivery", "DeliveryStatus", "Entry", "Later", "Refused", "close_together"]

CLOSE_SECONDS = 10.0
"""Seconds that the end of a session waits, at most, for entries that can be delivered at once."""

_exit_deadlines: list[float] = []
"""Until when the exit of the interpreter waits for deliveries, once it has begun."""


class Delivery(KnownAttributes, ABC):
    """Deliver every run, now or later, whatever fails meanwhile.

    An entry stands in a folder, the outbox, until it is delivered; the outbox outlives the process.
    One thread, the courier, works through it. Make a delivery before the writers that it follows,
    so that it ends after them when the interpreter exits.

    Parameters
    ----------
    **settings
        The fields of `settings_class`.

    Raises
    ------
    ConfigError
        A setting is unknown or has a value that is not allowed.
    """

    name: ClassVar[str]
    """Name of the delivery: its module and, uppercased, its key in iconfig.yml."""
    settings_class: ClassVar[type[DeliverySettings]] = DeliverySettings

    def __init__(self, **settings: Any) -> None:
        self.settings = self.settings_class.validated(type(self).__name__, settings)
        self.outbox = Outbox(self.settings.outbox or default_folder(self.name))
        self._courier = Courier(self.name, self.outbox, self.deliver, self.look_for_more)
        # The courier holds this object, so that nothing ends it before the interpreter.
        self._close = at_the_end(self, _close_at_exit, self._courier)

    @property
    def writer(self) -> Writer | None:
        """A writer of its own that is to receive the documents as all others do, or None."""
        return None

    def follow(self, writers: Sequence[Writer]) -> None:
        """Take the writers whose runs are delivered; begin with the entries of earlier sessions.

        It is called once, before the writers are subscribed.

        Raises
        ------
        ConfigError
            The settings do not fit the writers.
        """
        self.settings.check_formats(self.name, [writer.format for writer in writers])
        self._courier.begin()

    def adopted(self, reports: Sequence[RunReport]) -> None:  # most have a journal of their own
        """Learn of runs that an earlier session left in its spool, and that are written now.

        It is called once they are, on a thread of its own; several times if some cannot be at
        first. Never raises. `bluescribe recover` tells nobody.
        """

    def put(self, run: str, content: dict[str, Any]) -> None:
        """Put an entry into the outbox before this returns, and have it delivered. Never raises.

        Parameters
        ----------
        run
            Name of the run in messages.
        content
            All that `deliver` needs, as JSON has it: another process may deliver it.
        """
        self._courier.put(run, content)

    def look_for_more(self) -> None:  # most have nothing to look for
        """Put entries into the outbox that became ready elsewhere, as after ``bluescribe recover``.

        It is called every ten seconds on the courier's thread, in one of the processes that share
        this outbox.
        """

    @abstractmethod
    def deliver(self, entry: Entry) -> float | None:
        """Deliver an entry of the outbox; called on the courier's thread until it is delivered.

        What it notes in ``entry.content`` is kept by `self.outbox.save`.

        Returns
        -------
        float or None
            None when it is delivered. A number when it is under way: the seconds after which this
            is to be called again.

        Raises
        ------
        Later
            It cannot be delivered now.
        Refused
            It can never be delivered as it is.
        """

    def reach(self) -> str:
        """Ask the server whether it would take a run, and change nothing; `check` does.

        Returns
        -------
        str
            Who has answered; empty where nobody can be asked.

        Raises
        ------
        Later
            It cannot be reached, or would not take a run now.
        Refused
            It would not ever take one.
        """
        return ""

    def status(self) -> DeliveryStatus:
        """Return what was delivered, what waits and why, and what was refused."""
        return self._courier.status()

    def begin_to_close(self) -> None:
        """Begin to deliver what can be delivered at once; `close` waits for it."""
        self._courier.begin_to_close()

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Deliver what can be delivered at once, and log what remains for the next session.

        Parameters
        ----------
        timeout
            Seconds to wait at the most.
        """
        self._close.detach()
        self._courier.close(timeout)

    def __repr__(self) -> str:
        """Name the outbox."""
        return f"{type(self).__name__}({str(self.outbox.folder)!r})"


def close_together(deliveries: Iterable[Delivery]) -> None:
    """Close deliveries, all within the time that one of them may take."""
    deliveries = list(deliveries)
    deadline = time.monotonic() + CLOSE_SECONDS
    for delivery in deliveries:
        delivery.begin_to_close()
    for delivery in deliveries:
        delivery.close(max(0.0, deadline - time.monotonic()))


def _close_at_exit(_: bool, courier: Courier) -> None:
    """Close one delivery at exit; all that are closed there share one deadline."""
    if not _exit_deadlines:
        _exit_deadlines.append(time.monotonic() + CLOSE_SECONDS)
        hasten_all()
    courier.close(max(0.0, _exit_deadlines[0] - time.monotonic()))
