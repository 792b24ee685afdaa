"""The report of `recover`: what became of each file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..contract.report import RunReport

__all__ = ["Outcome", "Report", "Step"]

Outcome = Literal["put back", "written anew", "mended", "completed", "set aside", "left", "FAILED"]


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one file."""

    path: Path
    outcome: Outcome
    what: str
    kept: tuple[Path, ...] = ()
    """Files as they were before, under other names."""
    report: RunReport | None = None
    """Of a run that a dead session left in its spool, and that is written now."""


@dataclass(slots=True)
class Report:
    """What `recover` found and did, or would do."""

    directory: Path
    is_dry_run: bool
    steps: list[Step] = field(default_factory=list)
    whole: int = 0
    """Number of files that were complete."""

    @property
    def failed(self) -> list[Step]:
        """The files that could not be recovered."""
        return [step for step in self.steps if step.outcome == "FAILED"]
