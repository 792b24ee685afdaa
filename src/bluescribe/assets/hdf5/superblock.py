"""The first bytes of an HDF5 file: whether somebody writes it, and where it ends.

They are described in section II.A of the HDF5 File Format Specification, version 3.0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

__all__ = ["ROOM", "Superblock", "read_superblock"]

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_OLD_VERSIONS = {0: 24, 1: 28}
"""Where addresses begin. These versions have neither flags nor a checksum."""
_MARKED_VERSIONS = (2, 3)
_FLAGS = 11
_ADDRESSES = 12
_ADDRESS_BYTES = (2, 4, 8)
_LEAST_BYTES = 16
"""With the sizes of addresses, in every version."""
_MASK = 0xFFFFFFFF
ROOM = 128
"""Bytes at the beginning of a file in which it stands."""


@dataclass(frozen=True, slots=True)
class Superblock:
    """The superblock of a file without a user block, as its bytes stand in the file."""

    data: bytes

    @classmethod
    def parse(cls, head: bytes) -> Superblock:
        """Find the superblock in the first 128 bytes of a file.

        Raises
        ------
        ValueError
            They are not those of an HDF5 file that can be mended.
        """
        if head[:8] != _SIGNATURE or len(head) < _LEAST_BYTES:
            raise ValueError("it does not begin as an HDF5 file")
        if head[8] in _OLD_VERSIONS:
            found = cls(head[: _OLD_VERSIONS[head[8]] + 4 * head[13]])
        elif head[8] in _MARKED_VERSIONS:
            found = cls(head[: _ADDRESSES + 4 * head[9] + 4])
            if found != found._sealed():
                raise ValueError("the checksum of its superblock does not fit")
        else:
            raise ValueError(f"its superblock has the unknown version {head[8]}")
        if found._address_bytes not in _ADDRESS_BYTES or len(found.data) < found._end_of_file.stop:
            raise ValueError("its superblock is not complete")
        return found

    @property
    def is_marked(self) -> bool:
        """Whether it says that a process is writing the file."""
        return not self.is_old and self.data[_FLAGS] != 0

    @property
    def is_old(self) -> bool:
        """Whether it is of a format that does not tell whether a process is writing the file."""
        return self.data[8] in _OLD_VERSIONS

    @property
    def end(self) -> int:
        """Bytes of the file, as far as HDF5 knows."""
        return int.from_bytes(self.data[self._end_of_file], "little")

    def closed(self, size: int) -> Superblock:
        """Return it as it is in a file of `size` bytes that nobody writes."""
        data = bytearray(self.data)
        data[self._end_of_file] = size.to_bytes(self._address_bytes, "little")
        if self.is_old:
            return replace(self, data=bytes(data))
        data[_FLAGS] = 0
        return replace(self, data=bytes(data))._sealed()

    @property
    def _address_bytes(self) -> int:
        return self.data[13] if self.is_old else self.data[9]

    @property
    def _end_of_file(self) -> slice:
        """The third address, behind those of the file's base and of an extension."""
        first = _OLD_VERSIONS.get(self.data[8], _ADDRESSES) + 2 * self._address_bytes
        return slice(first, first + self._address_bytes)

    def _sealed(self) -> Superblock:
        content = self.data[:-4]
        return replace(self, data=content + lookup3(content).to_bytes(4, "little"))


def lookup3(data: bytes) -> int:
    """Return Bob Jenkins' checksum of metadata, ``hashlittle`` of his lookup3.c."""
    a = b = c = (0xDEADBEEF + len(data)) & _MASK
    blocks = [data[i : i + 12].ljust(12, b"\0") for i in range(0, len(data), 12)]
    for number, block in enumerate(blocks):
        a = (a + int.from_bytes(block[:4], "little")) & _MASK
        b = (b + int.from_bytes(block[4:8], "little")) & _MASK
        c = (c + int.from_bytes(block[8:], "little")) & _MASK
        if number < len(blocks) - 1:
            a, b, c = _mixed(a, b, c)
    return _finished(a, b, c) if blocks else c


def _mixed(a: int, b: int, c: int) -> tuple[int, int, int]:
    for bits in (4, 6, 8, 16, 19, 4):
        a = ((a - c) & _MASK) ^ _rotated(c, bits)
        c = (c + b) & _MASK
        a, b, c = b, c, a
    return a, b, c


def _finished(a: int, b: int, c: int) -> int:
    for bits in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - _rotated(b, bits)) & _MASK
        a, b, c = b, c, a
    return b


def _rotated(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (32 - bits))) & _MASK


def read_superblock(path: Path) -> Superblock:
    """Return what the first bytes of a file say.

    Raises
    ------
    ValueError
        They are not those of an HDF5 file.
    OSError
        They cannot be read.
    """
    with path.open("rb") as stream:
        return Superblock.parse(stream.read(ROOM))
