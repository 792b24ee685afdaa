"""The columns that a stream's table has beside those of its fields: which event, and when.

They stand before the fields, in this order. All that is asked of one is here: when it is written,
what stands in its cells, and what the package says of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...model.run import Page
from .cells import cells
from .dialect import Dialect

__all__ = ["SEQ_NUM", "OwnColumn", "own_columns"]


def _always(_: Dialect) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class OwnColumn:
    """A column that is no field."""

    label: str
    cells: Callable[[Page, Dialect], list[bytes]]
    """Returns a cell for each event of a page."""
    schema: Callable[[Dialect], dict[str, Any]]
    """Returns what Table Schema has to say beside the name: type, unit, description."""
    is_written: Callable[[Dialect], bool] = _always
    """Tells whether tables have it."""

    def described(self, dialect: Dialect) -> dict[str, Any]:
        """Return the column as a field of a Table Schema."""
        return {"name": self.label, **self.schema(dialect)}


def own_columns(dialect: Dialect) -> tuple[OwnColumn, ...]:
    """Return the columns that tables have beside their fields; `SEQ_NUM` is the first."""
    return tuple(column for column in _ALL if column.is_written(dialect))


def _seq_nums(page: Page, _: Dialect) -> list[bytes]:
    return cells(page.seq_num).texts


def _seq_num_schema(_: Dialect) -> dict[str, Any]:
    return {"type": "integer", "description": "Number of the event."}


def _times(page: Page, dialect: Dialect) -> list[bytes]:
    return dialect.cells(cells(page.time).texts)


def _time_schema(dialect: Dialect) -> dict[str, Any]:
    when = "When the event was made: seconds since 1970-01-01T00:00:00Z."
    return {"type": "number", "unit": "s", "description": when, **dialect.decimal_char}


def _iso_times(page: Page, dialect: Dialect) -> list[bytes]:
    return dialect.times(page.time)


def _iso_time_schema(dialect: Dialect) -> dict[str, Any]:
    description = f"The same time {_ISO_TIMES[dialect.iso_time]}; empty where no calendar has it."
    return {"type": "datetime", "format": "any", "description": description}


def _wants_iso_time(dialect: Dialect) -> bool:
    return dialect.iso_time != "none"


_ISO_TIMES = {
    "offset": "in ISO 8601, with the offset of the zone in which it was written",
    "local": "of the zone in which it was written, in milliseconds, as spreadsheets read it",
}

SEQ_NUM = OwnColumn("seq_num", _seq_nums, _seq_num_schema)
"""It is the first one of tables of arrays, too, whose rows are found by it."""

_ALL = (
    SEQ_NUM,
    OwnColumn("time", _times, _time_schema),
    OwnColumn("iso_time", _iso_times, _iso_time_schema, _wants_iso_time),
)
