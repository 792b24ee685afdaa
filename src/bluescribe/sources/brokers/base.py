"""What every broker does: it keeps runs, gives each to one listener, and forgets it when told."""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from .wire import Frame

__all__ = ["Broker", "BrokerAwayError", "Incoming", "Job"]


class BrokerAwayError(OSError):
    """A broker does not answer, or refuses; whoever called comes again.

    Parameters
    ----------
    words
        Which broker, and what it said.
    """

    def __init__(self, words: str) -> None:
        super().__init__(errno.EHOSTDOWN, words)
        self._words = words

    def __str__(self) -> str:
        """Return the words alone."""
        return self._words


@dataclass(frozen=True, slots=True)
class Job:
    """A run that was given to this listener."""

    uid: str
    is_headless: bool = False
    """Whether its start is not there, so that it cannot be written: it may be written already."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A document of one of this listener's runs, or a part of it.

    Parameters
    ----------
    uid
        Of the run.
    frame
        As `Broker.send` was given it.
    document
        Or name and document, from a sender that has no frames.
    """

    uid: str
    frame: Frame | None = None
    document: tuple[str, dict[str, Any]] | None = None
    size: int = 0
    """In bytes, as it came."""

    @property
    def is_start(self) -> bool:
        """Whether a run begins with it."""
        if self.frame is not None:
            return self.frame.number == 1 and self.frame.part == 0
        return self.document is not None and self.document[0] == "start"


class Broker(ABC):
    """A broker; all calls come from one thread, those of `beat` from another.

    Anything may raise `BrokerAwayError` while the broker is away: the caller comes again.
    """

    loss = "this one gave no sign of life for too long"
    """Why a run goes to another listener."""
    puts_off: ClassVar[bool] = True
    """Whether a run that a listener takes for lost comes again, to it or to another one."""
    hand_over: Callable[[set[str]], None] | None = None
    """Is called with runs that others get when it returns, by a broker that waits for that."""

    @abstractmethod
    def send(self, uid: str, frames: Iterable[Frame]) -> None:
        """Keep frames of a run, which is announced with its first document.

        When this returns the broker has them. What it has already, by number and part, is not kept
        twice.
        """

    @abstractmethod
    def take(self, most: int) -> list[Job]:
        """Return runs that are this listener's from now on, at once: new ones, and what is idle.

        Not more than `most`, which may be 0, unless the broker has no choice.
        """

    @abstractmethod
    def poll(self, seconds: float) -> list[Incoming]:
        """Return what came of this listener's runs, in the order of each; wait if nothing did."""

    @abstractmethod
    def done(self, uid: str) -> None:
        """Forget a run: its files are closed."""

    @abstractmethod
    def lose(self, uid: str) -> None:
        """Take a run for another listener's from now on."""

    def lost(self) -> set[str]:
        """Return the runs that were taken from this listener since it was asked last."""
        return set()

    def lag(self) -> int | None:
        """Return what waits that no listener of the group has taken; None if it is not known.

        Runs, or where these are mixed, messages.
        """
        return None

    @abstractmethod
    def refuse(self, uid: str) -> str:
        """Put a run aside that cannot be written; return where people find it, in words."""

    @abstractmethod
    def beat(self) -> set[str]:
        """Say that this listener lives; return the runs that are no longer its own."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the connection; the runs that are not done are given to others when idle."""
