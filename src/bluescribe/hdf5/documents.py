"""The documents of a run as JSON text in its file, numbered in the order in which they came."""

from __future__ import annotations

from typing import Any

from ..files.json_text import ascii_dumps, dumps
from ..model.run import Document, Field
from .columns.column import Column
from .file import LiveFile
from .nodes import write_node
from .tree import Dataset

__all__ = ["Documents"]


_TIMES_TEXT = 4
"""Bytes that HDF5 takes for a document beside its text, at the most, and some more."""


class Documents:
    """A group of documents.

    Parameters
    ----------
    file
        The file.
    group
        Absolute path of the group.
    """

    def __init__(self, file: LiveFile, group: str) -> None:
        self._file = file
        self._group = group
        self._numbers: dict[str, int] = {}
        self._datums: list[Document] = []
        self._datum_column = Column(
            file,
            group,
            "datum",
            declared=Field("datum"),
            attrs={"text_format": "json"},
            rows_expected=256,
        )

    def put(self, name: str, doc: Document) -> None:
        """Write a document of which a run has one."""
        text = ascii_dumps(doc)
        self._file.make_room(_TIMES_TEXT * len(text))
        group = self._file.plain().require_group(self._group)
        write_node(group, name, Dataset(text, {"text_format": "json"}))

    def add(self, name: str, doc: Document) -> None:
        """Write one of several documents, as ``<name>_1``, ``<name>_2``..."""
        number = self._numbers.get(name, 0) + 1
        self.put(f"{name}_{number}", doc)
        self._numbers[name] = number

    def add_datum(self, name: str, doc: Document) -> None:
        """Keep a datum or datum_page for the next `write`."""
        dumps(doc)  # one that cannot be written is refused now: a later one must not fail for it
        self._datums.append(doc if name == "datum" else {"datum_page": doc})

    def write(self) -> None:
        """Write the datums that came since the last time."""
        if not self._datums:
            return
        rows: list[Any] = self._datums
        block = self._datum_column.fit(rows)
        if block is None:
            self._file.plain()
            block = self._datum_column.make_fit(rows)
        self._datum_column.append(block)
        self._datum_column.advance(block)
        self._datum_column.cut()
        self._datums = []
