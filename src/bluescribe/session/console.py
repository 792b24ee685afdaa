"""Messages at the console: with time, level and colour, where nobody else shows them."""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import Any

__all__ = ["ConsoleHandler", "show_messages"]

_NAME = "bluescribe-console"
_LOGGER = "bluescribe"
_COLOURS = {logging.INFO: "2", logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "31"}
"""Codes of terminals: dim, yellow, red."""


class ConsoleHandler(logging.Handler):
    """Writes to whatever is ``sys.stderr`` at that moment, while nobody else takes the messages."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.set_name(_NAME)
        self._traceback = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Show one message, unless a handler that was added since does so."""
        try:
            if _has_others(self):
                return
            stream: Any = sys.stderr
            stream.write(f"{self._line(record, is_coloured=_takes_colour(stream))}\n")
            stream.flush()
        except Exception:
            self.handleError(record)

    def _line(self, record: logging.LogRecord, *, is_coloured: bool) -> str:
        when = time.strftime("%H:%M:%S", time.localtime(record.created))
        text = f"{when} {record.levelname:<7} {record.getMessage()}"
        if record.exc_info or record.exc_text:
            told = record.exc_text or self._traceback.formatException(record.exc_info or ())  # type: ignore[arg-type]  # logging's own
            text += f"\n{told}"
        code = _COLOURS.get(record.levelno)
        return f"\x1b[{code}m{text}\x1b[0m" if is_coloured and code else text


def show_messages() -> None:
    """Have the messages of bluescribe shown, if this session has no handler that takes them.

    What a handler of the session's owner takes, and from which level on, is the owner's.
    """
    logger = logging.getLogger(_LOGGER)
    if logger.hasHandlers():  # the owner's, or ours by an earlier call
        return
    logger.addHandler(ConsoleHandler())
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)


def _has_others(own: logging.Handler) -> bool:
    handlers = [*logging.getLogger(_LOGGER).handlers, *logging.getLogger().handlers]
    return any(handler is not own for handler in handlers)


def _takes_colour(stream: Any) -> bool:
    """Tell whether a stream is a terminal whose user wants colour."""
    is_wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    try:
        return is_wanted and bool(stream.isatty())
    except (AttributeError, ValueError):  # it is closed, or no file
        return False
