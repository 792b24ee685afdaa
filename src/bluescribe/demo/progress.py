"""Shows how many points a run has: a bar in a terminal, a line at the end anywhere else."""

from __future__ import annotations

from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

__all__ = ["Points"]


class Points:
    """Count the points of a run; to be subscribed to a RunEngine, and entered around the run.

    Parameters
    ----------
    title
        What is measured.
    expected
        How many points there will be.
    console
        Where to show it.
    """

    def __init__(self, title: str, expected: int, console: Console) -> None:
        self.seen = 0
        self._title = title
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description:24}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_interactive,
        )
        self._task = self._progress.add_task(title, total=expected)
        self._descriptors: set[str] = set()

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Take a document."""
        if name == "descriptor" and not _is_beside(doc["name"]):
            self._descriptors.add(doc["uid"])
        elif name in ("event", "event_page") and doc["descriptor"] in self._descriptors:
            points = 1 if name == "event" else len(doc["seq_num"])
            self.seen += points
            self._progress.advance(self._task, points)

    def __enter__(self) -> Self:
        """Begin to show."""
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Leave what was shown on the screen."""
        self._progress.stop()
        if not self._console.is_interactive:
            self._console.print(str(self))

    def __str__(self) -> str:
        """Return what was measured."""
        return f"{self._title}: {self.seen} points"


def _is_beside(stream: str) -> bool:
    """Tell whether a stream is recorded beside the points of the plan."""
    return stream == "baseline" or stream.endswith("_monitor")
