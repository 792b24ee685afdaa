"""The ``bluescribe`` command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from . import __version__
from .errors import BluescribeError

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # help without boxes reads well in any terminal
    pretty_exceptions_enable=False,
)

_DEFAULT_OUT = Path("bluescribe-demo")


def main() -> None:
    """Run the command line."""
    app()


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"bluescribe {__version__}")
        raise typer.Exit


@app.callback()
def bluescribe(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Write the runs of a Bluesky RunEngine to SPEC, NeXus, CSV and JSON Lines files."""


@app.command()
def demo(
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Folder for the files; made when missing. What is there stays.",
        ),
    ] = _DEFAULT_OUT,
) -> None:
    """Measure on simulated devices and write every format.

    Runs a scan, a snaked grid, a fly scan and a scan with an area detector in a real RunEngine,
    some seconds in all. Shows the files, a line for each format that opens them, and where the
    picture of two default plots is. Needs: pip install 'bluescribe[demo]'
    """
    console = Console(highlight=False)
    console.print(
        "Four plans on simulated devices, each into every format."
    )  # imports take a while
    try:
        from .demo import run_demo
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == __package__:  # a fault here, not an extra to install
            raise
        _stop(f"the demo needs {package}, which is not installed: pip install 'bluescribe[demo]'")
    try:
        status = run_demo(out, console)
    except OSError as error:
        _stop(f"cannot write to {out}: {error.strerror or error}")
    raise typer.Exit(status)


@app.command()
def recover(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with the files.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be done.")
    ] = False,
    iconfig: Annotated[
        Path | None,
        typer.Option("--iconfig", metavar="FILE", help="Settings for files that are written anew."),
    ] = None,
) -> None:
    """Finish the files that a crash has left incomplete.

    Looks at all files in DIR and the folders in it. A run that has a journal (.jsonl) is written
    anew from it where a file of it is not complete; other files are made readable as they are.
    What is changed is kept as NAME.damaged. Files that are being written are left alone. The exit
    status is 1 when something could not be recovered.
    """
    from .recover import recover as recover_files
    from .recovered import Progressing, show

    console = Console(highlight=False)
    try:
        with Progressing(console) as progress:
            report = recover_files(directory, dry_run=dry_run, iconfig=iconfig, progress=progress)
    except (OSError, BluescribeError) as error:
        _stop(str(error))
    show(report, console)
    raise typer.Exit(1 if report.failed else 0)


def _stop(message: str) -> None:
    Console(stderr=True).print(f"bluescribe: {message}", markup=False, soft_wrap=True)
    raise typer.Exit(1)
