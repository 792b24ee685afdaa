"""The room that a column of text has for each row, where text is of a fixed length.

It cannot grow without all being written anew. The room is a function of the longest text alone: it
does not depend on how many texts came at once.
"""

from __future__ import annotations

from .values import Array

__all__ = ["room_for", "widest"]

_LEAST = 16
"""Short texts that change must not make a new dataset at once."""


def room_for(width: int) -> int:
    """Return the room for texts of up to so many bytes, or characters: the next power of two."""
    return max(_LEAST, 1 << max(0, width - 1).bit_length())


def widest(array: Array) -> int:
    """Return the bytes of the longest text."""
    return max((len(text.encode("utf-8", "surrogatepass")) for text in array.flat), default=1)
