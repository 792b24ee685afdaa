"""Delivery: what becomes of runs when they are written. Whoever adds a delivery implements this."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from ..ending import at_the_end
from ..writer import Writer
from .courier import Courier
from .outbox import Entry, Outbox, default_folder
from .settings import DeliverySettings
from .status import DeliveryStatus
from .trouble import Later, Refused

__all__ = ["CLOSE_SECONDS", "Delivery", "DeliveryStatus", "Entry", "Later", "Refused"]

CLOSE_SECONDS = 10.0
"""How long the end of a session waits at the most for what can be delivered at once."""


class Delivery(ABC):
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
    settings_class: ClassVar[type[DeliverySettings]]

    def __init__(self, **settings: Any) -> None:
        self.settings = self.settings_class.validated(type(self).__name__, settings)
        self.outbox = Outbox(self.settings.outbox or default_folder(self.name))
        self._courier = Courier(self.name, self.outbox, self.deliver)
        # The courier holds this object, so that nothing ends it before the interpreter.
        self._close = at_the_end(self, self._courier.close, CLOSE_SECONDS)

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

    def status(self) -> DeliveryStatus:
        """Tell what was delivered, what waits and why, and what was refused."""
        return self._courier.status()

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
