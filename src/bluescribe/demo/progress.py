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
        self.streams: dict[str, int] = {}
        """Events of each stream, known at the end of the run."""
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
        elif name == "event" and doc["descriptor"] in self._descriptors:
            self._progress.advance(self._task)
        elif name == "event_page" and doc["descriptor"] in self._descriptors:
            self._progress.advance(self._task, len(doc["seq_num"]))
        elif name == "stop":
            self.streams = dict(doc["num_events"])

    def __enter__(self) -> Self:
        """Begin to show."""
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Leave what was shown on the screen."""
        self._progress.stop()
        if not self._console.is_interactive:
            points = sum(n for name, n in self.streams.items() if not _is_beside(name))
            self._console.print(f"{self._title}: {points} points")


def _is_beside(stream: str) -> bool:
    """Tell whether a stream is recorded beside the points of the plan."""
    return stream == "baseline" or stream.endswith("_monitor")
