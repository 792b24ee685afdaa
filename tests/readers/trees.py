"""All that is in an HDF5 file, down to how each dataset is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

WHEN_WRITTEN = {"file_time"}
"""Attributes of a NeXus file that tell when it was written, not what was measured."""


def read_tree(path: Path) -> dict[Any, Any]:
    """Return links, attributes, types, shapes, chunks and values, by path."""
    tree: dict[Any, Any] = {}

    def visit(name, group):
        tree[name, "@"] = attributes(group)
        for key in group:
            where = f"{name}/{key}"
            link = group.get(key, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                tree[where] = ("external", link.filename, link.path)
            elif isinstance(link, h5py.SoftLink):
                tree[where] = ("soft", link.path)
            elif isinstance(group[key], h5py.Group):
                visit(where, group[key])
            else:
                tree[where, "@"] = attributes(group[key])
                tree[where] = dataset(group[key])

    with h5py.File(path) as file:
        visit("", file)
    return tree


def attributes(node):
    """Return attributes; that a node has had other names, as plots of a live run, is left out."""
    found = {k: (stored(node.attrs.get_id(k)), plain(v)) for k, v in node.attrs.items()}
    own_name = plain(node.name)
    return {
        k: v
        for k, v in found.items()
        if k not in WHEN_WRITTEN and (k, v[1]) != ("target", own_name)
    }


def dataset(node):
    """Return how a dataset is stored, and its values where they are in this file."""
    external = sorted(map(str, node.external or []))
    virtual = [(s.file_name, s.dset_name) for s in node.virtual_sources()] if node.is_virtual else 0
    values = plain(node[()]) if not (external or virtual) else None
    how = (node.chunks, node.maxshape, node.compression)
    return stored(node.id), node.shape, how, external, virtual, values


def stored(id_) -> bytes:
    """Return the type in the file: text of a fixed length and its character set, say."""
    return bytes(id_.get_type().encode())


def plain(value):
    """Return a value in Python's own types."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
