"""``bluescribe recover``: the files that a crash has left, made whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from ..archive.recovery_report import Report

__all__ = ["recover"]


def recover(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with the files.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be done.")
    ] = False,
    iconfig: Annotated[
        Path | None,
        typer.Option("--iconfig", metavar="FILE", help="Settings for files that are written anew."),
    ] = None,
    spool: Annotated[
        Path | None,
        typer.Option("--spool", metavar="DIR", help="Where the spools are, if SPOOL says so."),
    ] = None,
) -> None:
    """Finish the files that a crash has left incomplete.

    Writes what dead sessions of this user have left in their spools, wherever it belongs. Then
    looks at all files in DIR and the folders in it: a run that has a journal (.jsonl) is written
    anew from it where a file of it is not complete; other files are made readable as they are.
    What is changed is kept as NAME.damaged. Files that are being written are left alone. The exit
    status is 1 when something could not be recovered, 2 when nothing could be begun.
    """
    from ..archive.recover import recover as recover_files
    from .progress import files_bar

    console = Console(highlight=False)
    with files_bar("looking into files", console) as progress:
        report = recover_files(
            directory, dry_run=dry_run, iconfig=iconfig, spool=spool, progress=progress
        )
    _show(report, console)
    raise typer.Exit(1 if report.failed else 0)


def _show(report: Report, console: Console) -> None:
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
