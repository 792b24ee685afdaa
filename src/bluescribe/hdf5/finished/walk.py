"""All objects of a file, one after the other, by the hard links that lead to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from h5py import h5d, h5g, h5l, h5o

__all__ = ["Found", "Link", "datasets_of", "hard_links"]


class Link(NamedTuple):
    """A name of an object."""

    group: h5g.GroupID
    name: bytes
    address: int
    new: h5d.DatasetID | h5g.GroupID | None
    """The object, where this is the first of its names."""


@dataclass(slots=True)
class Found:
    """An object and all of its names."""

    id: h5d.DatasetID | h5g.GroupID
    places: list[tuple[h5g.GroupID, bytes]] = field(default_factory=list)


def hard_links(root: h5g.GroupID) -> Iterator[Link]:
    """Yield all hard links of a file."""
    seen, waiting = {h5o.get_info(root).addr}, [root]
    while waiting:
        group = waiting.pop()
        for name in group:
            link = group.links.get_info(name)
            if link.type != h5l.TYPE_HARD:
                continue
            new = h5o.open(group, name) if link.u not in seen else None
            seen.add(link.u)
            if isinstance(new, h5g.GroupID):
                waiting.append(new)
            yield Link(group, name, link.u, new)


def datasets_of(root: h5g.GroupID) -> Iterator[h5d.DatasetID]:
    """Yield the datasets of a file, one after the other: an open one takes 12 kB."""
    for link in hard_links(root):
        if isinstance(link.new, h5d.DatasetID):
            yield link.new
