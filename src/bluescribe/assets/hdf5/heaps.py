"""Global heaps: where HDF5 keeps texts of variable length, and the maps of virtual datasets."""

from __future__ import annotations

__all__ = ["heap_size", "is_endless"]

_SIGNATURE = b"GCOL\x01\0\0\0"
_HEAD = 16
"""Bytes of the head of a heap, and of an object's."""


def heap_size(data: bytes) -> int:
    """Return the bytes of a heap that begins a block of bytes; 0 where none does."""
    is_heap = data[: len(_SIGNATURE)] == _SIGNATURE
    return int.from_bytes(data[8:_HEAD], "little") if is_heap else 0


def is_endless(heap: bytes) -> bool:
    """Return whether HDF5 would never come to the end of a heap.

    It goes from object to object by their lengths, so one that has none holds it for ever, with
    HDF5's lock: a heap of which only the beginning is on the disk, and zeros behind it.
    """
    at = _HEAD
    while at + _HEAD <= len(heap):
        number = int.from_bytes(heap[at : at + 2], "little")
        length = int.from_bytes(heap[at + 8 : at + _HEAD], "little")
        if number == 0 and length == 0:  # what is free has a length, and the number 0
            return True
        at += length if number == 0 else _HEAD + -(-length // 8) * 8
    return False
