"""Content of an HDF5 file as a plain tree, before any HDF5: groups, datasets and links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..model.values import Array

__all__ = ["Dataset", "External", "Group", "HardLink", "Node", "Rearranged"]


@dataclass(slots=True)
class Dataset:
    """A value with its attributes; text is stored as UTF-8 of fixed length."""

    value: Any
    attrs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class HardLink:
    """Another name of an object of this file, which says so in ``@target``."""

    target: str


@dataclass(slots=True)
class External:
    """A link to an object of another HDF5 file."""

    file: str
    """Relative to the folder of this file where that is possible."""
    path: str


@dataclass(slots=True)
class Rearranged:
    """Rows of a column of this file, copied in another arrangement."""

    source: str
    rows: Array
    """The row of `source` for each place."""
    shape: tuple[int, ...] = ()
    """Of a row; that of an array of one number may be that of a number."""


@dataclass(slots=True)
class Group:
    """A NeXus group."""

    nx_class: str
    """Empty for a group that is there already; a new one is an NXcollection then."""
    attrs: dict[str, Any] = field(default_factory=dict)
    children: dict[str, Node] = field(default_factory=dict)
    is_ordered: bool = False
    """Whether readers that ask for it get the children in this order, not in that of names."""

    def add(self, name: str, node: Node) -> None:
        """Put a node in, unless it would be an empty text."""
        if not (isinstance(node, Dataset) and isinstance(node.value, str) and not node.value):
            self.children[name] = node


Node = Group | Dataset | HardLink | External | Rearranged
