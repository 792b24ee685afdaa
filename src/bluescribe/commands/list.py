"""``bluescribe list``: which runs are in the files of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from .output import terminal

if TYPE_CHECKING:
    from ..archive.listing import ListedRun

__all__ = ["list_folder", "list_runs", "print_rows", "row_of", "time_of"]

_COLUMNS = ("scan", "began", "plan", "points", "status", "sample", "uid", "formats", "file")


def list_runs(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder with files; those below it, too.")
    ] = Path(),
    last: Annotated[
        int | None, typer.Option("--last", min=1, metavar="N", help="Only the latest N runs.")
    ] = None,
) -> None:
    """List the runs that are in the files of a folder: scan, plan, points, status, files.

    Files of all formats are known by what is in them, also those that are being written; those of
    others are passed over. Where the output is no terminal, the columns are parted by tabs. The
    exit status is 1 if a file could not be read.
    """
    raise typer.Exit(list_folder(directory, last, terminal()))


def list_folder(folder: Path, last: int | None, console: Console) -> int:
    """Show the runs in the files of a folder; return the exit status."""
    from ..archive.listing import list_runs
    from .progress import files_bar

    with files_bar("looking into files", console) as tell:
        listing = list_runs(folder, progress=tell)
    shown = listing.runs if last is None else listing.runs[-last:]
    if shown:
        print_rows([row_of(run, folder.absolute()) for run in shown], console)
    words = [f"{len(listing.runs)} runs" if len(listing.runs) != 1 else "1 run"]
    words += [f"the latest {len(shown)} are shown"] * (len(shown) < len(listing.runs))
    words += [f"{listing.others} files of others"] * bool(listing.others)
    Console(stderr=True, highlight=False).print(f"{folder}: {', '.join(words)}", soft_wrap=True)
    for error in listing.refused:
        Console(stderr=True, markup=False).print(
            f"{error.filename} cannot be read: {error.strerror or error}", soft_wrap=True
        )
    return 1 if listing.refused else 0


def row_of(run: ListedRun, folder: Path) -> tuple[str, ...]:
    """Return the cells of a run; its file as it is named from a folder."""
    held = run.main
    points = held.points
    primary = None if points is None else points.get("primary", sum(points.values()))
    paths = [files[0] for files in run.files.values() if files]
    own = min(paths, key=lambda path: held.uid[:7] not in path.name)
    file = own.relative_to(folder) if own.is_relative_to(folder) else own
    return (
        "-" if held.scan_id is None else str(held.scan_id),
        time_of(run),
        held.plan[:40] or "-",
        "-" if primary is None else str(primary),
        run.main.status,
        held.sample or "-",
        held.uid[:7] or "-",
        ",".join(sorted(run.files)),
        str(file),
    )


def time_of(run: ListedRun) -> str:
    """Return when a run began, for people."""
    began = run.main.began
    return "-" if began is None else began.strftime("%Y-%m-%d %H:%M:%S")


def print_rows(rows: list[tuple[str, ...]], console: Console) -> None:
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
