"""Documents out of bytes that somebody else has sent: what cannot be read is refused in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import DocumentError

__all__ = ["decoded"]


def decoded(name: str, data: bytes, read: Callable[[bytes], Any]) -> dict[str, Any]:
    """Return the document of some bytes.

    Parameters
    ----------
    name
        What it is sent as.
    data, read
        The bytes, and what reads them.

    Raises
    ------
    DocumentError
        They cannot be read, or are no document.
    """
    try:
        doc = read(data)
    except DocumentError:
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise DocumentError(f"its {name} document cannot be read: {why}") from None
    if not isinstance(doc, dict):
        raise DocumentError(f"its {name} document is of type {type(doc).__name__}")
    return doc
