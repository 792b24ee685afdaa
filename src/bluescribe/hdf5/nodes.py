"""A plain tree -> groups, datasets and links of a file that is open, and plain."""

from __future__ import annotations

import h5py
import numpy as np
from h5py import h5a, h5g, h5l, h5o

from ..model.values import Array
from .finished.rearranged import write_rearranged
from .objects import (
    new_attributes,
    new_dataset,
    new_group,
    new_link,
    printable,
    set_attribute,
)
from .removal import remove
from .tree import Dataset, External, Group, HardLink, Node, Rearranged

__all__ = ["write_node"]


def write_node(parent: h5py.Group, name: str, node: Node) -> None:
    """Write a node under a group; a link replaces what has its name, a dataset its value."""
    _write(parent.id, name, node, may_be_there=True)


def _write(parent: h5g.GroupID, name: str, node: Node, *, may_be_there: bool) -> None:
    is_there = (may_be_there or "/" in name) and _has(parent, name)
    if isinstance(node, Group):
        _write_group(parent, name, node, is_there=is_there)
        return
    if is_there:
        remove(h5py.Group(parent), name)
    match node:
        case HardLink():
            new_link(parent, name, node.target)
        case External():
            h5py.Group(parent)[name] = h5py.ExternalLink(node.file, node.path)
        case Rearranged():
            write_rearranged(h5py.Group(parent), name, node)
        case Dataset():
            new_attributes(new_dataset(parent, name, _stored(node.value)), node.attrs)


def _has(parent: h5g.GroupID, name: str) -> bool:
    if "/" in name:
        return h5py.Group(parent).get(name, getlink=True) is not None
    return bool(parent.links.exists(name.encode()))


def _write_group(parent: h5g.GroupID, name: str, node: Group, *, is_there: bool) -> None:
    group = _group_there(parent, name) if is_there else None
    attributes = {"NX_class": node.nx_class or "NXcollection", **node.attrs}
    if group is None:
        if is_there:
            remove(h5py.Group(parent), name)
        made = new_group(parent, name, is_ordered=node.is_ordered)
        new_attributes(made, attributes)
    else:
        made = group
        if not node.nx_class and h5a.exists(made, b"NX_class"):
            attributes = node.attrs
        for key, value in attributes.items():
            set_attribute(h5py.Group(made), key, value)
    for key, child in node.children.items():
        _write(made, key, child, may_be_there=group is not None)


def _group_there(parent: h5g.GroupID, name: str) -> h5g.GroupID | None:
    """Return what has a name, if it is a group."""
    if "/" in name or parent.links.get_info(name.encode()).type != h5l.TYPE_HARD:
        found = h5py.Group(parent).get(name)  # None where a link leads nowhere
        return found.id if isinstance(found, h5py.Group) else None
    opened = h5o.open(parent, name.encode())
    return opened if isinstance(opened, h5g.GroupID) else None


def _stored(value: object) -> object:
    """Return text as UTF-8 of fixed length, all else as it is."""
    if isinstance(value, str):
        return _fixed_text(value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return np.char.encode(value, "utf-8")
    return value


def _fixed_text(text: str) -> Array:
    data = printable(text).encode()
    return np.array(data, f"S{max(1, len(data))}")
