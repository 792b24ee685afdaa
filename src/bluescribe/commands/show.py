"""``bluescribe show``: which run a file is of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from .list import print_rows, row_of, time_of
from .output import terminal

if TYPE_CHECKING:
    from ..archive.listing import ListedRun

__all__ = ["show_run"]


def show_run(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A file of a run, of any format.")],
) -> None:
    """Show which run a file is of, how it ended, and where its other files are."""
    _show(path, terminal())


def _show(path: Path, console: Console) -> None:
    """Show the runs in a file, and where their other files are."""
    from ..archive.listing import runs_beside

    runs = runs_beside(path)
    if len(runs) == 1:
        for name, value in _about(runs[0]):
            console.print(f"{name:<9} {value}", markup=False, soft_wrap=True)
        return
    print_rows([row_of(run, path.absolute().parent) for run in runs], console)


def _about(run: ListedRun) -> Iterator[tuple[str, Any]]:
    """Yield all that is known of a run, a line each."""
    held = run.main
    yield "scan", "-" if held.scan_id is None else held.scan_id
    yield "uid", held.uid or "-"
    yield "plan", held.plan or "-"
    yield "began", time_of(run)
    points = held.points
    streams = ", ".join(f"{stream} {number}" for stream, number in (points or {}).items())
    yield "points", streams or ("none" if points is not None else "not told")
    yield "status", run.main.status
    reason = (held.stop or {}).get("reason")
    if reason:
        yield "reason", reason
    if held.sample:
        yield "sample", held.sample
    for name, files in run.files.items():
        for file in files:
            yield name, file
