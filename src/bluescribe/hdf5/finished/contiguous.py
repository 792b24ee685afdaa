"""Columns of a finished file that could grow become datasets in one piece, which HDF5 1.8 reads.

A column that can grow is stored in chunks with an index, which in a short one takes more room than
the values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from h5py import h5d, h5g, h5o, h5p, h5s, h5t

from ..objects import MAX_INLINE_BYTES, copy_attributes
from .walk import hard_links

__all__ = ["Contents"]

_LITTLE_BYTES = 1 << 20
"""Values of a file of which the room that was lost matters."""
_MOST_DATASETS = 2_000
"""Each takes up to a millisecond, and the next run's file waits."""

_ASIDE = b"\x01"
"""A name that nobody has given."""


@dataclass(slots=True)
class Contents:
    """What a small file has.

    Parameters
    ----------
    root
        Its root.
    places
        All names of each object, by its address.
    growing
        Addresses of columns that are stored in chunks for no other reason than that they grew.
    staying
        Names of all other datasets.
    orders
        The links of groups that keep them in the order in which they came.
    held
        Bytes of its values, as they are stored if they are compressed.
    """

    root: h5g.GroupID
    places: dict[int, list[bytes]] = field(default_factory=dict)
    growing: list[int] = field(default_factory=list)
    staying: list[bytes] = field(default_factory=list)
    orders: dict[bytes, list[bytes]] = field(default_factory=dict)
    held: int = 0

    @classmethod
    def of(cls, root: h5g.GroupID) -> Contents | None:
        """Return what a file has that is small, but for what was lost; None for any other."""
        contents = cls(root)
        for path, address, new in hard_links(root):
            contents.places.setdefault(address, []).append(path)
            if isinstance(new, h5d.DatasetID):
                contents._add_dataset(path, address, new)
                if not contents._is_small:
                    return None
            elif isinstance(new, h5g.GroupID) and _is_ordered(new):
                contents.orders[path] = [*new]
        return contents

    def _add_dataset(self, path: bytes, address: int, dataset: h5d.DatasetID) -> None:
        properties = dataset.get_create_plist()
        grows = properties.get_layout() == h5d.CHUNKED and not properties.get_nfilters()
        size = _bytes_of(dataset) if grows else int(dataset.get_storage_size())
        self.held += size
        if grows and size <= _LITTLE_BYTES and not dataset.dtype.hasobject:
            self.growing.append(address)
        else:
            self.staying.append(path)

    @property
    def _is_small(self) -> bool:
        datasets = len(self.growing) + len(self.staying)
        return self.held <= _LITTLE_BYTES and datasets <= _MOST_DATASETS

    def staying_datasets(self) -> Iterator[h5d.DatasetID]:
        """Yield the datasets that do not grow, one after the other."""
        for path in self.staying:
            yield h5d.open(self.root, path)

    def stop_growth(self) -> None:
        """Put datasets that cannot grow in all places of those that can."""
        for address in self.growing:
            _replace(self.root, self.places[address])
        for path, names in self.orders.items():
            _link_in_order(h5g.open(self.root, path), names)


def _is_ordered(group: h5g.GroupID) -> bool:
    return bool(group.get_create_plist().get_link_creation_order() & h5p.CRT_ORDER_TRACKED)


def _link_in_order(group: h5g.GroupID, names: list[bytes]) -> None:
    """Link what a group has anew: what was replaced has come to its end."""
    for name in names:
        group.links.move(name, group, _ASIDE)
        group.links.move(_ASIDE, group, name)


def _bytes_of(dataset: h5d.DatasetID) -> int:
    return int(dataset.get_type().get_size() * np.prod(dataset.shape, dtype=np.int64))


def _replace(root: h5g.GroupID, places: list[bytes]) -> None:
    """Put a dataset that cannot grow in all places of one that can."""
    new = _contiguous(root, h5d.open(root, places[0]))
    for path in places:
        root.unlink(path)
        h5o.link(new, root, path)


def _contiguous(root: h5g.GroupID, old: h5d.DatasetID) -> h5d.DatasetID:
    """Make a dataset with the same values that cannot grow, and has no name yet."""
    dtype = old.get_type()
    data = np.empty(old.shape, old.dtype)
    if data.size:
        old.read(h5s.ALL, h5s.ALL, data, mtype=dtype)
    if dtype.get_class() == h5t.STRING and data.tobytes().isascii():  # Octave reads no other text
        dtype = dtype.copy()  # a file's own type cannot be changed
        dtype.set_cset(h5t.CSET_ASCII)
    properties = h5p.create(h5p.DATASET_CREATE)
    is_inline = 0 < _bytes_of(old) <= MAX_INLINE_BYTES
    properties.set_layout(h5d.COMPACT if is_inline else h5d.CONTIGUOUS)
    new = h5d.create(root, None, dtype, h5s.create_simple(old.shape), properties)
    if data.size:
        new.write(h5s.ALL, h5s.ALL, data, mtype=dtype)
    copy_attributes(old, new)
    return new
