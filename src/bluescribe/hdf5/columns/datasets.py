"""The datasets that one column has in a file: made, written, read, and put in another's place.

They grow, or have a fixed size in a file of which all is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5g

from ...model.values import Array
from ..file import LiveFile
from ..objects import as_stored, new_attributes, new_column, new_fixed_column, utf8_dtype
from ..removal import remove
from .chunks import are_compressed, rows_a_chunk
from .codec import Codec
from .fixed import FixedRows
from .rows import write_rows, write_within

__all__ = ["MISSING", "REMADE", "SHAPE", "Datasets"]

SHAPE = "_shape"
"""Ending of the name of the dataset with the shapes of ragged rows."""
MISSING = "_missing"
"""Ending of the name of the dataset with the numbers of rows that have no value."""
REMADE = "__remade"
"""Ending of a dataset's name until it takes the place of the old one."""

_OVERHEAD, _A_WRITE = 16 << 10, 256
"""Bytes that a dataset, or a block of rows in it, needs beside the rows themselves."""


class Datasets:
    """The datasets of a column; each is named by what it has behind the column's name.

    Parameters
    ----------
    file
        The file.
    group, name
        Where they are.
    rows_expected
        How many rows will come, as far as one can know, for the chunks.
    is_certain
        Whether there will not be many more, as in a baseline.
    fixed
        Whether the one of the values has a fixed size, and which.
    """

    def __init__(
        self,
        file: LiveFile,
        group: str,
        name: str,
        *,
        rows_expected: int,
        is_certain: bool,
        fixed: FixedRows,
    ) -> None:
        self._file = file
        self._at = group
        self._name = name
        self._rows_expected = rows_expected
        self._is_certain = is_certain
        self._fixed = fixed
        self._chunk_bytes: dict[str, int] = {}
        self._codecs: dict[str, Codec | None] = {}
        self._tried: set[str] = set()
        """Those that were made: there may be one, of a try that failed."""
        self.rows_at_once = 0
        """Rows of the largest page that a producer has sent."""

    def has(self, ending: str) -> bool:
        """Tell whether one is there."""
        return bool(self._group.links.exists(f"{self._name}{ending}".encode()))

    def create(
        self, ending: str, dtype: np.dtype[Any], shape: tuple[int, ...], attrs: Mapping[str, Any]
    ) -> None:
        """Make an empty one; one of that name is left from a failed try."""
        self._file.make_room(_OVERHEAD)
        if ending in self._tried:
            self.drop(ending)
        self._tried.add(ending)
        row_bytes = _row_bytes(dtype, shape)
        storage = self._file.compression if are_compressed(row_bytes) else {}
        is_own = not ending.removesuffix(REMADE)
        if is_own and self._file.is_held and not storage and not dtype.hasobject:
            dataset = self._new_fixed(ending, dtype, shape)
        else:
            dataset = self._new_growing(ending, dtype, shape, row_bytes, storage)
        new_attributes(dataset, attrs)
        self._file.handles.keep(f"{self._at}/{self._name}{ending}", dataset)

    def write(self, ending: str, start: int, array: Array | list[Array]) -> None:
        """Write rows from a row on; one that grows is as long then."""
        key = ending.removesuffix(REMADE)
        is_fixed = self._fixed.room > 0 and not key
        is_marked = is_fixed and self._fixed.is_marked
        if isinstance(array, np.ndarray) and array.dtype.kind == "S" and not is_marked:
            array = as_stored(array)
        size = sum(row.nbytes for row in array) if isinstance(array, list) else array.nbytes
        self._file.make_room(size + self._chunk_bytes.get(key, 0) + _A_WRITE)
        codec = self._codecs.get(key)
        write = write_within if is_fixed else write_rows if codec is None else codec.write
        write(self.get(ending), start, array)

    def read(self, ending: str, start: int, stop: int) -> Array:
        """Return rows."""
        rows: Array = h5py.Dataset(self.get(ending))[start:stop]
        return rows

    def get(self, ending: str) -> h5d.DatasetID:
        """Return one that is there."""
        return self._file.handles.dataset(self._at, f"{self._name}{ending}")

    def drop(self, *endings: str) -> None:
        """Remove those that are there."""
        for ending in endings:
            if self.has(ending):
                self._file.handles.forget(f"{self._at}/{self._name}{ending}")
                remove(h5py.Group(self._group), f"{self._name}{ending}")

    def put_in_place(self, ending: str) -> None:
        """Put the one that was made anew in the place of the old one."""
        self.drop(ending)
        name = f"{self._name}{ending}"
        self._file.handles.forget(f"{self._at}/{name}{REMADE}")
        self._group.links.move(f"{name}{REMADE}".encode(), self._group, name.encode())

    def _new_fixed(
        self, ending: str, dtype: np.dtype[Any], shape: tuple[int, ...]
    ) -> h5d.DatasetID:
        rows = self._fixed.take_room(_row_bytes(dtype, shape))
        is_utf8 = dtype.kind == "S" and not self._fixed.is_marked
        stored = utf8_dtype(dtype) if is_utf8 else dtype
        return new_fixed_column(self._group, f"{self._name}{ending}", stored, (rows, *shape))

    def _new_growing(
        self,
        ending: str,
        dtype: np.dtype[Any],
        shape: tuple[int, ...],
        row_bytes: int,
        storage: Mapping[str, Any],
    ) -> h5d.DatasetID:
        key = ending.removesuffix(REMADE)
        if not key:
            self._fixed.room = 0
        self._file.has_growing = True
        stored = utf8_dtype(dtype) if dtype.kind == "S" else dtype
        rows = rows_a_chunk(
            row_bytes,
            self._rows_expected,
            rows_at_once=self.rows_at_once,
            is_certain=self._is_certain,
            is_compressed=bool(storage),
        )
        self._chunk_bytes[key] = rows * row_bytes
        name = f"{self._name}{ending}"
        dataset = new_column(self._group, name, stored, shape, chunk_rows=rows, storage=storage)
        self._codecs[key] = Codec.of(dataset) if storage else None
        return dataset

    @property
    def _group(self) -> h5g.GroupID:
        return self._file.handles.group(self._at)


def _row_bytes(dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    return dtype.itemsize * int(np.prod(shape, dtype=np.int64))
