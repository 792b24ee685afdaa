"""Groups, datasets and attributes of an HDF5 file, made by h5py's low-level interface.

A run has hundreds of them, and for each the high-level one takes two to five times as long. What is
made is the same, and what is rare is left to it.
"""

from __future__ import annotations

import codecs
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5o, h5p, h5s, h5t

from ..files.json_text import dumps
from ..model.numbers import is_number, is_real
from ..model.values import Array

__all__ = [
    "MAX_INLINE_BYTES",
    "as_stored",
    "copy_attributes",
    "forget_target",
    "group_at",
    "new_attributes",
    "new_column",
    "new_dataset",
    "new_fixed_column",
    "new_group",
    "new_link",
    "printable",
    "set_attribute",
    "type_of",
    "utf8_dtype",
]

_TEXT = h5py.string_dtype()
_TEXT_TYPE, _TEXT_IN_MEMORY = h5t.py_create(_TEXT, logical=True), h5t.py_create(_TEXT)
codecs.lookup("ascii")  # h5py imports it for the first such text, in the midst of a scan
_SCALAR = h5s.create(h5s.SCALAR)
MAX_INLINE_BYTES = 4096
"""Values up to here are stored in the object itself: HDF5's compact layout, of 64 kB at most."""
_MOST_TEXTS, _MOST_TYPES = 512, 64
"""That are kept as HDF5 takes them: the columns of a file say the same of themselves."""


def _without_times(kind: Any) -> Any:
    properties = h5p.create(kind)
    properties.set_obj_track_times(False)
    return properties


def _links(characters: int) -> Any:
    properties = h5p.create(h5p.LINK_CREATE)
    properties.set_create_intermediate_group(True)
    properties.set_char_encoding(characters)
    return properties


_GROUP, _DATASET = _without_times(h5p.GROUP_CREATE), _without_times(h5p.DATASET_CREATE)
_ORDERED_GROUP = _without_times(h5p.GROUP_CREATE)
_ORDERED_GROUP.set_link_creation_order(h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED)
_COMPACT = _DATASET.copy()
_COMPACT.set_layout(h5d.COMPACT)
_ASCII, _UTF8 = _links(h5t.CSET_ASCII), _links(h5t.CSET_UTF8)


def _link(name: str) -> tuple[bytes, Any]:
    """Return a name as HDF5 has it, and the properties of its link."""
    return name.encode(), _ASCII if name.isascii() else _UTF8


def group_at(parent: h5g.GroupID, name: str) -> h5g.GroupID:
    """Return a group of a group; it is made if it is not there."""
    link, properties = _link(name)
    if parent.links.exists(link):
        return h5g.open(parent, link)
    return h5g.create(parent, link, properties, _GROUP)


def new_group(parent: h5g.GroupID, name: str, *, is_ordered: bool = False) -> h5g.GroupID:
    """Make a group; an ordered one tells its content in the order in which it came."""
    link, properties = _link(name)
    creation = _ORDERED_GROUP if is_ordered else _GROUP
    return h5g.create(parent, link, properties, creation)


def new_dataset(parent: h5g.GroupID, name: str, value: Any) -> h5d.DatasetID:
    """Make a dataset of a value; bytes in arrays are UTF-8 text, marked as ASCII if they are that.

    Octave reads no other text.
    """
    data = np.asarray(value, order="C")
    if isinstance(value, bytes | list | tuple) or not _is_plain(data.dtype):
        return h5py.Group(parent).create_dataset(name, data=value).id
    if data.dtype.kind == "S" and not data.tobytes().isascii():
        data = as_stored(data)
    link, properties = _link(name)
    dtype = type_of(data.dtype)
    dataset = h5d.create(parent, link, dtype, _space(data.shape), _DATASET, properties)
    if data.size:
        dataset.write(h5s.ALL, h5s.ALL, data)
    return dataset


def _is_plain(dtype: np.dtype[Any]) -> bool:
    """Tell whether arrays of a type are written here; h5py sees to others."""
    return is_number(dtype) or dtype.kind == "S"


def new_column(
    parent: h5g.GroupID,
    name: str,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    *,
    chunk_rows: int,
    storage: Mapping[str, Any],
) -> h5d.DatasetID:
    """Make a dataset without a row yet.

    Parameters
    ----------
    parent, name
        Where.
    dtype, shape
        Of a row.
    chunk_rows
        Rows a chunk.
    storage
        Keyword arguments of h5py's `create_dataset` for compression.
    """
    chunks = (chunk_rows, *(max(1, n) for n in shape))
    most = (None, *(n or None for n in shape))
    if storage:
        rows, group = (0, *shape), h5py.Group(parent)
        return group.create_dataset(name, rows, dtype, maxshape=most, chunks=chunks, **storage).id
    link, properties = _link(name)
    space = h5s.create_simple((0, *shape), tuple(n or h5s.UNLIMITED for n in most))
    return h5d.create(parent, link, type_of(dtype), space, _chunked(chunks), properties)


def new_fixed_column(
    parent: h5g.GroupID, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> h5d.DatasetID:
    """Make a dataset that cannot grow; few values are stored in the object itself."""
    link, properties = _link(name)
    size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    creation = _COMPACT if 0 < size <= MAX_INLINE_BYTES else _DATASET
    return h5d.create(parent, link, type_of(dtype), _space(shape), creation, properties)


def new_link(parent: h5g.GroupID, name: str, path: str) -> None:
    """Give an object of the file another name; the object says in ``@target`` what the first is."""
    found = h5o.open(parent, path.encode())
    if not h5a.exists(found, b"target"):
        new_attributes(found, {"target": path})
    link, properties = _link(name)
    h5o.link(found, parent, link, properties)


def forget_target(found: h5py.HLObject) -> None:
    """Take away what `new_link` says of an object that has no other name any more."""
    if h5o.get_info(found.id).rc == 1 and h5a.exists(found.id, b"target"):
        h5a.delete(found.id, b"target")


def set_attribute(owner: h5py.HLObject, name: str, value: Any) -> None:
    """Set an attribute; an empty list is left out, and what HDF5 has no type for is JSON text."""
    key = name.encode()
    if h5a.exists(owner.id, key) and not _is_empty(value):
        h5a.delete(owner.id, key)
    new_attributes(owner.id, {name: value})


def new_attributes(owner: h5o.ObjectID, attributes: Mapping[str, Any]) -> None:
    """Give an object attributes that it does not have yet; all else is as in `set_attribute`."""
    for name, value in attributes.items():
        if isinstance(value, str):
            _write_attribute(owner, name, _TEXT_TYPE, _text(value))
        elif not _is_empty(value):
            _write_value(owner, name, value)


def _write_value(owner: h5o.ObjectID, name: str, value: Any) -> None:
    if isinstance(value, list | tuple) and all(isinstance(text, str) for text in value):
        texts = np.array([printable(text) for text in value], _TEXT)
        _write_attribute(owner, name, _TEXT_TYPE, texts)
        return
    try:
        data = np.asarray(value)
        if is_real(data.dtype):
            _write_attribute(owner, name, type_of(data.dtype), data)
        else:
            h5py.HLObject(owner).attrs[name] = value
    except (TypeError, ValueError):  # such as an integer beyond 64 bits
        if h5a.exists(owner, name.encode()):  # pragma: no cover  # h5py has made it, and no more
            h5a.delete(owner, name.encode())
        _write_attribute(owner, name, _TEXT_TYPE, _text(dumps(value).decode()))


def _is_empty(value: Any) -> bool:
    return isinstance(value, list | tuple) and not value


def copy_attributes(
    source: h5o.ObjectID, target: h5o.ObjectID, leave: Collection[bytes] = ()
) -> None:
    """Copy the attributes of an object, of exactly the stored types; those that are there stay."""
    for index in range(h5a.get_num_attrs(source)):
        old = h5a.open(source, index=index)
        if old.name in leave or h5a.exists(target, old.name):
            continue
        dtype, space = old.get_type(), old.get_space()
        new = h5a.create(target, old.name, dtype, space)
        if space.get_simple_extent_type() == h5s.NULL:
            continue
        if dtype == _TEXT_TYPE:
            data, memory = np.empty(space.shape, object), _TEXT_IN_MEMORY
        else:  # exactly the stored type, but for texts of any length, which h5py has to hold
            kind = dtype.dtype
            data, memory = np.empty(space.shape, kind), None if kind.hasobject else dtype
        old.read(data, mtype=memory)
        new.write(data, mtype=memory)


def _write_attribute(owner: h5o.ObjectID, name: str, dtype: h5t.TypeID, data: Array) -> None:
    memory = _TEXT_IN_MEMORY if dtype is _TEXT_TYPE else dtype
    h5a.create(owner, name.encode(), dtype, _space(data.shape)).write(data, memory)


@lru_cache(_MOST_TEXTS)
def _text(text: str) -> Array:
    return np.array(printable(text), _TEXT)


def type_of(dtype: np.dtype[Any]) -> h5t.TypeID:
    """Return HDF5's type for a type of numpy's; that of a plain number is made once."""
    if is_number(dtype) and dtype.kind != "b" and dtype.metadata is None:
        return _number_type(dtype)
    if dtype.kind == "S" and dtype.metadata is None:
        return _text_type(dtype.itemsize)
    return h5t.py_create(dtype, logical=True)


@lru_cache(_MOST_TYPES)
def _number_type(dtype: np.dtype[Any]) -> h5t.TypeID:
    return h5t.py_create(dtype, logical=True)


@lru_cache(_MOST_TYPES)
def _text_type(length: int) -> h5t.TypeID:
    return h5t.py_create(np.dtype(f"S{length}"), logical=True)


@lru_cache(_MOST_TYPES)
def _chunked(chunks: tuple[int, ...]) -> h5p.PropDCID:
    creation = _DATASET.copy()
    creation.set_chunk(chunks)
    return creation


def _space(shape: tuple[int, ...]) -> Any:
    return _simple(shape) if shape else _SCALAR


@lru_cache(_MOST_TYPES)
def _simple(shape: tuple[int, ...]) -> h5s.SpaceID:
    return h5s.create_simple(shape)


def printable(text: str) -> str:
    """Return text that UTF-8 can hold, with no NUL, which would end it."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def utf8_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type of UTF-8 text of a fixed length; HDF5 has none of length 0."""
    stored: np.dtype[Any] = h5py.string_dtype("utf-8", max(1, dtype.itemsize))
    return stored


def as_stored(array: Array) -> Array:
    """Return bytes marked as UTF-8: HDF5 converts between texts of one character set only."""
    return np.ascontiguousarray(array).view(utf8_dtype(array.dtype)).reshape(array.shape)
