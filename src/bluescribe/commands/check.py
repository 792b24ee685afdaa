"""``bluescribe check``: whether all is ready before beam."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from ..errors import ConfigError
from .output import terminal

if TYPE_CHECKING:
    from ..checking import Verdict

__all__ = ["check"]

_STYLES = {"ok": "green", "warning": "yellow", "FAILED": "bold red"}


def check(
    iconfig: Annotated[
        Path, typer.Argument(metavar="FILE", help="The configuration of the session.")
    ] = Path("iconfig.yml"),
    *,
    rate: Annotated[
        str | None,
        typer.Option(
            "--rate", metavar="RATE", help="What disks have to take, such as 200MB/s; tried."
        ),
    ] = None,
    md: Annotated[
        list[str] | None,
        typer.Option(
            "--md", metavar="KEY=VALUE", help="Metadata that runs will have. May be repeated."
        ),
    ] = None,
) -> None:
    """Check before beam that everything is ready to write runs.

    Looks at each key of the configuration, folders, disks, the spool, packages and servers. Then
    writes an example run in every format that is on, into scratch folders beside the data, reads
    it back and removes it. The exit status is 1 when something has failed, 2 when nothing could be
    begun.
    """
    raise typer.Exit(_run(iconfig, rate, md or [], terminal()))


def _run(iconfig: Path, rate: str | None, md: Sequence[str], console: Console) -> int:
    """Check, and show each verdict when it is known; return 1 if something has failed.

    Raises
    ------
    ConfigError
        The configuration cannot be read at all, or an option is not allowed.
    """
    from ..checking import check_iconfig

    def show(verdict: Verdict) -> None:
        text = Text(str(verdict))
        text.stylize(_STYLES[verdict.level], 0, len(verdict.level))
        console.print(text, soft_wrap=True)

    metadata = dict(map(_pair, md))
    with _quiet():
        report = check_iconfig(iconfig, metadata=metadata, rate=_bytes(rate), tell=show)
    console.print(report.last_line, style="bold" if report.is_ready else "bold red")
    return 0 if report.is_ready else 1


def _bytes(rate: str | None) -> int:
    from ..files.space import parse_rate

    try:
        return parse_rate(rate) if rate else 0
    except ValueError as error:
        raise ConfigError(f"--rate {rate}: {error}") from None


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"--md {text}: write key=value, such as proposal_id=GUP-3")
    return key, value


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep from the terminal what writers log of the example run: the verdicts have it."""
    handler = logging.NullHandler()
    logger = logging.getLogger("bluescribe")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
