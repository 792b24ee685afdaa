"""``bluescribe demo``: what can go wrong before the demonstration."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from ..errors import BluescribeError
from ..extras import MissingExtraError

__all__ = ["run"]


def run(out: Path, console: Console) -> int:
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
