"""What is wrong in iconfig.yml, all of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..config.config import read_what_is_right
from ..config.configuration import Configuration
from .verdict import Verdict, failed, ok, warning

__all__ = ["read"]

_WHAT = "configuration"
_CORRECT = "correct that line; iconfig.yml of bluescribe explains every key"


def read(iconfig: str | Path | Mapping[str, Any]) -> tuple[Configuration, list[Verdict]]:
    """Return what of a configuration is right, and a verdict on each mistake.

    Raises
    ------
    ConfigError
        It cannot be read at all.
    """
    with _warnings() as told:
        configuration, mistakes, wrong = read_what_is_right(iconfig)
    verdicts = [failed(_WHAT, message, _CORRECT) for message in mistakes]
    if wrong:
        found = f"{', '.join(wrong)} cannot be checked any further"
        verdicts.append(warning(_WHAT, found, "check again when the lines above are corrected"))
    verdicts += [warning(_WHAT, message, "look whether that was meant so") for message in told]
    verdicts += [] if verdicts else [ok(_WHAT, _summary(iconfig, configuration))]
    if not configuration.writers and not configuration.deliveries and not mistakes:
        remedy = "set ENABLE: true in the block of a format, or begin anew with bluescribe init"
        verdicts.append(failed(_WHAT, "nothing is switched on: no file would be written", remedy))
    return configuration, verdicts


def _summary(iconfig: object, configuration: Configuration) -> str:
    name = "iconfig" if isinstance(iconfig, Mapping) else str(iconfig)
    names = [config.name for config in configuration.writers]
    names += [config.name for config in configuration.deliveries]
    return f"{name} has no mistake; on: {', '.join(names) or 'nothing'}"


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """Collect what is warned of meanwhile on this thread, where it would go to the log."""
    told: list[str] = []

    class Collecting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    handler, logger = Collecting(logging.WARNING), logging.getLogger("bluescribe")
    logger.addHandler(handler)
    try:
        yield told
    finally:
        logger.removeHandler(handler)
