"""A stream in the file: one dataset a field, with the columns ``time`` and ``seq_num``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...hdf5.column import MISSING, REMADE, Column, append_rows, fit_rows
from ...hdf5.file import LiveFile
from ...hdf5.names import unique_name
from ...hdf5.objects import set_attribute
from ...hdf5.streams import FieldRows, epochs, field_rows, rows_expected
from ...model.run import Field, Page, Run, Stream
from ...model.values import Array

__all__ = ["StreamColumns"]

_TIME = {"units": "s", "long_name": "time of the event in epoch seconds"}
_SEQ_NUM = {"long_name": "sequence number of the event"}
_STAMPS = {"units": "s", "long_name": "when the value was read, in epoch seconds"}
_OWN = {"time", "seq_num", "timestamps"}
_OF_COLUMNS = ("_shape", MISSING, REMADE)
"""Endings of datasets that belong to a column: no field is called so."""

_NO_FIELD = Field("")


class StreamColumns:
    """The columns of one stream.

    Parameters
    ----------
    file
        The file.
    root
        Absolute path of the stream's group.
    run, stream
        What is recorded there.
    """

    def __init__(self, file: LiveFile, root: str, run: Run, stream: Stream) -> None:
        self._file = file
        self.root = root
        self.stream = stream
        certain = stream.is_baseline
        self._new_column = partial(
            Column, file, rows_expected=rows_expected(run, stream), is_certain=certain
        )
        self._columns: dict[tuple[str, str], Column] = {}
        """By what they hold, and field."""
        self._names: dict[tuple[str, str], str] = {}
        """Of datasets of values, of those of timestamps in their group, and of groups of external
        data, by what they are and field."""
        self._time = self._new_column(root, "time", _NO_FIELD, _TIME)
        self._seq_num = self._new_column(root, "seq_num", _NO_FIELD, _SEQ_NUM)
        self.rows = 0

    def append(self, page: Page) -> bool:
        """Write a page's rows; return whether the file's structure had to change for them.

        To be repeated as it is after a failure: rows are counted at the end.
        """
        blocks, remade = fit_rows(self._file, self.rows, dict(self._cells(page)))
        for (what, field), column in self._columns.items():
            if what == "datum_id" and column in remade:
                self.group_of(field)  # says whose it is, also when no document names the file
        append_rows(blocks)
        self.rows += len(page)
        return bool(remade)

    def group_of(self, field: str) -> str:
        """Return the absolute path of the group of a field's external data; the file is plain."""
        path = f"{self.root}/{self._name('external', field)}"
        group = self._file.h5.require_group(path)
        set_attribute(group, "data_key", field)
        return path

    def name_of(self, field: str) -> str | None:
        """Return the name of the dataset of a field's values, if it has any."""
        return self._names[key] if (key := ("values", field)) in self._columns else None

    def _cells(self, page: Page) -> Iterator[tuple[Column, Sequence[Any] | Array]]:
        """Yield each column with what the page has for it."""
        yield self._time, np.array(page.time, np.float64)
        yield self._seq_num, np.array(page.seq_num, np.int64)
        nothing = [None] * len(page)
        for name in dict.fromkeys([*page.data, *(field for _, field in self._columns)]):
            declared = self.stream.fields.get(name, _NO_FIELD)
            rows = field_rows(declared, page.data.get(name, nothing))
            if not rows.begins_with_datum_id:  # of two, the first one is called as the field
                yield from self._measured(name, rows)
            if rows.has_datum_ids or ("datum_id", name) in self._columns:
                yield self._column("datum_id", name), rows.datum_ids
            if rows.begins_with_datum_id:
                yield from self._measured(name, rows)
            yield self._column("timestamps", name), epochs(page.timestamps.get(name, nothing))

    def _measured(
        self, name: str, rows: FieldRows
    ) -> Iterator[tuple[Column, Sequence[Any] | Array]]:
        if rows.has_values or ("values", name) in self._columns:
            yield self._column("values", name), rows.values

    def _column(self, what: str, field: str) -> Column:
        if (what, field) not in self._columns:
            self._columns[what, field] = self._made(what, field)
        return self._columns[what, field]

    def _made(self, what: str, field: str) -> Column:
        declared = self.stream.fields.get(field, _NO_FIELD)
        key = {"data_key": field}
        if what == "timestamps":
            group, name = f"{self.root}/timestamps", self._name(what, field)
            return self._new_column(group, name, _NO_FIELD, _STAMPS | key, blank=math.nan)
        if what == "datum_id":
            group = f"{self.root}/{self._name('external', field)}"
            return self._new_column(group, what, _NO_FIELD, key)
        return self._new_column(
            self.root, self._name(what, field), declared, _attrs(declared, field)
        )

    def _name(self, what: str, field: str) -> str:
        """Return what a field's dataset or group is called: as the field, where that is free."""
        if (what, field) not in self._names:
            name = f"{field}_field" if field.endswith(_OF_COLUMNS) else field
            are_stamps = what == "timestamps"
            beside = (n for (w, _), n in self._names.items() if (w == "timestamps") == are_stamps)
            self._names[what, field] = unique_name(name, {*_OWN, *beside})
        return self._names[what, field]


def _attrs(declared: Field, field: str) -> dict[str, Any]:
    attrs: dict[str, Any] = {
        "data_key": field,
        "units": declared.units,
        "source": declared.source,
        "dtype": declared.dtype,
        "precision": declared.precision,
        "object_name": declared.object_name,
        "enum_strs": list(declared.enum_strs),
    }
    keep_empty = ("data_key", "units", "source", "dtype")
    return {k: v for k, v in attrs.items() if v not in (None, "", []) or k in keep_empty}
