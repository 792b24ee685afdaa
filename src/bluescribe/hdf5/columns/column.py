"""One growing dataset: a column of a stream, in the layout that its values need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5g

from ...model.declared import as_declared
from ...model.numbers import is_number
from ...model.run import Field
from ...model.values import Array
from ..file import LiveFile
from ..objects import as_stored, new_attributes, new_column, new_fixed_column, utf8_dtype
from ..removal import remove
from .chunks import are_compressed, rows_a_chunk
from .codec import Codec
from .encoding import Block, decode, encode
from .fixed import FixedRows
from .growth import Growth
from .layout import Layout, layout_in
from .rows import write_rows, write_within

__all__ = ["MISSING", "REMADE", "Column", "append_rows", "fit_rows"]

_ROWS_AT_ONCE = 4096
_OVERHEAD, _A_WRITE = 16 << 10, 256
"""Bytes that a dataset, or a block of rows in it, needs beside the rows themselves."""
MISSING = "_missing"
"""Ending of the name of the dataset with the numbers of rows that have no value."""
REMADE = "__remade"
"""Ending of a dataset's name until it takes the place of the old one."""

_RAGGED = "row i holds the first {0}[i] elements of each dimension; the rest is padding"


class Column:
    """A dataset with one row an event, at ``<group>/<name>``.

    Parameters
    ----------
    file
        The file.
    group, name
        Where the dataset is; ``<name>_shape`` beside it holds the shapes of ragged rows,
        ``<name>_missing`` the numbers of rows without a value.
    declared
        What the descriptor says of the values.
    attrs
        Attributes of the dataset.
    rows_expected
        How many rows will come, as far as one can know, for the chunks.
    is_certain
        Whether there will not be many more, as in a baseline.
    promised
        How many rows the stop document tells of, if that has come; 0 where nobody knows.
    blank
        What stands in rows from before the column was made; None where nothing does.
    told
        Returns attributes that depend on the layout.
    """

    def __init__(
        self,
        file: LiveFile,
        group: str,
        name: str,
        declared: Field,
        attrs: Mapping[str, Any],
        *,
        rows_expected: int,
        is_certain: bool = False,
        promised: int = 0,
        blank: Any = None,
        told: Callable[[Layout], Mapping[str, Any]] | None = None,
    ) -> None:
        self._file = file
        self.group = group
        """Absolute path of the group."""
        self._name = name
        self._declared = declared
        self._attrs = attrs
        self._rows_expected = rows_expected
        self._is_certain = is_certain
        self._fixed = FixedRows(promised)
        self.blank = blank
        self._told = told
        self._chunk_bytes: dict[str, int] = {}
        self._codecs: dict[str, Codec | None] = {}
        self._missing: list[int] = []
        self._measured: list[tuple[int, np.dtype[Any]]] = []
        """Types that rows had before the column became wider: up to which row, and the type."""
        self.rows = 0
        self.rows_at_once = 0
        """Rows of the largest page that a producer has sent."""
        self.layout: Layout | None = None
        self.is_remade = False
        """Whether the dataset was made for rows that are not all written yet."""

    @property
    def path(self) -> str:
        """Absolute path of the dataset."""
        return f"{self.group}/{self._name}"

    def fit(self, values: Sequence[Any] | Array) -> Block | None:
        """Return `values` as they go into the dataset, or None if it must be made for them."""
        if self.layout is None:
            return None
        if self._declared.dtype_numpy is not None:
            values = as_declared(values, self._declared.dtype_numpy)
        block = encode(values, self.layout)
        return None if block is not None and self._does_not_fit(block) else block

    def make_fit(self, values: Sequence[Any] | Array) -> Block:
        """Make or remake the dataset so that `values` fit; the file must be plain."""
        growth = Growth(self.layout, self._declared, self._decoded)
        growth.take(as_declared(values, self._declared.dtype_numpy))
        block = growth.block()
        self.is_remade = True
        is_short = self._fixed.is_short_for(self.rows, block.array)
        self._fixed.expect(self.rows, block.array)
        self._remake(growth.layout, is_short=is_short)
        if self._needs_missing(block):
            self._create(f"{self._name}{MISSING}", np.dtype(np.int64), (), {})
        return block

    def cut(self) -> bool:
        """Leave a dataset that cannot grow the rows that came; tell whether it was made anew."""
        if self.layout is None or not self._fixed.room or self._is_final():
            return False
        self._fixed.expect_no_more(self.rows)
        self._make_anew(self.layout)
        return True

    def _is_final(self) -> bool:
        return self._fixed.is_final(self.rows, self._dataset(self._name))

    def take_over(self, dataset: h5py.Dataset) -> None:
        """Be the column that a finished file has, to be shown."""
        self.rows, self.layout = len(dataset), layout_in(dataset)

    def append(self, block: Block) -> None:
        """Write rows after the last one; to be repeated as it is after a failure."""
        start = self.rows
        if self._fixed.room:
            self._fixed.look_at(block.array)
        self._write(self._name, start, block.array)
        if block.shapes is not None:
            self._write(f"{self._name}_shape", start, block.shapes)
        if block.missing:
            numbers = np.array([start + row for row in block.missing], np.int64)
            self._write(f"{self._name}{MISSING}", len(self._missing), numbers)

    def advance(self, block: Block) -> None:
        """Count rows that were written."""
        self._missing.extend(self.rows + row for row in block.missing)
        self._measured.extend((self.rows + row, dtype) for row, dtype in block.measured)
        self.rows += len(block.array)
        self.is_remade = False

    def _does_not_fit(self, block: Block) -> bool:
        return self._needs_missing(block) or self._fixed.is_short_for(self.rows, block.array)

    def _needs_missing(self, block: Block) -> bool:
        return bool(block.missing) and not self._has(f"{self._name}{MISSING}")

    def _has(self, name: str) -> bool:
        return bool(self._group.links.exists(name.encode()))

    def _remake(self, layout: Layout, *, is_short: bool) -> None:
        """Put the rows that are there into a layout that holds them."""
        if self.layout is None or layout.stored != self.layout.stored or is_short:
            self._make_anew(layout)
        if self.layout and is_number(self.layout.dtype) and self.layout.dtype != layout.dtype:
            self._measured.append((self.rows, self.layout.dtype))
        self.layout = layout

    def _make_anew(self, layout: Layout) -> None:
        """Make the dataset, with the rows that are there."""
        names = [self._name, f"{self._name}_shape"][: 1 + layout.is_ragged]
        ending = REMADE if self.rows else ""
        for name in names:
            is_shape = name != self._name
            dtype = np.dtype(np.int64) if is_shape else layout.dtype
            shape = (len(layout.shape),) if is_shape else layout.shape
            attrs = {} if is_shape else self._attrs_of(layout)
            self._create(name + ending, dtype, shape, attrs)
        self._convert(layout)
        for name in names if ending else ():
            self._replace(name)
        if layout.is_json:
            self._drop(f"{self._name}_shape", f"{self._name}{MISSING}")
            self._missing.clear()  # JSON has a word for it

    def _convert(self, layout: Layout) -> None:
        """Write the rows that are there into the dataset that takes the place of theirs."""
        start = 0
        for block in self._converted(layout) if self.rows else ():
            self._write(self._name + REMADE, start, block.array)
            if block.shapes is not None:
                self._write(f"{self._name}_shape{REMADE}", start, block.shapes)
            start += len(block.array)

    def _converted(self, layout: Layout) -> Iterator[Block]:
        """Yield the rows that are there in another layout, some at a time."""
        for values in self._decoded():
            block = encode(values, layout)
            if block is None:  # pragma: no cover  # a layout is chosen that holds them
                raise AssertionError(f"{self.path}: rows do not fit {layout}")
            yield block

    def _drop(self, *names: str) -> None:
        for name in names:
            if self._has(name):
                self._remove(name)

    def _replace(self, name: str) -> None:
        if self._has(name):
            self._remove(name)
        self._file.handles.forget(f"{self.group}/{name}{REMADE}")
        self._group.links.move(f"{name}{REMADE}".encode(), self._group, name.encode())

    def _remove(self, name: str) -> None:
        self._file.handles.forget(f"{self.group}/{name}")
        remove(h5py.Group(self._group), name)

    def _attrs_of(self, layout: Layout) -> dict[str, Any]:
        attrs = {**self._attrs, **(self._told(layout) if self._told is not None else {})}
        if layout.is_json:
            attrs["encoding"] = "JSON text of each value"
        if layout.is_ragged:
            attrs["ragged"] = _RAGGED.format(f"{self._name}_shape")
        return attrs

    def _decoded(self) -> Iterator[list[Any]]:
        """Yield the rows that are there as the values that were measured, some at a time."""
        if self.layout is None:
            return
        gaps = set(self._missing)
        for start, stop, dtype in self._pieces():
            array = h5py.Dataset(self._dataset(self._name))[start:stop]
            if dtype != array.dtype and is_number(array.dtype):  # rows of records were missing
                with np.errstate(invalid="ignore"):  # what stands for a missing value
                    array = array.real.astype(dtype) if dtype.kind != "c" else array.astype(dtype)
            ragged = self.layout.is_ragged
            shapes = self._shapes(start, stop) if ragged else None
            missing = tuple(row - start for row in range(start, stop) if row in gaps)
            yield decode(Block(array, shapes, missing), self.layout)

    def _shapes(self, start: int, stop: int) -> Array:
        shapes: Array = h5py.Dataset(self._dataset(f"{self._name}_shape"))[start:stop]
        return shapes

    def _pieces(self) -> Iterator[tuple[int, int, np.dtype[Any]]]:
        """Yield first row, last row and the measured type of rows, some at a time."""
        assert self.layout is not None
        begin = 0
        for end, dtype in [*self._measured, (self.rows, self.layout.dtype)]:
            for start in range(begin, end, _ROWS_AT_ONCE):
                yield start, min(start + _ROWS_AT_ONCE, end), dtype
            begin = max(begin, end)

    def _create(
        self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...], attrs: Mapping[str, Any]
    ) -> None:
        """Make an empty dataset; one of that name is left from a failed try."""
        self._file.make_room(_OVERHEAD)
        if self._has(name):
            self._remove(name)
        row_bytes = _row_bytes(dtype, shape)
        storage = self._file.compression if are_compressed(row_bytes) else {}
        is_own = name.removesuffix(REMADE) == self._name
        if is_own and self._file.is_held and not storage and not dtype.hasobject:
            dataset = self._new_fixed(name, dtype, shape)
        else:
            dataset = self._new_growing(name, dtype, shape, row_bytes, storage)
        new_attributes(dataset, attrs)
        self._file.handles.keep(f"{self.group}/{name}", dataset)

    def _new_fixed(self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> h5d.DatasetID:
        rows = self._fixed.take_room(_row_bytes(dtype, shape))
        is_utf8 = dtype.kind == "S" and not self._fixed.is_marked
        stored = utf8_dtype(dtype) if is_utf8 else dtype
        return new_fixed_column(self._group, name, stored, (rows, *shape))

    def _new_growing(
        self,
        name: str,
        dtype: np.dtype[Any],
        shape: tuple[int, ...],
        row_bytes: int,
        storage: Mapping[str, Any],
    ) -> h5d.DatasetID:
        if name.removesuffix(REMADE) == self._name:
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
        self._chunk_bytes[name.removesuffix(REMADE)] = rows * row_bytes
        dataset = new_column(self._group, name, stored, shape, chunk_rows=rows, storage=storage)
        self._codecs[name.removesuffix(REMADE)] = Codec.of(dataset) if storage else None
        return dataset

    def _write(self, name: str, start: int, array: Array | list[Array]) -> None:
        is_fixed = self._fixed.room > 0 and name.removesuffix(REMADE) == self._name
        is_marked = is_fixed and self._fixed.is_marked
        if isinstance(array, np.ndarray) and array.dtype.kind == "S" and not is_marked:
            array = as_stored(array)
        size = sum(row.nbytes for row in array) if isinstance(array, list) else array.nbytes
        self._file.make_room(size + self._chunk_bytes.get(name.removesuffix(REMADE), 0) + _A_WRITE)
        codec = self._codecs.get(name.removesuffix(REMADE))
        write = write_within if is_fixed else write_rows if codec is None else codec.write
        write(self._dataset(name), start, array)

    @property
    def _group(self) -> h5g.GroupID:
        return self._file.handles.group(self.group)

    def _dataset(self, name: str) -> h5d.DatasetID:
        return self._file.handles.dataset(self.group, name)


def fit_rows(
    file: LiveFile, rows: int, cells: Mapping[Column, Sequence[Any] | Array]
) -> tuple[dict[Column, Block], list[Column]]:
    """Return rows as they go into columns that grow together, and make those that need it.

    Parameters
    ----------
    file
        Of the columns.
    rows
        How many there are in the table; a column that is new gets as many without a value.
    cells
        What each column gets.

    Returns
    -------
    blocks
        For `append_rows`.
    remade
        The columns that were made, or made anew, now or in a try that failed: the file is plain
        then.
    """
    blocks = {c: c.fit(values) if c.rows == rows else None for c, values in cells.items()}
    misfits = [column for column, block in blocks.items() if block is None]
    remade = [column for column, block in blocks.items() if block is None or column.is_remade]
    if remade:
        file.plain()
        for column in misfits:
            blocks[column] = _make_fit(column, rows, cells[column])
    return {column: block for column, block in blocks.items() if block is not None}, remade


def append_rows(blocks: Mapping[Column, Block]) -> None:
    """Append rows; they count when all are written, so a call that failed can be repeated."""
    for column, block in blocks.items():
        column.append(block)
    for column, block in blocks.items():
        column.advance(block)


def _make_fit(column: Column, rows: int, values: Sequence[Any] | Array) -> Block:
    if column.rows < rows:
        block = column.make_fit([column.blank] * (rows - column.rows))
        column.append(block)
        column.advance(block)
    return column.make_fit(values)


def _row_bytes(dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    return dtype.itemsize * int(np.prod(shape, dtype=np.int64))
