"""Global heaps: where HDF5 keeps texts of variable length."""

from __future__ import annotations

__all__ = ["is_endless"]

_SIGNATURE = b"GCOL\x01\0\0\0"
_HEAD = 16
"""Bytes of the head of a heap, and of an object's."""


def is_endless(data: bytes) -> bool:
    """Tell whether HDF5 would never come to the end of a heap that begins a block of bytes.

    It goes from object to object by their lengths, so one that has none holds it for ever, with
    HDF5's lock: a heap of which only the head is on the disk, and zeros behind it.
    """
    if data[: len(_SIGNATURE)] != _SIGNATURE:
        return False
    size = int.from_bytes(data[8:_HEAD], "little")
    end = min(size, len(data))
    at = _HEAD
    while at + _HEAD <= end:
        number = int.from_bytes(data[at : at + 2], "little")
        length = int.from_bytes(data[at + 8 : at + _HEAD], "little")
        if number == 0:  # what is free, to the end
            return length == 0
        at += _HEAD + -(-length // 8) * 8
    return False
