"""Delivery: what becomes of runs when they are written. Whoever adds a delivery implements this."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from ..contract.attributes import KnownAttributes
from ..recording.at_exit import at_the_end
from ..recording.writer import Writer
from .courier import Courier, hasten_all
from .outbox import Entry, Outbox, default_folder
from .settings import DeliverySettings
from .status import DeliveryStatus
from .trouble import Later, Refused

__all__ = ["Delivery", "DeliveryStatus", "Entry", "Later", "Refused", "close_together"]

CLOSE_SECONDS = 10.0
"""How long the end of a session waits at the most for what can be delivered at once."""

_exit_deadlines: list[float] = []
"""By when the interpreter goes on to exit, once it has begun to."""


class Delivery(KnownAttributes, ABC):
    """Bring every run somewhere, in time, whatever fails meanwhile.

    What is to be delivered stands in a folder, the outbox, until it is delivered: it outlives the
    process. One thread works through it. Make a delivery before the writers that it follows, so
    that it ends after them when the interpreter exits.

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
        """Learn whose runs are to be delivered, and begin with what earlier sessions left.

        It is called once, before the writers are subscribed.

        Raises
        ------
        ConfigError
            The settings do not fit the writers.
        """
        self.settings.check_formats(self.name, [writer.format for writer in writers])
        self._courier.begin()

    def put(self, run: str, content: dict[str, Any]) -> None:
        """Have something delivered; when this returns, it is in the outbox. Never raises.

        Parameters
        ----------
        run
            What messages call it.
        content
            All that `deliver` needs, as JSON has it: another process may deliver it.
        """
        self._courier.put(run, content)

    def look_for_more(self) -> None:  # most have nothing to look for
        """Put into the outbox what became ready elsewhere; called on the thread, every ten seconds.

        It does so in one process of those with this outbox.
        """

    @abstractmethod
    def deliver(self, entry: Entry) -> float | None:
        """Deliver an entry of the outbox; called on the thread, again and again until it is done.

        `self.outbox.save` keeps what it notes in ``entry.content``.

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
            It cannot ever be delivered.
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
        """Tell what was delivered, what waits and why, and what was refused."""
        return self._courier.status()

    def begin_to_close(self) -> None:
        """Begin to deliver what can be delivered at once; `close` waits for it."""
        self._courier.begin_to_close()

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Deliver what can be delivered at once, and tell what remains for the next session.

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
    """Close deliveries; what is waited for them is waited once."""
    deliveries = list(deliveries)
    deadline = time.monotonic() + CLOSE_SECONDS
    for delivery in deliveries:
        delivery.begin_to_close()
    for delivery in deliveries:
        delivery.close(max(0.0, deadline - time.monotonic()))


def _close_at_exit(_: bool, courier: Courier) -> None:
    """Close one of several, of which nobody knows how many are still to come."""
    if not _exit_deadlines:
        _exit_deadlines.append(time.monotonic() + CLOSE_SECONDS)
        hasten_all()
    courier.close(max(0.0, _exit_deadlines[0] - time.monotonic()))
