"""What is drawn while a command works; nothing where the output is no terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

from ..archive.exporting import ExportedRun, Progress
from .output import size

__all__ = ["files_bar", "runs_bar", "waiting"]

_QUIET_SECONDS = 1.0
"""What takes no longer shows no progress."""


class _Tell(Protocol):
    def __call__(self, done: int, total: int, /) -> None: ...


@contextmanager
def waiting(what: str, console: Console) -> Iterator[None]:
    """Show that something goes on whose end is not known."""
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield


@contextmanager
def runs_bar(what: str, runs: int, console: Console) -> Iterator[Progress]:
    """Show how many runs are done; what it gives is to be told of events and runs."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("runs  {task.fields[events]:,} events  {task.fields[written]}"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console, disable=not console.is_terminal) as bar:
        shown = bar.add_task(what, total=runs, events=0, written="0 B")
        events = written = 0

        def tell(passed: int, result: ExportedRun | None) -> None:
            nonlocal events, written
            events += passed
            written += result.bytes if result else 0
            advance = 0 if result is None else 1
            bar.update(shown, advance=advance, events=events, written=size(written))

        yield tell


@contextmanager
def files_bar(what: str, console: Console) -> Iterator[_Tell]:
    """Show how many files were looked at, when that takes longer than a moment."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar = Bars(*columns, console=console, transient=True, disable=not console.is_terminal)
    began, task = time.monotonic(), bar.add_task(what)
    is_shown = False

    def tell(done: int, total: int) -> None:
        nonlocal is_shown
        if not is_shown and time.monotonic() - began > _QUIET_SECONDS:
            is_shown = True
            bar.start()
        bar.update(task, completed=done, total=total)

    try:
        yield tell
    finally:
        if is_shown:
            bar.stop()
