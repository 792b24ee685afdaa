"""``bluescribe demo``: plans on simulated devices, and what can go wrong before them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..errors import BluescribeError
from ..extras import MissingExtraError

__all__ = ["demo"]

_DEFAULT_OUT = Path("bluescribe-demo")


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
    """Measure on simulated devices; write SPEC, NeXus, CSV and JSON Lines.

    Runs a scan, a snaked grid, a fly scan and a scan with an area detector in a real RunEngine,
    some seconds in all. Shows the files, a line for each format that opens them, and where the
    picture of two default plots is. Needs: pip install 'bluescribe[demo]'
    """
    raise typer.Exit(_run(out, Console(highlight=False)))


def _run(out: Path, console: Console) -> int:
    """Run the demonstration; return its exit status.

    Raises
    ------
    MissingExtraError
        What it needs is not installed.
    BluescribeError
        The folder cannot be made, or not be written.
    """
    console.print(
        "Four plans on simulated devices, each into SPEC, NeXus, CSV, JSON Lines."
    )  # imports take a while
    try:
        from ..demo import run_demo
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "bluescribe":  # a fault here, not an extra to install
            raise
        raise MissingExtraError(
            f"the demo needs {package}, which is not installed: pip install 'bluescribe[demo]'"
        ) from None
    try:
        return run_demo(out, console)
    except OSError as error:
        raise BluescribeError(f"cannot write to {out}: {error.strerror or error}") from None
