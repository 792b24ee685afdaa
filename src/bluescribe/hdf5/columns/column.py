"""A column of a stream: rows in the layout that their values need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from ...model.declared import as_declared
from ...model.numbers import is_number
from ...model.run import Field
from ...model.values import Array
from ..file import LiveFile
from .datasets import MISSING, REMADE, SHAPE, Datasets
from .encoding import Block, decode, encode
from .fixed import FixedRows
from .growth import Growth
from .layout import Layout, layout_in

__all__ = ["Column"]

_ROWS_AT_ONCE = 4096

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
        self.group = group
        """Absolute path of the group."""
        self._name = name
        self._declared = declared
        self._attrs = attrs
        self._fixed = FixedRows(promised)
        self.datasets = Datasets(
            file,
            group,
            name,
            rows_expected=rows_expected,
            is_certain=is_certain,
            fixed=self._fixed,
        )
        self.blank = blank
        self._told = told
        self._missing: list[int] = []
        self._measured: list[tuple[int, np.dtype[Any]]] = []
        """Types that rows had before the column became wider: up to which row, and the type."""
        self.rows = 0
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
            self.datasets.create(MISSING, np.dtype(np.int64), (), {})
        return block

    def cut(self) -> bool:
        """Leave a dataset that cannot grow the rows that came; tell whether it was made anew."""
        if self.layout is None or not self._fixed.room or self._is_final():
            return False
        self._fixed.expect_no_more(self.rows)
        self._make_anew(self.layout)
        return True

    def _is_final(self) -> bool:
        return self._fixed.is_final(self.rows, self.datasets.get(""))

    def take_over(self, dataset: h5py.Dataset) -> None:
        """Be the column that a finished file has, to be shown."""
        self.rows, self.layout = len(dataset), layout_in(dataset)

    def append(self, block: Block) -> None:
        """Write rows after the last one; to be repeated as it is after a failure."""
        start = self.rows
        if self._fixed.room:
            self._fixed.look_at(block.array)
        self.datasets.write("", start, block.array)
        if block.shapes is not None:
            self.datasets.write(SHAPE, start, block.shapes)
        if block.missing:
            numbers = np.array([start + row for row in block.missing], np.int64)
            self.datasets.write(MISSING, len(self._missing), numbers)

    def advance(self, block: Block) -> None:
        """Count rows that were written."""
        self._missing.extend(self.rows + row for row in block.missing)
        self._measured.extend((self.rows + row, dtype) for row, dtype in block.measured)
        self.rows += len(block.array)
        self.is_remade = False

    def _does_not_fit(self, block: Block) -> bool:
        return self._needs_missing(block) or self._fixed.is_short_for(self.rows, block.array)

    def _needs_missing(self, block: Block) -> bool:
        return bool(block.missing) and not self.datasets.has(MISSING)

    def _remake(self, layout: Layout, *, is_short: bool) -> None:
        """Put the rows that are there into a layout that holds them."""
        if self.layout is None or layout.stored != self.layout.stored or is_short:
            self._make_anew(layout)
        if self.layout and is_number(self.layout.dtype) and self.layout.dtype != layout.dtype:
            self._measured.append((self.rows, self.layout.dtype))
        self.layout = layout

    def _make_anew(self, layout: Layout) -> None:
        """Make the dataset, with the rows that are there."""
        endings = ["", SHAPE][: 1 + layout.is_ragged]
        new = REMADE if self.rows else ""
        for ending in endings:
            dtype = np.dtype(np.int64) if ending else layout.dtype
            shape = (len(layout.shape),) if ending else layout.shape
            attrs = {} if ending else self._attrs_of(layout)
            self.datasets.create(ending + new, dtype, shape, attrs)
        self._convert(layout)
        for ending in endings if new else ():
            self.datasets.put_in_place(ending)
        if layout.is_json:
            self.datasets.drop(SHAPE, MISSING)
            self._missing.clear()  # JSON has a word for it

    def _convert(self, layout: Layout) -> None:
        """Write the rows that are there into the dataset that takes the place of theirs."""
        start = 0
        for block in self._converted(layout) if self.rows else ():
            self.datasets.write(REMADE, start, block.array)
            if block.shapes is not None:
                self.datasets.write(SHAPE + REMADE, start, block.shapes)
            start += len(block.array)

    def _converted(self, layout: Layout) -> Iterator[Block]:
        """Yield the rows that are there in another layout, some at a time."""
        for values in self._decoded():
            block = encode(values, layout)
            if block is None:  # pragma: no cover  # a layout is chosen that holds them
                raise AssertionError(f"{self.path}: rows do not fit {layout}")
            yield block

    def _attrs_of(self, layout: Layout) -> dict[str, Any]:
        attrs = {**self._attrs, **(self._told(layout) if self._told is not None else {})}
        if layout.is_json:
            attrs["encoding"] = "JSON text of each value"
        if layout.is_ragged:
            attrs["ragged"] = _RAGGED.format(f"{self._name}{SHAPE}")
        return attrs

    def _decoded(self) -> Iterator[list[Any]]:
        """Yield the rows that are there as the values that were measured, some at a time."""
        if self.layout is None:
            return
        gaps = set(self._missing)
        for start, stop, dtype in self._pieces():
            array = self.datasets.read("", start, stop)
            if dtype != array.dtype and is_number(array.dtype):  # rows of records were missing
                with np.errstate(invalid="ignore"):  # what stands for a missing value
                    array = array.real.astype(dtype) if dtype.kind != "c" else array.astype(dtype)
            is_ragged = self.layout.is_ragged
            shapes = self.datasets.read(SHAPE, start, stop) if is_ragged else None
            missing = tuple(row - start for row in range(start, stop) if row in gaps)
            yield decode(Block(array, shapes, missing), self.layout)

    def _pieces(self) -> Iterator[tuple[int, int, np.dtype[Any]]]:
        """Yield first row, last row and the measured type of rows, some at a time."""
        assert self.layout is not None
        begin = 0
        for end, dtype in [*self._measured, (self.rows, self.layout.dtype)]:
            for start in range(begin, end, _ROWS_AT_ONCE):
                yield start, min(start + _ROWS_AT_ONCE, end), dtype
            begin = max(begin, end)
