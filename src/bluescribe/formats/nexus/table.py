"""A stream in the file: a group a field, all of their columns growing together."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast

import h5py
import numpy as np

from ...hdf5.column import Column, append_rows, fit_rows
from ...hdf5.file import LiveFile
from ...hdf5.layout import Layout
from ...hdf5.names import label, unique_name
from ...hdf5.objects import group_at, set_attribute
from ...hdf5.streams import epochs, field_rows, rows_expected
from ...model.run import Field, Page, Run, Stream
from ...model.values import Array
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

_NO_FIELD = Field("")


class StreamTable:
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
        self._run = run
        self.stream = stream
        certain = stream.is_baseline
        self._new_column = partial(
            Column, file, rows_expected=rows_expected(run, stream), is_certain=certain
        )
        self._groups: dict[str, str] = {}
        self._shared = {name: self._shared_column(name) for name in _SHARED}
        self._values: dict[str, Column] = {}
        self._datum_ids: dict[str, Column] = {}
        self._stamps: dict[str, Column] = {}
        self.rows = 0

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
        table.rows = len(h5[f"{root}/seq_num"]) if f"{root}/seq_num" in h5 else 0
        for field, group in groups.items():
            if isinstance(h5.get(f"{group}/value", getlink=True), h5py.HardLink):
                table._take_over(field, h5[f"{group}/value"])
        return table

    def _take_over(self, field: str, values: h5py.Dataset) -> None:
        if values.is_virtual or "copied_from" in values.attrs:
            return  # of other files
        column = self._values_column(field)
        column.rows = len(values)
        is_ragged = f"{values.name}_shape" in values.file
        column.layout = Layout(values.dtype, values.shape[1:], is_ragged=is_ragged)

    @property
    def groups(self) -> Mapping[str, str]:
        """Absolute path of the group of each field."""
        return self._groups

    def group_of(self, field: str) -> str:
        """Return the absolute path of a field's group."""
        if field not in self._groups:
            taken = {*_SHARED, *(path.rpartition("/")[2] for path in self._groups.values())}
            self._groups[field] = f"{self.root}/{unique_name(field, taken)}"
        return self._groups[field]

    def column(self, field: str) -> Column | None:
        """Return the column of a field's values, or None while there are none."""
        return self._values.get(field)

    def shape_of(self, field: str) -> tuple[int, ...] | None:
        """Return the shape of one row of a field of real numbers, None for any other."""
        column = self.column(field)
        layout = column.layout if column else None
        if layout is None or layout.dtype.kind not in "iuf" or layout.is_ragged:
            return None
        return layout.shape

    def setpoint_of(self, declared: Field) -> str | None:
        """Return the field that holds where a positioner was sent: it says so in its name."""
        keys: Sequence[str] = self.stream.descriptors[0].object_keys.get(declared.object_name, ())
        found = [
            k for k in keys if "setpoint" in k and k in self.stream.fields and k != declared.name
        ]
        return found[0] if found else None

    def append(self, page: Page) -> bool:
        """Write a page's rows; return whether the file's structure had to change for them.

        To be repeated as it is after a failure: rows are counted at the end.
        """
        blocks, remade = fit_rows(self._file, self.rows, dict(self._cells(page)))
        if remade:
            self._describe_fields({column.group for column in remade})
        append_rows(blocks)
        self.rows += len(page)
        return bool(remade)

    def _cells(self, page: Page) -> Iterator[tuple[Column, Sequence[Any] | Array]]:
        """Yield each column with what the page has for it."""
        times = np.array(page.time, np.float64)
        yield self._shared["seq_num"], np.array(page.seq_num, np.int64)
        yield self._shared["EPOCH"], times
        yield self._shared["time"], times - self._run.time
        nothing = [None] * len(page)
        for name in dict.fromkeys([*page.data, *self._stamps]):
            declared = self.stream.fields.get(name, _NO_FIELD)
            rows = field_rows(declared, page.data.get(name, nothing))
            if rows.has_datum_ids or name in self._datum_ids:
                yield self._datum_column(name), rows.datum_ids
            if rows.has_values or name in self._values:
                yield self._values_column(name), rows.values
            yield self._stamps_column(name), epochs(page.timestamps.get(name, nothing))

    def _values_column(self, name: str) -> Column:
        if name not in self._values:
            declared = self.stream.fields.get(name, _NO_FIELD)
            column = self._new_column(self.group_of(name), "value", declared, _attrs(declared))
            self._values[name] = column
        return self._values[name]

    def _datum_column(self, name: str) -> Column:
        if name not in self._datum_ids:
            attrs = {"long_name": f"datum_id of {name}"}
            column = self._new_column(self.group_of(name), "datum_id", _NO_FIELD, attrs)
            self._datum_ids[name] = column
        return self._datum_ids[name]

    def _stamps_column(self, name: str) -> Column:
        if name not in self._stamps:
            group = self.group_of(name)
            self._stamps[name] = self._new_column(group, "EPOCH", _NO_FIELD, _EPOCH, blank=math.nan)
        return self._stamps[name]

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
        return self._new_column(self.root, name, _NO_FIELD, attrs[name])

    def _describe_fields(self, groups: Container[str]) -> None:
        """Make groups of fields plots of their own where NeXus allows that."""
        h5 = self._file.h5
        time = h5[f"{self.root}/time"]
        set_attribute(time, "target", time.name)
        for name in self._stamps:
            if self.group_of(name) not in groups:
                continue
            group = group_at(h5, self.group_of(name))
            column = self._values.get(name)
            layout = column.layout if column else None
            if column is not None and layout is not None and (told := interpretation(layout)):
                set_attribute(h5[column.path], "interpretation", told)
            is_plot = layout is not None and layout.dtype.kind in "iuf" and not layout.is_ragged
            set_attribute(group, "NX_class", "NXdata" if is_plot else "NXcollection")
            if name != self.group_of(name).rpartition("/")[2]:
                set_attribute(group, "data_key", name)
            if "time" not in group:
                group["time"] = time
            if layout is not None and is_plot:
                set_attribute(group, "signal", "value")
                set_attribute(group, "axes", ["time", *["."] * len(layout.shape)])
            else:
                for key in ("signal", "axes"):
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
