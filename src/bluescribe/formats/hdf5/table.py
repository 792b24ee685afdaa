"""A stream in the file: one dataset a field, with the columns ``time`` and ``seq_num``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...hdf5.columns.column import Column
from ...hdf5.columns.datasets import MISSING, REMADE, SHAPE
from ...hdf5.file import LiveFile
from ...hdf5.names import unique_name
from ...hdf5.objects import set_attribute
from ...hdf5.parts.pieces import Where
from ...hdf5.table import NO_FIELD, Cells, ColumnTable, What
from ...model.run import Field, Page, Run, Stream

__all__ = ["WHERE", "StreamColumns"]

WHERE = Where(streams="/streams", stamps="*/timestamps/*")
"""Where a file has what grows."""
_TIME = {"units": "s", "long_name": "time of the event in epoch seconds"}
_SEQ_NUM = {"long_name": "sequence number of the event"}
_STAMPS = {"units": "s", "long_name": "when the value was read, in epoch seconds"}
_OWN = {"time", "seq_num", "timestamps"}
_OF_COLUMNS = (SHAPE, MISSING, REMADE)
"""Endings of datasets that belong to a column: no field is called so."""


class StreamColumns(ColumnTable):
    """The columns of one stream, each called as its field.

    Parameters
    ----------
    file, root, run, stream
        As `ColumnTable` has them.
    """

    def __init__(self, file: LiveFile, root: str, run: Run, stream: Stream) -> None:
        super().__init__(file, root, run, stream)
        self._names: dict[tuple[str, str], str] = {}
        """Of datasets of values, of those of timestamps in their group, and of groups of external
        data, by what they are and field."""
        self._taken = {*_OWN}, {*_OWN}
        """Names beside the values, and beside their timestamps."""
        self._time = self._new_column(root, "time", NO_FIELD, _TIME)
        self._seq_num = self._new_column(root, "seq_num", NO_FIELD, _SEQ_NUM)

    def group_of(self, field: str) -> str:
        """Return the absolute path of the group of a field's external data; the file is plain."""
        path = f"{self.root}/{self._name('external', field)}"
        group = self._file.h5.require_group(path)
        set_attribute(group, "data_key", field)
        return path

    def name_as(self, former: StreamColumns) -> None:
        """Call datasets and groups as in another part of the run."""
        self._names = dict(former._names)

    def name_of(self, field: str) -> str | None:
        """Return the name of the dataset of a field's values, if it has any."""
        return self._names[key] if (key := ("values", field)) in self._columns else None

    def _own_cells(self, page: Page) -> Cells:
        yield self._time, np.array(page.time, np.float64)
        yield self._seq_num, np.array(page.seq_num, np.int64)

    def _own_columns(self) -> Iterable[Column]:
        return self._time, self._seq_num

    def _made(self, what: What, field: str) -> Column:
        declared = self.stream.fields.get(field, NO_FIELD)
        key = {"data_key": field}
        if what == "stamps":
            group, name = f"{self.root}/timestamps", self._name(what, field)
            return self._new_column(group, name, NO_FIELD, _STAMPS | key, blank=math.nan)
        if what == "datum_ids":
            group = f"{self.root}/{self._name('external', field)}"
            return self._new_column(group, "datum_id", NO_FIELD, key)
        return self._new_column(
            self.root, self._name(what, field), declared, _attrs(declared, field)
        )

    def _describe(self, remade: Sequence[Column]) -> None:
        """Say whose the groups of external data are, also when no document names the file."""
        for (what, field), column in self._columns.items():
            if what == "datum_ids" and column in remade:
                self.group_of(field)

    def _name(self, what: str, field: str) -> str:
        """Return what a field's dataset or group is called: as the field, where that is free."""
        if (what, field) not in self._names:
            name = f"{field}_field" if field.endswith(_OF_COLUMNS) else field
            beside = self._taken[what == "stamps"]
            self._names[what, field] = unique_name(name, beside)
            beside.add(self._names[what, field])
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
