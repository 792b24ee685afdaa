"""EventColumns: an event_page whose columns are packed: 8 bytes a number, and no object for each.

A flyer's page of 10,000 rows is a hundred thousand objects as lists. They are packed once, on the
spool's thread, go through the log as buffers, and become lists again for formats that take them.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Mapping, Sequence
from types import NoneType
from typing import Any, TypeAlias

import numpy as np

from ..model.plain_values import is_plain
from ..model.values import Array
from .problems import BrokenSpoolError

__all__ = ["COLUMNS", "EventColumns"]

COLUMNS = "columns"
"""Its name among the documents that a lane takes; the event model has none such."""
_FEWEST = 32
"""Rows from which on packing pays."""
_SEPARATOR = "\0"
_TEXTS = "s"
_SCALARS = frozenset({float, int, str, bool, NoneType})
_BEYOND = 2**63
_OBJECT_BYTES = 40
"""Of a value in a list, about."""
_NUMPY_KINDS = "fiub"

_Place = tuple[str, str | None]
"""A part of an event_page, and the key of a column in it; None where the part is the column."""
_Packed: TypeAlias = "array[float] | array[int] | bytes | Array"


class EventColumns:
    """A page of events, packed; each column comes back with the types that its values had.

    Parameters
    ----------
    rest
        The page, with its columns of arrays; None stands in the place of those that are packed.
    columns
        These: floats or integers as an array, numpy's numbers as one of its arrays, texts as bytes.
    """

    def __init__(self, rest: dict[str, Any], columns: Mapping[_Place, _Packed]) -> None:
        self._rest = rest
        self._columns = columns

    @classmethod
    def of(cls, page: Any) -> EventColumns | None:
        """Return a page packed; None for a small one, and where not each column can be.

        Parameters
        ----------
        page
            An event_page that nobody else can change.
        """
        try:
            if len(page["seq_num"]) < _FEWEST or type(page["descriptor"]) is not str:
                return None
            found = _found(page)
        except Exception:  # whatever it is, as it came it is told of
            return None
        if not found:
            return None
        rest = {key: {**part} if type(part) is dict else part for key, part in page.items()}
        for part, key in found:
            _put(rest, part, key, None)
        return cls(rest, found) if is_plain(rest) else None

    @property
    def descriptor(self) -> str:
        """Uid of the descriptor of all of them."""
        return str(self._rest["descriptor"])

    @property
    def nbytes(self) -> int:
        """How much memory it takes, about."""
        others = (column for _, column in _columns_of(self._rest))
        packed = (np.frombuffer(column, np.uint8).nbytes for column in self._columns.values())
        return sum(packed) + sum(getattr(c, "nbytes", _OBJECT_BYTES * len(c)) for c in others)

    @property
    def page(self) -> dict[str, Any]:
        """The event_page as it came, made anew each time: it is large."""
        return self._filled(are_lists=True)

    @property
    def typed_page(self) -> dict[str, Any]:
        """The event_page with columns of numbers as arrays: the same values, packed."""
        return self._filled(are_lists=False)

    def told(self) -> tuple[Any, ...]:
        """Return it for a record, in which its buffers are not copied; `made` is its inverse."""
        columns = [
            (part, key, _code(column), np.frombuffer(column, np.uint8))
            for (part, key), column in self._columns.items()
        ]
        return self._rest, columns

    @classmethod
    def made(cls, told: Any) -> EventColumns:
        """Return what a record has.

        Raises
        ------
        BrokenSpoolError
            It is none.
        """
        try:
            rest, told_columns = told
            columns = {(p, k): _unpacked(code, buffer) for p, k, code, buffer in told_columns}
            return cls(rest, columns)
        except (TypeError, ValueError, KeyError) as error:
            raise BrokenSpoolError(f"a page of events cannot be read: {error!r}") from None

    def _filled(self, *, are_lists: bool) -> dict[str, Any]:
        page = {k: {**part} if type(part) is dict else part for k, part in self._rest.items()}
        for (part, key), packed in self._columns.items():
            column: Any = packed
            if type(packed) is bytes:
                column = packed.decode().split(_SEPARATOR)
            elif are_lists:
                column = list(packed) if isinstance(packed, np.ndarray) else packed.tolist()  # type: ignore[union-attr]  # array
            _put(page, part, key, column)
        return page


def _put(page: dict[str, Any], part: str, key: str | None, column: Any) -> None:
    if key is None:
        page[part] = column
    else:
        page[part][key] = column


def _found(page: Mapping[str, Any]) -> dict[_Place, _Packed] | None:
    """Return the columns that can be packed; None where one has more than numbers and texts."""
    rows, found = len(page["seq_num"]), {}
    for place, column in _columns_of(page):
        if type(column) is np.ndarray and not column.dtype.hasobject:
            continue
        if type(column) is not list or len(column) != rows:
            return None
        packed = _packed(column)
        if packed is not None:
            found[place] = packed
        elif not _SCALARS.issuperset(map(type, column)):
            return None
    return found


def _columns_of(page: Mapping[str, Any]) -> Iterator[tuple[_Place, Any]]:
    for part in ("uid", "seq_num", "time"):
        if page.get(part) is not None:
            yield (part, None), page[part]
    for part in ("data", "timestamps"):
        yield from (((part, key), c) for key, c in page[part].items() if c is not None)


def _packed(column: list[Any]) -> _Packed | None:
    """Return a list whose values are all numbers or texts, and of one type."""
    kind = type(column[0])
    if not {kind}.issuperset(map(type, column)):
        return None
    if kind is float:
        return _as_array("d", column)
    if kind is int:
        is_short = min(column) >= -_BEYOND and max(column) < _BEYOND
        return _as_array("q", column) if is_short else None
    if issubclass(kind, np.generic) and (dtype := np.dtype(kind)).kind in _NUMPY_KINDS:
        return np.array(column, dtype)
    return _joined(column) if kind is str else None


def _code(column: _Packed) -> str:
    """Return what tells the type of a packed column: an array's, numpy's, or that it is texts."""
    if isinstance(column, np.ndarray):
        return column.dtype.str
    return column.typecode if isinstance(column, array) else _TEXTS


def _as_array(code: str, column: Sequence[Any]) -> _Packed:
    made: Any = array(code)
    made.frombytes(struct.pack(f"{len(column)}{code}", *column))  # four times faster than array()
    return made  # type: ignore[no-any-return]


def _joined(texts: list[str]) -> bytes | None:
    joined = _SEPARATOR.join(texts)
    if joined.count(_SEPARATOR) != len(texts) - 1:
        return None
    try:
        return joined.encode()
    except UnicodeEncodeError:  # half a surrogate
        return None


def _unpacked(code: str, buffer: Any) -> _Packed:
    if code == _TEXTS:
        return bytes(buffer)
    if len(code) > 1:
        return np.frombuffer(buffer, code)
    made: Any = array(code)
    made.frombytes(memoryview(buffer))
    return made  # type: ignore[no-any-return]
