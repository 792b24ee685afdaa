"""What every broker does: it keeps runs, gives each to one listener, and forgets it when told."""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

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
    tries: int = 1
    """How often it was given to a listener, this time included."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A part of a document of one of this listener's runs."""

    uid: str
    frame: Frame


class Broker(ABC):
    """A broker; all calls come from one thread, those of `beat` from another.

    Anything may raise `BrokerAwayError` while the broker is away: the caller comes again.
    """

    @abstractmethod
    def send(self, uid: str, frames: Iterable[Frame]) -> None:
        """Keep frames of a run, which is announced with its first document.

        When this returns the broker has them. What it has already, by number and part, is not kept
        twice.
        """

    @abstractmethod
    def take(self, most: int) -> list[Job]:
        """Return runs that are this listener's from now on, at once: new ones, and what is idle."""

    @abstractmethod
    def poll(self, seconds: float) -> list[Incoming]:
        """Return what came of this listener's runs, in the order of each; wait if nothing did."""

    @abstractmethod
    def done(self, uid: str) -> None:
        """Forget a run: its files are closed."""

    @abstractmethod
    def lose(self, uid: str) -> None:
        """Take a run for another listener's from now on."""

    @abstractmethod
    def refuse(self, uid: str) -> None:
        """Put a run aside that cannot be written, where people find it."""

    @abstractmethod
    def beat(self) -> set[str]:
        """Say that this listener lives; return the runs that are no longer its own."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the connection; the runs that are not done are given to others when idle."""
