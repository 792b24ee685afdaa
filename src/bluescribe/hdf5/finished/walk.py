"""All objects of a file, one after the other, by the hard links that lead to them.

Places are told by their names, and what is found is let go of: HDF5 keeps 12 kB for each object
that is open, and looks at all of them whenever a link is taken away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from h5py import h5d, h5g, h5l, h5o

__all__ = ["Link", "datasets_of", "hard_links"]


class Link(NamedTuple):
    """A name of an object."""

    path: bytes
    address: int
    new: h5d.DatasetID | h5g.GroupID | None
    """The object, where this is the first of its names."""


def hard_links(root: h5g.GroupID) -> Iterator[Link]:
    """Yield all hard links of a file."""
    seen, waiting = {h5o.get_info(root).addr}, [b"/"]
    while waiting:
        at = waiting.pop()
        group = h5g.open(root, at)
        for name in group:
            link = group.links.get_info(name)
            if link.type != h5l.TYPE_HARD:
                continue
            new = h5o.open(group, name) if link.u not in seen else None
            seen.add(link.u)
            path = at.rstrip(b"/") + b"/" + name
            if isinstance(new, h5g.GroupID):
                waiting.append(path)
            yield Link(path, link.u, new)


def datasets_of(root: h5g.GroupID) -> Iterator[h5d.DatasetID]:
    """Yield the datasets of a file, one after the other."""
    for link in hard_links(root):
        if isinstance(link.new, h5d.DatasetID):
            yield link.new
