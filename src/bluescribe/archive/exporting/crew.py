"""What carries out an export: workers that are given batches of runs, whatever they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ...errors import BluescribeError

__all__ = ["Crew", "LostError", "Outcome", "SchedulerError", "WorkerError"]


class WorkerError(BluescribeError, RuntimeError):
    """A worker cannot do its part: it has another version, does not see the folder, or hangs."""


class SchedulerError(BluescribeError, ConnectionError):
    """The scheduler of a cluster cannot be reached, or is gone."""


class LostError(BluescribeError, RuntimeError):
    """A worker has died with a batch; another one may take it."""


@dataclass(frozen=True)
class Outcome:
    """What became of a batch."""

    number: int
    error: Exception | None = None


class Crew(Protocol):
    """Workers, in processes of this machine or on a cluster."""

    @property
    def room(self) -> int:
        """How many batches they may be given at once, so that none of them waits."""

    def send(self, number: int, order: Mapping[str, Any], batch: bytes) -> None:
        """Give them a batch; see `export_batch`."""

    def receive(self) -> Outcome:
        """Wait for a batch that is over.

        Raises
        ------
        SchedulerError
            There is nobody any more who could say.
        """

    def close(self) -> None:
        """Let them go; in processes of this machine, when each has finished the run it writes."""
