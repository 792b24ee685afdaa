"""What all commands show: errors in one line, warnings above a progress bar, sizes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from ..errors import BluescribeError

__all__ = ["errors_in_one_line", "names_of", "size", "tell_of_nothing", "terminal", "warnings_on"]


def terminal() -> Console:
    """Return what a command writes to: names and messages stand there as they are."""
    return Console(highlight=False, markup=False)


def names_of(formats: str) -> list[str]:
    """Return the formats that an option names, such as ``nexus,csv``."""
    return [name.strip() for name in formats.split(",") if name.strip()]


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Show what its user can mend in one line, and end the command with status 2."""
    try:
        yield
    except (BluescribeError, OSError) as error:
        message = _told(error)
        Console(stderr=True).print(f"bluescribe: {message}", markup=False, soft_wrap=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        Console(stderr=True).print("bluescribe: interrupted", markup=False)
        raise typer.Exit(130) from None


def _told(error: BaseException) -> str:
    """Return what an error says; of the system's errors, the file and the cause."""
    if isinstance(error, OSError) and not isinstance(error, BluescribeError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


@contextmanager
def warnings_on(console: Console) -> Iterator[None]:
    """Show the warnings of the writers above whatever is drawn on a console."""
    handler: logging.Handler
    if console.is_terminal:
        from rich.logging import RichHandler

        handler = RichHandler(console=console, show_path=False, show_time=False, markup=False)
    else:  # one line each, that can be searched, apart from what was asked for
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger = logging.getLogger("bluescribe")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def tell_of_nothing(source: str, console: Console) -> None:
    """Tell that a source holds no run of those that were asked for; a nightly job may meet that."""
    console.print(
        f"{source} holds no run that was asked for; nothing was written",
        markup=False,
        soft_wrap=True,
    )


def size(count: float) -> str:
    """Return a number of bytes as people read it."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"
