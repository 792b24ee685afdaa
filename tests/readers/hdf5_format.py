"""What version of HDF5 a file needs, from its bytes: the HDF5 File Format Specification, IV.A.

h5py tells where the header of each object is. It does not tell in which version the header and its
messages are written, and that is what an older library stumbles over.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py

HEADER, CONTINUATION = b"OHDR", 0x10
LAYOUT, SHARED = 0x08, 0x02
VIRTUAL = 3

MOST_IN_1_8 = {
    0x01: ("dataspace", 2),
    0x02: ("link info", 0),
    0x03: ("datatype", 3),
    0x05: ("fill value", 3),
    0x06: ("link", 1),
    LAYOUT: ("data layout", 3),
    0x0A: ("group info", 0),
    0x0B: ("filter pipeline", 2),
    0x0C: ("attribute", 3),
    0x15: ("attribute info", 0),
}
"""By type of message: its name, and the last version that HDF5 1.8 knows."""


def too_new_for_1_8(path: Path) -> Iterator[str]:
    """Yield what HDF5 1.8 cannot read in a file."""
    data = path.read_bytes()
    if data[8] > 2:
        yield f"superblock {data[8]}"
    for name, address in objects(path).items():
        for kind, message in messages(data, address):
            told, most = MOST_IN_1_8.get(kind, ("", 255))
            version = message[0] >> 4 if told == "datatype" else message[0]
            is_virtual = kind == LAYOUT and version == 4 and message[1] == VIRTUAL
            if version > most and not is_virtual:  # joined files: of HDF5 1.10 in any format
                yield f"{name}: {told} {version}"


def objects(path: Path) -> dict[str, int]:
    """Return the addresses of all objects of a file."""
    found = {}
    with h5py.File(path) as file:
        found["/"] = h5py.h5o.get_info(file["/"].id).addr
        file.visititems(lambda n, item: found.update({n: h5py.h5o.get_info(item.id).addr}))
    return found


def messages(data: bytes, address: int) -> Iterator[tuple[int, bytes]]:
    """Yield type and content of the messages of an object header; shared ones are elsewhere."""
    is_new = data[address : address + 4] == HEADER
    blocks = [_first_block(data, address) if is_new else _first_old_block(data, address)]
    is_ordered = bool(is_new and data[address + 5] & 0x04)
    while blocks:
        start, end = blocks.pop()
        for kind, flags, content in _in_block(data, start, end, is_new, is_ordered):
            if kind == CONTINUATION:
                start_of_next = int.from_bytes(content[:8], "little")
                length = int.from_bytes(content[8:16], "little")
                edge = (4, 4) if is_new else (0, 0)  # OCHK before, and a checksum behind
                blocks.append((start_of_next + edge[0], start_of_next + length - edge[1]))
            elif kind and not flags & SHARED:
                yield kind, content


def _in_block(
    data: bytes, start: int, end: int, is_new: bool, is_ordered: bool
) -> Iterator[tuple[int, int, bytes]]:
    head = 4 + 2 * is_ordered if is_new else 8
    while start + head <= end:
        kind_bytes = 1 if is_new else 2
        kind = int.from_bytes(data[start : start + kind_bytes], "little")
        size = int.from_bytes(data[start + kind_bytes : start + kind_bytes + 2], "little")
        content = data[start + head : start + head + size]
        yield kind, data[start + kind_bytes + 2], content
        start += head + size


def _first_block(data: bytes, address: int) -> tuple[int, int]:
    flags = data[address + 5]
    start = address + 6 + 16 * bool(flags & 0x20) + 4 * bool(flags & 0x10)
    width = 1 << (flags & 0x03)
    size = int.from_bytes(data[start : start + width], "little")
    return start + width, start + width + size


def _first_old_block(data: bytes, address: int) -> tuple[int, int]:
    assert data[address] == 1
    size = int.from_bytes(data[address + 8 : address + 12], "little")
    return address + 16, address + 16 + size
