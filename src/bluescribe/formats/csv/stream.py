"""The tables of one stream: the fields' columns, and a table for each array field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...assets.asset import Asset
from ...files import Place
from ...model.ranks import RankedValues
from ...model.run import Descriptor, Page, Stream
from .arrays import ArrayTable, element_labels
from .cells import cells
from .dialect import Dialect
from .own_columns import own_columns
from .table import LINE_END, Table

__all__ = ["Column", "ExternalFiles", "StreamTables"]

_MOST_PLACES = 100
"""External files that are named one by one; of more there is the number."""


@dataclass(slots=True)
class Column:
    """A field's column in the table of its stream."""

    label: str
    traits: set[str] = field(default_factory=set)


@dataclass(slots=True)
class ExternalFiles:
    """The files that hold a field's values outside of the events."""

    places: dict[str, None] = field(default_factory=dict)
    number: int = 0
    _latest: str = ""

    def add(self, asset: Asset) -> bool:
        """Take in a file; tell whether it is one that is going to be named."""
        if asset.uid == self._latest or asset.place in self.places:
            return False
        self._latest = asset.uid
        self.number += 1
        if len(self.places) < _MOST_PLACES:
            self.places[asset.place] = None
        return self.number <= _MOST_PLACES + 1


class StreamTables:
    """All that is written of one stream, and what is to be said of it.

    The first value of a field decides where it goes: a scalar, text or structure into a column,
    a one-dimensional array into a table of its own. A later value that does not fit there goes,
    as it is, into a cell of the column. Arrays of more dimensions are counted and left out.

    Parameters
    ----------
    stream, descriptor
        The stream and its first descriptor.
    claim
        Makes the empty file for the stream's name and a field's, or None; the same file when it
        is asked again.
    dialect
        How the tables are written.
    """

    def __init__(
        self,
        stream: Stream,
        descriptor: Descriptor,
        claim: Callable[[str, str | None], Place],
        dialect: Dialect,
    ) -> None:
        self.stream = stream
        self.dialect = dialect
        self._own = own_columns(dialect)
        self.columns = self._columns(_declared_columns(descriptor), {})
        self.arrays: dict[str, ArrayTable] = {}
        self.left_out: dict[str, int] = {}
        """Arrays of two and more dimensions, by field."""
        self.external: dict[str, ExternalFiles] = {}
        self.first_seq_nums: dict[str, int] = {}
        """Where the events of each descriptor begin."""
        self.repeated = 0
        """Events whose seq_num is not above all before: the run was paused and went back."""
        self.rows = 0
        self.has_news = True
        """Whether there is something that the package does not say yet."""
        self._in_columns: set[str] = set()
        """Fields whose first value was one for a cell."""
        self._claim = claim
        self._last_seq_num = 0
        self.main = self._table(None, self._labels(self.columns))

    @property
    def tables(self) -> Iterator[Table]:
        """All tables, the stream's own last: of an event that is there, all is there."""
        yield from (array.table for array in self.arrays.values())
        yield self.main

    def declare(self, descriptor: Descriptor) -> None:
        """Make columns for the fields that are declared to have a scalar in each event."""
        self.has_news = True
        known = [*self.columns, *self.arrays]
        fresh = [name for name in _declared_columns(descriptor) if name not in known]
        self._set_columns([*self.columns, *fresh])
        self.main.flush()

    def write(self, page: Page) -> None:
        """Add the rows of a page."""
        fields = {name: RankedValues(values) for name, values in page.data.items()}
        self._make_room(fields)  # all that the disk may refuse comes before the first row
        own = [column.cells(page, self.dialect) for column in self._own]
        seq_nums = own[0]
        lines = self._lines(page, own, fields)  # what may fail comes before the first row
        for name in self.arrays.keys() & fields.keys():
            for seq_num, array in zip(seq_nums, fields[name].lists(), strict=True):
                if array is not None:
                    self.has_news |= self.arrays[name].put(seq_num, array)
        self.main.put(lines)
        self.rows += len(page)
        self._note(page, fields)

    def link(self, name: str, asset: Asset) -> None:
        """Note an external file of a field."""
        self.has_news |= self.external.setdefault(name, ExternalFiles()).add(asset)

    def flush(self) -> None:
        """Write the rows that wait."""
        for table in self.tables:
            table.flush()

    def close(self) -> None:
        """Finish the files; a second call goes on where the first one failed."""
        for array in self.arrays.values():
            array.close()
        self.main.close()

    def abandon(self) -> None:
        """Let go of the files."""
        for table in self.tables:
            table.abandon()

    def _make_room(self, fields: Mapping[str, RankedValues]) -> None:
        """Make the tables and columns that these values need."""
        for name, values in _by_row(fields, 1):
            if values.first == 0 and name not in self.arrays:
                self._in_columns.add(name)
            if values.longest < 0:
                continue
            if name not in self.arrays and values.first == 1 and name not in self._in_columns:
                labels = element_labels(values.longest)
                table = self._table(name, labels)
                self.arrays[name] = ArrayTable(table, self.dialect, values.longest)
                self.has_news = True
                table.flush()
            elif name in self.arrays and values.longest > self.arrays[name].width:
                self.arrays[name].widen(values.longest)
                self.has_news = True
        self._set_columns(self._wanted_columns(fields))

    def _table(self, name: str | None, labels: Sequence[str]) -> Table:
        return Table(self._claim(self.stream.name, name), labels, self.dialect.between)

    def _wanted_columns(self, fields: Mapping[str, RankedValues]) -> list[str]:
        """Return the fields that have a column or need one, in the order in which they need it.

        As long as there is no row, the first one may correct what was declared.
        """
        columns = list(self.columns) if self.rows else self._first_columns(fields)
        others = [name for name in self.stream.fields if name in fields and name not in columns]
        rows = {name: fields[name].first_scalar for name in others}
        fresh = {name: row for name, row in rows.items() if row is not None}
        return [*columns, *sorted(fresh, key=fresh.__getitem__)]

    def _first_columns(self, fields: Mapping[str, RankedValues]) -> list[str]:
        """Return the declared columns that the first row leaves, and those that it adds."""
        return [
            name
            for name in self.stream.fields
            if (name in self.columns and (name not in fields or fields[name].begins_with_scalar))
            or (name in fields and fields[name].first_scalar == 0)
        ]

    def _set_columns(self, names: Sequence[str]) -> None:
        if list(names) != list(self.columns):
            columns = self._columns(names, self.columns)
            self.main.relabel(self._labels(columns))
            self.columns = columns
            self.has_news = True

    def _columns(self, names: Sequence[str], former: Mapping[str, Column]) -> dict[str, Column]:
        """Return a column for each field, with labels that are not empty and not taken."""
        columns: dict[str, Column] = {}
        own = (column.label for column in self._own)
        taken = {*own, *(former[name].label for name in names if name in former)}
        for name in names:
            columns[name] = former.get(name) or Column(_label(name, taken))
            taken.add(columns[name].label)
        return columns

    def _labels(self, columns: Mapping[str, Column]) -> list[str]:
        own = (column.label for column in self._own)
        return [*own, *(column.label for column in columns.values())]

    def _lines(
        self, page: Page, own: list[list[bytes]], fields: Mapping[str, RankedValues]
    ) -> bytes:
        """Return a page's rows of the stream's own table."""
        texts = [*own]
        for name, column in self.columns.items():
            if name not in fields:
                texts.append([b""] * len(page))
                continue
            text, traits = cells(*fields[name].up_to(0 if name in self.arrays else 1))
            texts.append(self.dialect.cells(text))
            if not traits <= column.traits:
                column.traits |= traits
                self.has_news = True
        between = self.dialect.between
        return b"".join(between.join(row) + LINE_END for row in zip(*texts, strict=True))

    def _note(self, page: Page, fields: Mapping[str, RankedValues]) -> None:
        """Count what the package has to tell of."""
        for name, values in _by_row(fields, 2):
            if 2 in values.ranks:
                self.has_news |= name not in self.left_out
                self.left_out[name] = self.left_out.get(name, 0) + values.each.count(2)
        for seq_num in map(int, page.seq_num):
            self.repeated += seq_num <= self._last_seq_num
            self._last_seq_num = max(seq_num, self._last_seq_num)
        if len(page):
            self.first_seq_nums.setdefault(page.descriptor.uid, int(page.seq_num[0]))


def _by_row(fields: Mapping[str, RankedValues], rank: int) -> list[tuple[str, RankedValues]]:
    """Return fields in the order in which values of a rank came."""
    return sorted(fields.items(), key=lambda field: field[1].first_row(rank))


def _declared_columns(descriptor: Descriptor) -> list[str]:
    """Return the fields that are declared to have a scalar, or a datum's id, in each event."""
    return [
        name
        for name, declared in descriptor.fields.items()
        if (declared.dtype != "array" or declared.external) and not declared.is_streamed
    ]


def _label(name: str, taken: set[str]) -> str:
    """Return a field's label: its name, unless that is taken or nothing but blanks.

    Readers strip labels, so blanks around a name are no part of it.
    """
    label = plain = name.encode(errors="backslashreplace").decode().strip()
    number = 1
    while not label or label in taken:
        label = f"field:{plain}" if number == 1 else f"field:{plain}:{number}"
        number += 1
    return label
