"""``bluescribe check``: whether all is ready before beam."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ..checking import Verdict, check_iconfig
from ..errors import ConfigError
from ..files.space import parse_rate

__all__ = ["run"]

_STYLES = {"ok": "green", "warning": "yellow", "FAILED": "bold red"}


def run(iconfig: Path, rate: str | None, md: Sequence[str], console: Console) -> int:
    """Check, and show each verdict when it is known; return 1 if something has failed.

    Raises
    ------
    ConfigError
        The configuration cannot be read at all, or an option is not allowed.
    """

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
