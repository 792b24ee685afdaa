"""The floor of a file of many objects: the same ones, made by h5py's low-level interface.

Nothing but HDF5 is in it: no metadata is composed, nobody reads meanwhile, all objects stay open.
Beside it, what h5py itself takes for them, as people write it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5l, h5o, h5p, h5s, h5t

__all__ = ["Object", "objects_of", "write_by_h5py", "write_objects"]


@dataclass(slots=True)
class Object:
    """A group, a dataset, or another name of one of them."""

    parent: int
    name: bytes
    number: int
    """Which object; one that came before where this is another name of it."""
    is_new: bool = True
    is_ordered: bool = False
    attributes: list[tuple[bytes, Any, Any]] = field(default_factory=list)
    """Names, types and values."""
    values: Any = None
    """Of a dataset; None of a group."""
    dtype: Any = None
    chunks: tuple[int, ...] | None = None


def objects_of(path: Path) -> list[Object]:
    """Return what is in a file, in the order in which it can be made."""
    with h5py.File(path, "r") as file:
        root = h5g.open(file.id, b"/")
        return [Object(0, b"/", 0, attributes=_attributes(root)), *_below(root, 0, {})]


def write_objects(objects: list[Object], path: Path) -> None:
    """Make the same objects in a new file."""
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_libver_bounds(h5f.LIBVER_V110, h5f.LIBVER_V110)
    access.set_cache(0, 11, 1 << 16, 0.75)
    file = h5f.create(bytes(path), h5f.ACC_TRUNC, fapl=access)
    links, groups, ordered = (h5p.create(k) for k in (h5p.LINK_CREATE, *[h5p.GROUP_CREATE] * 2))
    ordered.set_link_creation_order(h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED)
    columns: dict[tuple[int, ...] | None, Any] = {None: h5p.create(h5p.DATASET_CREATE)}
    columns[None].set_obj_track_times(False)
    groups.set_obj_track_times(False)
    spaces: dict[tuple[int, ...], Any] = {(): h5s.create(h5s.SCALAR)}
    made = [h5g.open(file, b"/")]
    for one in objects:
        if not one.is_new:
            h5o.link(made[one.number], made[one.parent], one.name, links)
            continue
        if one.number == 0:
            new = made[0]
        elif one.values is None:
            creation = ordered if one.is_ordered else groups
            new = h5g.create(made[one.parent], one.name, links, creation)
        else:
            if one.chunks not in columns:
                columns[one.chunks] = columns[None].copy()
                columns[one.chunks].set_chunk(one.chunks)
            new = _dataset(one, made[one.parent], columns[one.chunks], links, spaces)
        if one.number:
            made.append(new)
        for name, dtype, value in one.attributes:
            h5a.create(new, name, dtype, _space(value.shape, spaces)).write(value)


def write_by_h5py(objects: list[Object], path: Path) -> None:
    """Make the same objects in a new file, by h5py's groups, datasets and attributes."""
    with h5py.File(path, "w") as file:
        made: list[Any] = [file]
        for one in objects:
            name = one.name.decode()
            if not one.is_new:
                made[one.parent][name] = made[one.number]
                continue
            if one.number == 0:
                new = file
            elif one.values is None:
                new = made[one.parent].create_group(name, track_order=one.is_ordered)
            else:
                new = made[one.parent].create_dataset(name, data=one.values)
            if one.number:
                made.append(new)
            for key, _, value in one.attributes:
                new.attrs[key.decode()] = value


def _dataset(one: Object, parent: Any, creation: Any, links: Any, spaces: dict[Any, Any]) -> Any:
    shape = one.values.shape
    if one.chunks is None:
        space = _space(shape, spaces)
        new = h5d.create(parent, one.name, one.dtype, space, creation, links)
        where = h5s.ALL
    else:
        growing = h5s.create_simple((0, *shape[1:]), (h5s.UNLIMITED, *shape[1:]))
        new = h5d.create(parent, one.name, one.dtype, growing, creation, links)
        new.set_extent(shape)
        where = _space(shape, spaces)
    if one.values.size:
        new.write(where, where, one.values)
    return new


def _space(shape: tuple[int, ...], spaces: dict[Any, Any]) -> Any:
    if shape not in spaces:
        spaces[shape] = h5s.create_simple(shape)
    return spaces[shape]


def _below(group: Any, number: int, seen: dict[int, int]) -> Iterator[Object]:
    for name in group:
        info = group.links.get_info(name)
        if info.type != h5l.TYPE_HARD:
            continue
        if info.u in seen:
            yield Object(number, name, seen[info.u], is_new=False)
            continue
        found = h5o.open(group, name)
        mine = seen[info.u] = len(seen) + 1
        properties = found.get_create_plist()
        if isinstance(found, h5g.GroupID):
            order = bool(properties.get_link_creation_order())
            yield Object(number, name, mine, is_ordered=order, attributes=_attributes(found))
            yield from _below(found, mine, seen)
            continue
        values = np.empty(found.shape, found.dtype)
        if values.size:
            found.read(h5s.ALL, h5s.ALL, values)
        is_chunked = properties.get_layout() == h5d.CHUNKED
        yield Object(
            number,
            name,
            mine,
            attributes=_attributes(found),
            values=values,
            dtype=h5t.py_create(found.dtype, logical=True),
            chunks=properties.get_chunk() if is_chunked else None,
        )


def _attributes(found: Any) -> list[tuple[bytes, Any, Any]]:
    attributes = []
    for index in range(h5a.get_num_attrs(found)):
        one = h5a.open(found, index=index)
        value = np.empty(one.shape, one.dtype)
        one.read(value)
        attributes.append((one.name, h5t.py_create(one.dtype, logical=True), value))
    return attributes
