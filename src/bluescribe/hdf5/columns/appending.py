"""Rows for columns that grow together: all of them are written, or they can be written again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...model.values import Array
from ..file import LiveFile
from .column import Column
from .encoding import Block

__all__ = ["append_rows", "fit_rows"]


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
