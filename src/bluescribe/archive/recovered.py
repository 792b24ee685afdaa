"""The report of ``bluescribe recover``, and how it is shown: progress, then a line a file."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from rich.console import Console
from rich.status import Status

from ..contract.report import RunReport

__all__ = ["Outcome", "Progressing", "Report", "Step", "show"]

Outcome = Literal["put back", "written anew", "mended", "completed", "set aside", "left", "FAILED"]

_SHOWN_AFTER = 1.0
"""Seconds."""


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


class Progressing:
    """Shows how many files were looked at, once that has taken a second.

    Parameters
    ----------
    console
        Where; nothing is shown there when it is no terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._status: Status | None = None

    def __call__(self, done: int, total: int) -> None:
        """Show how many of all files are done."""
        if not self._console.is_terminal or time.monotonic() - self._began < _SHOWN_AFTER:
            return
        if self._status is None:
            self._status = self._console.status("")
            self._status.start()
        self._status.update(f"{done} of {total} files")

    def __enter__(self) -> Self:
        """Return this, to be called as the progress."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Remove the line of progress."""
        if self._status is not None:
            self._status.stop()


def show(report: Report, console: Console) -> None:
    """Show what became of each file in a line of its own: a name in it is whole, and can be copied.

    A table would fold the names, or the reasons, where a terminal has 80 columns.
    """
    for step in report.steps:
        path = step.path
        if path.is_relative_to(report.directory):
            path = path.relative_to(report.directory)
        outcome = f"would be {step.outcome}" if _is_future(report, step.outcome) else step.outcome
        _line(console, f"{path}: {outcome}: {step.what}")
        for name in step.kept:
            if name != step.path:
                _line(console, f"    kept as {name.name}")
    changed = sum(step.outcome not in ("put back", "left", "FAILED") for step in report.steps)
    verb = "to recover" if report.is_dry_run else "recovered"
    console.print(
        f"{changed} files {verb}, {report.whole} need nothing, {len(report.failed)} failed."
    )
    if report.is_dry_run:
        console.print("Nothing was changed: this was a dry run.")


def _line(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _is_future(report: Report, outcome: str) -> bool:
    return report.is_dry_run and outcome not in ("left", "FAILED")
