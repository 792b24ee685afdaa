"""Tables for people: text for a terminal, HTML for Jupyter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

__all__ = ["Column", "ShowsStatus", "Table"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column; numbers stand at its right."""

    name: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under the names of their columns.

    Text is neither cut nor wrapped: what stands in it is a path that somebody copies.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    title: str = ""
    notes: Sequence[str] = ()
    """Lines below the table."""

    def __str__(self) -> str:
        """Return it as lines of text."""
        names = [column.name for column in self.columns]
        cells = [[_plain(cell) for cell in row] for row in [names, *self.rows]]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [self._line(row, widths) for row in cells]
        return "\n".join([*filter(None, [_plain(self.title)]), *lines, *map(_plain, self.notes)])

    def _line(self, row: Sequence[str], widths: Sequence[int]) -> str:
        parts = [
            cell.rjust(width) if column.is_number else cell.ljust(width)
            for cell, width, column in zip(row, widths, self.columns, strict=True)
        ]
        return "  ".join(parts).rstrip()

    def html(self) -> str:
        """Return it as HTML, in which nothing of the texts is HTML."""
        head = "".join(f"<th>{escape(column.name)}</th>" for column in self.columns)
        body = "".join(
            f"<tr>{''.join(map(self._cell, self.columns, row))}</tr>" for row in self.rows
        )
        title = f"<caption>{escape(_plain(self.title))}</caption>" if self.title else ""
        notes = "".join(f"<p>{escape(_plain(note))}</p>" for note in self.notes)
        return f"<table>{title}<tr>{head}</tr>{body}</table>{notes}"

    @staticmethod
    def _cell(column: Column, cell: str) -> str:
        align = "right" if column.is_number else "left"
        return f'<td style="text-align: {align}">{escape(_plain(cell))}</td>'


class ShowsStatus:
    """What is shown in IPython as text and in Jupyter as HTML: what its ``status()`` tells."""

    status: Any

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self) if cycle else str(self.status()))

    def _repr_html_(self) -> str:
        return str(self.status()._repr_html_())


def _plain(text: str) -> str:
    """Return a text that breaks no line and says nothing to a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)
