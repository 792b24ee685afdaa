"""The status of a delivery: what it has delivered, and what waits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["DeliveryStatus"]


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """The state of one delivery at one moment."""

    name: str
    outbox: Path
    delivered: int
    """Runs that this process has delivered."""
    under_way: int
    """Runs that were submitted and have not arrived yet."""
    waiting: int
    trouble: str
    """Why the others wait; empty when all is well."""
    refused: int
    """Runs that were moved aside, those of earlier sessions included."""

    def __str__(self) -> str:
        """Return a line or two for people."""
        runs = "run" if self.delivered == 1 else "runs"
        line = f"{self.name}: {self.delivered} {runs} delivered"
        line += f", {self.under_way} under way" if self.under_way else ""
        line += f", {self.waiting} waiting" if self.waiting or self.trouble else ""
        line += f": {self.trouble}" if self.trouble else ""
        if self.refused:
            line += f"\n  REFUSED:     {self.refused}, kept in {self.outbox / 'refused'}"
        return line

    __repr__ = __str__
