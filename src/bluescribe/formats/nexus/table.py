"""A stream in the file: a group a field, all of their columns growing together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import h5py
import numpy as np
from h5py import h5a, h5o

from ...hdf5.columns.column import Column
from ...hdf5.columns.datasets import SHAPE
from ...hdf5.columns.layout import Layout
from ...hdf5.file import LiveFile
from ...hdf5.names import label, unique_name
from ...hdf5.objects import new_attributes, set_attribute
from ...hdf5.parts.gathered import is_of_parts
from ...hdf5.table import NO_FIELD, Cells, ColumnTable, What
from ...model.run import Field, Page, Run, Stream
from .interpretation import SCALAR, interpretation
from .metadata import iso_time

__all__ = ["StreamTable"]

_EPOCH = {
    "units": "s",
    "long_name": "epoch time (s)",
    "interpretation": SCALAR,
    "start": "1970-01-01T00:00:00+00:00",
}
_SHARED = ("seq_num", "EPOCH", "time")
"""Columns of the stream itself, one row an event."""


class StreamTable(ColumnTable):
    """The columns of one stream, a group a field.

    Parameters
    ----------
    file, root, run, stream
        As `ColumnTable` has them.
    """

    def __init__(self, file: LiveFile, root: str, run: Run, stream: Stream) -> None:
        super().__init__(file, root, run, stream)
        self._groups: dict[str, str] = {}
        self._names = {*_SHARED}
        self._shared = {name: self._shared_column(name) for name in _SHARED}

    @classmethod
    def of_finished(
        cls, h5: h5py.File, root: str, run: Run, stream: Stream, groups: Mapping[str, str]
    ) -> StreamTable:
        """Return the columns of a file that an earlier process finished, for who only shows them.

        Parameters
        ----------
        h5
            The file.
        root, run, stream
            As for a new one.
        groups
            Absolute path of the group of each field.
        """
        table = cls(cast(LiveFile, None), root, run, stream)  # nothing is written by it
        table._groups = dict(groups)
        table._names |= {path.rpartition("/")[2] for path in groups.values()}
        table.rows = len(h5[f"{root}/seq_num"]) if f"{root}/seq_num" in h5 else 0
        for field, group in groups.items():
            if isinstance(h5.get(f"{group}/value", getlink=True), h5py.HardLink):
                table._take_over(field, h5[f"{group}/value"])
        return table

    def _take_over(self, field: str, values: h5py.Dataset) -> None:
        if (values.is_virtual and not is_of_parts(values)) or "copied_from" in values.attrs:
            return  # of other files
        column = self._column("values", field)
        column.rows = len(values)
        is_ragged = values.name + SHAPE in values.file
        column.layout = Layout(values.dtype, values.shape[1:], is_ragged=is_ragged)

    def name_as(self, former: StreamTable) -> None:
        """Call the groups of fields as in another part of the run."""
        self._groups = dict(former._groups)

    @property
    def groups(self) -> Mapping[str, str]:
        """Absolute path of the group of each field."""
        return self._groups

    def group_of(self, field: str) -> str:
        """Return the absolute path of a field's group."""
        if field not in self._groups:
            name = unique_name(field, self._names)
            self._names.add(name)
            self._groups[field] = f"{self.root}/{name}"
        return self._groups[field]

    def shown_columns(self) -> Iterator[str]:
        """Yield the absolute paths of columns that are shown elsewhere; `time` is in each field."""
        yield f"{self.root}/EPOCH"
        yield from (c.path for (what, _), c in self._columns.items() if what == "values")

    def shape_of(self, field: str) -> tuple[int, ...] | None:
        """Return the shape of one row of a field of real numbers, None for any other."""
        column = self.column(field)
        return column.layout.real_shape if column and column.layout else None

    def setpoint_of(self, declared: Field) -> str | None:
        """Return the field that holds where a positioner was sent: it says so in its name."""
        keys: Sequence[str] = self.stream.descriptors[0].object_keys.get(declared.object_name, ())
        found = [
            k for k in keys if "setpoint" in k and k in self.stream.fields and k != declared.name
        ]
        return found[0] if found else None

    def _own_cells(self, page: Page) -> Cells:
        times = np.array(page.time, np.float64)
        yield self._shared["seq_num"], np.array(page.seq_num, np.int64)
        yield self._shared["EPOCH"], times
        yield self._shared["time"], times - self._run.time

    def _own_columns(self) -> Iterable[Column]:
        return self._shared.values()

    def _made(self, what: What, field: str) -> Column:
        group, declared = self.group_of(field), self.stream.fields.get(field, NO_FIELD)
        if what == "stamps":
            return self._new_column(group, "EPOCH", NO_FIELD, _EPOCH, blank=math.nan)
        if what == "datum_ids":
            attrs = {"long_name": f"datum_id of {field}"}
            return self._new_column(group, "datum_id", NO_FIELD, attrs)
        return self._new_column(group, "value", declared, _attrs(declared), told=_told)

    def _shared_column(self, name: str) -> Column:
        attrs: dict[str, dict[str, Any]] = {
            "seq_num": {"long_name": "sequence number of the event", "interpretation": SCALAR},
            "EPOCH": {**_EPOCH, "long_name": "epoch time of the event (s)"},
            "time": {
                "units": "s",
                "long_name": "time since the start of the run (s)",
                "interpretation": SCALAR,
                "start": iso_time(self._run.date),
                "start_time": self._run.time,
            },
        }
        return self._new_column(self.root, name, NO_FIELD, attrs[name])

    def _describe(self, remade: Sequence[Column]) -> None:
        """Make groups of fields plots of their own where NeXus allows that."""
        handles, groups = self._file.handles, {column.group for column in remade}
        time, is_new = handles.dataset(self.root, "time"), self._shared["time"] in remade
        set_attribute(h5py.Dataset(time), "target", f"{self.root}/time")
        for name, path in self._groups.items():
            if not (is_new or path in groups) or ("stamps", name) not in self._columns:
                continue
            group = handles.group(path)
            _tell_of(h5py.Group(group), name, path, self.shape_of(name))
            is_there = group.links.exists(b"time")
            if is_new and is_there:
                group.unlink(b"time")
            if is_new or not is_there:
                h5o.link(time, group, b"time")


def _told(layout: Layout) -> dict[str, str]:
    return {"interpretation": told} if (told := interpretation(layout)) else {}


def _tell_of(group: h5py.Group, field: str, path: str, shape: tuple[int, ...] | None) -> None:
    """Tell of the group of a field; it may have been made for links, or for other values."""
    attrs: dict[str, Any] = {"NX_class": "NXcollection" if shape is None else "NXdata"}
    if field != path.rpartition("/")[2]:
        attrs["data_key"] = field
    if shape is not None:
        attrs |= {"signal": "value", "axes": ["time", *["."] * len(shape)]}
    if not h5a.get_num_attrs(group.id):
        new_attributes(group.id, attrs)
        return
    for key, value in attrs.items():
        set_attribute(group, key, value)
    for key in ("signal", "axes") if shape is None else ():
        group.attrs.pop(key, None)


def _attrs(declared: Field) -> dict[str, Any]:
    """Return the attributes of a field's values."""
    attrs: dict[str, Any] = {
        "long_name": label(declared.name, declared.units),
        "units": declared.units,
        "source": declared.source,
        "precision": declared.precision,
        "enum_strs": list(declared.enum_strs),
    }
    control = (declared.limits or {}).get("control")
    for key, end in (("lower_ctrl_limit", "low"), ("upper_ctrl_limit", "high")):
        attrs[key] = control.get(end) if isinstance(control, Mapping) else None
    keep_empty = ("units", "source")
    return {k: v for k, v in attrs.items() if k in keep_empty or not _is_empty(v)}


def _is_empty(value: Any) -> bool:
    """Tell whether there is nothing to say; numpy's numbers do not compare with lists."""
    return value is None or (isinstance(value, str | list) and not value)
