"""``bluescribe list`` and ``bluescribe show``: which runs are in which files."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from ..archive.listing import ListedRun, list_runs, runs_beside

__all__ = ["list_folder", "show_file"]

_QUIET_SECONDS = 1.0
"""What takes no longer shows no progress."""
_COLUMNS = ("scan", "began", "plan", "points", "status", "sample", "uid", "formats", "file")


class _Tell(Protocol):
    def __call__(self, done: int, total: int, /) -> object: ...


def list_folder(folder: Path, last: int | None, console: Console) -> int:
    """Show the runs in the files of a folder; return the exit status."""
    with _progress("looking into files", console) as tell:
        listing = list_runs(folder, progress=tell)
    shown = listing.runs if last is None else listing.runs[-last:]
    if shown:
        _print_rows([_row(run, folder.absolute()) for run in shown], console)
    words = [f"{len(listing.runs)} runs" if len(listing.runs) != 1 else "1 run"]
    words += [f"the latest {len(shown)} are shown"] * (len(shown) < len(listing.runs))
    words += [f"{listing.others} files of others"] * bool(listing.others)
    Console(stderr=True, highlight=False).print(f"{folder}: {', '.join(words)}", soft_wrap=True)
    for error in listing.refused:
        Console(stderr=True, markup=False).print(
            f"{error.filename} cannot be read: {error.strerror or error}", soft_wrap=True
        )
    return 1 if listing.refused else 0


def show_file(path: Path, console: Console) -> int:
    """Show the runs in a file, and where their other files are; return the exit status."""
    runs = runs_beside(path)
    if len(runs) == 1:
        for name, value in _about(runs[0]):
            console.print(f"{name:<9} {value}", markup=False, soft_wrap=True)
        return 0
    _print_rows([_row(run, path.absolute().parent) for run in runs], console)
    return 0


def _about(run: ListedRun) -> Iterator[tuple[str, Any]]:
    """Yield all that is known of a run, a line each."""
    held = run.main
    yield "scan", "-" if held.scan_id is None else held.scan_id
    yield "uid", held.uid or "-"
    yield "plan", held.plan or "-"
    yield "began", _time(run)
    points = held.points
    streams = ", ".join(f"{stream} {number}" for stream, number in (points or {}).items())
    yield "points", streams or ("none" if points is not None else "not told")
    yield "status", _status(run)
    reason = (held.stop or {}).get("reason")
    if reason:
        yield "reason", reason
    if held.sample:
        yield "sample", held.sample
    for name, files in run.files.items():
        for file in files:
            yield name, file


def _row(run: ListedRun, folder: Path) -> tuple[str, ...]:
    held = run.main
    points = held.points
    primary = None if points is None else points.get("primary", sum(points.values()))
    paths = [files[0] for files in run.files.values() if files]
    own = min(paths, key=lambda path: held.uid[:7] not in path.name)
    file = own.relative_to(folder) if own.is_relative_to(folder) else own
    return (
        "-" if held.scan_id is None else str(held.scan_id),
        _time(run),
        held.plan[:40] or "-",
        "-" if primary is None else str(primary),
        _status(run),
        held.sample or "-",
        held.uid[:7] or "-",
        ",".join(sorted(run.files)),
        str(file),
    )


def _time(run: ListedRun) -> str:
    began = run.main.began
    return "-" if began is None else began.strftime("%Y-%m-%d %H:%M:%S")


def _status(run: ListedRun) -> str:
    return run.main.status


def _print_rows(rows: list[tuple[str, ...]], console: Console) -> None:
    """Print a table; where nobody looks at it, lines with tabs, for other programs."""
    if not console.is_terminal:
        for row in [_COLUMNS, *rows]:
            console.file.write("\t".join(_plain(row)) + "\n")  # rich would put spaces for tabs
        console.file.flush()
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in _COLUMNS:
        is_number = name in ("scan", "points")
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*_plain(row), style=None if row[4] in ("success", "ended") else "yellow")
    console.print(table)


def _plain(row: tuple[str, ...]) -> Iterator[str]:
    """Yield cells as text that breaks no line."""
    for cell in row:
        yield "".join(c if c.isprintable() else "?" for c in cell)


@contextmanager
def _progress(what: str, console: Console) -> Iterator[_Tell]:
    """Show how many files were looked at, when that takes longer than a moment."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
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
