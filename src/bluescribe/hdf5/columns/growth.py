"""What a column becomes row by row, however many of them come at once.

Each value that does not fit makes the column wider, in the order in which the values were
measured. So one batch of a thousand ends in the same layout, and in the same bytes, as a thousand
batches of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from ...files.json_text import dumps
from ...model.numbers import is_number
from ...model.run import Field
from ...model.values import Array
from .encoding import Block, decode, encode
from .layout import Layout, json_layout, layout_of, widened

__all__ = ["Growth"]


class Growth:
    """The layout of a column while it takes more rows.

    Parameters
    ----------
    layout
        Of the rows that it has; None where it has none.
    declared
        What the descriptor says of the values.
    former
        Yields the values that it has, some at a time.
    """

    def __init__(
        self, layout: Layout | None, declared: Field, former: Callable[[], Iterator[list[Any]]]
    ) -> None:
        self.layout = layout or Layout(np.dtype(np.float64), is_open=True)
        self._is_new = layout is None
        self._declared = declared
        self._former = former
        self._settled: list[Any] = []
        """Values that came before the last one that made the column wider."""
        self._measured: list[tuple[int, np.dtype[Any]]] = []
        self._fresh: list[Any] = []
        """The values since."""
        self._block: Block | None = None
        """All of them, where they came at once."""

    def take(self, values: Sequence[Any] | Array) -> None:
        """Take values, as if they came one by one."""
        if self._is_new and len(values):
            self._begin(values[0])
        block = encode(values, self.layout)
        if block is not None:
            self._block = None if self._settled or self._fresh else block
            self._fresh.extend(values)
        elif len(values) == 1:
            self._widen(values[0])
            self._fresh.append(values[0])
        else:  # find the first that does not fit
            half = len(values) // 2
            self.take(values[:half])
            self.take(values[half:])

    def block(self) -> Block:
        """Return all that was taken, in the layout that holds all of it."""
        if self._block is not None:
            return self._block
        block = encode([*self._settled, *self._fresh], self.layout)
        if block is None:  # pragma: no cover  # each of them was tried
            raise AssertionError(f"values do not fit {self.layout}")
        return replace(block, measured=tuple(self._measured))

    def _begin(self, value: Any) -> None:
        self._is_new = False
        layout = layout_of(value, self._declared)
        is_held = layout is not None and encode([value], layout) is not None
        self.layout = layout if layout is not None and is_held else json_layout(len(dumps(value)))

    def _widen(self, value: Any) -> None:
        """Find the layout that holds a value as well, and all before it."""
        self._settle()
        layout = widened(self.layout, value, self._declared)
        if layout is None or not self._holds_all(layout, value):
            layout = self._as_json(value)
        self.layout = layout

    def _settle(self) -> None:
        """Put the values so far aside as the column has them."""
        self._block = None
        if not self._fresh:
            return
        block = encode(self._fresh, self.layout)
        assert block is not None
        self._settled.extend(decode(block, self.layout))
        self._fresh = []
        if is_number(self.layout.dtype):
            self._measured.append((len(self._settled), self.layout.dtype))

    def _holds_all(self, layout: Layout, value: Any) -> bool:
        if encode([value], layout) is None:
            return False
        if layout.dtype == self.layout.dtype or (layout.is_text and self.layout.is_text):
            return True
        before = chain(self._former(), [self._settled])
        return all(encode(rows, layout) is not None for rows in before)

    def _as_json(self, value: Any) -> Layout:
        """Return the layout of JSON text with room for all values so far."""
        if self.layout.is_json:
            return json_layout(max(self.layout.dtype.itemsize, len(dumps(value))))
        rows = chain(chain.from_iterable(self._former()), self._settled, [value])
        return json_layout(max(len(dumps(row)) for row in rows))
