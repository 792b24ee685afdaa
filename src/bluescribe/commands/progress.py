"""What is drawn while a command works; nothing where the output is no terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
from .show import size

__all__ = ["runs_bar", "waiting"]


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
