"""Packages that only some need: a clear word where one is missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .errors import BluescribeError

__all__ = ["MissingExtraError", "import_extra"]


class MissingExtraError(BluescribeError, ImportError):
    """A package that is needed is not installed; the message has the command for it."""


def import_extra(module: str, extra: str, what: str) -> Any:
    """Import a module that an extra brings.

    Raises
    ------
    MissingExtraError
        It, or something that it needs, is not installed; one line with the pip command.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = (error.name or module).partition(".")[0]
        raise MissingExtraError(
            f"{what} needs {package}, which is not installed: pip install 'bluescribe[{extra}]'"
        ) from None
