"""Which fields of a stream are columns, which are spectra, and which are told in comments.

The first row decides: a SPEC scan names its columns once, before its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...model.dimensions import detector_fields, positioner_fields
from ...model.numbers import row_of_numbers
from ...model.run import Field, Page, Run, Stream
from .digits import is_finite, number
from .lines import LONGEST, label, unique

__all__ = ["EPOCH", "SEQ_NUM", "Column", "Layout", "Spectrum", "layout"]

EPOCH, SEQ_NUM = "Epoch", "seq_num"

_MOST_COLUMNS = 511
"""silx holds a row in 512 doubles; the process that reads more columns dies."""

_RESERVED = (EPOCH, SEQ_NUM, "_mca_")
"""Our own two columns, and what spec2nexus calls the spectra."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the rows."""

    label: str
    name: str | None = None
    """The field; None for ``Epoch`` and ``seq_num``."""
    codes: Mapping[str, int] = field(default_factory=dict)
    """Index of each enum string."""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """One ``@A`` line after each row."""

    label: str
    names: tuple[str, ...]
    """One array field, or the scalar fields for which there was no column."""
    channels: int
    is_field: bool = True


@dataclass(frozen=True, slots=True)
class Layout:
    """What each row of a scan consists of."""

    columns: tuple[Column, ...]
    spectra: tuple[Spectrum, ...]
    external: frozenset[str]
    """Fields whose values are in other files."""

    @property
    def labels(self) -> list[str]:
        """The labels, in the order of the columns."""
        return [column.label for column in self.columns]


def layout(run: Run, stream: Stream | None, page: Page | None, *, is_timed: bool = False) -> Layout:
    """Return what rows consist of, as the first one has it.

    Parameters
    ----------
    run, stream
        Whose rows; no stream when the run has none.
    page
        Holds the first row; None when there is none, and then the declarations decide.
    is_timed
        Whether there is a count time: the column of a scaler's time is called ``Seconds`` then.
    """
    if stream is None:
        return Layout((Column(EPOCH), Column(SEQ_NUM)), (), frozenset())
    first = {k: column[0] for k, column in page.data.items()} if page is not None else {}
    declared = {**{k: Field(k) for k in first}, **stream.fields}
    external = frozenset(k for k, f in declared.items() if f.external)
    inside = [f for k, f in declared.items() if k not in external]
    scalars = [f for f in inside if _is_scalar(f, first.get(f.name))]
    order = _ordered(run, stream, [f.name for f in scalars])
    if page is not None:
        order = _first_finite(order, {**first, _OWN_EPOCH: page.time[0]})
    rest = order[_MOST_COLUMNS:]
    timer = next((k for k in order if _is_timer(declared.get(k))), None) if is_timed else None
    columns = _columns(order[:_MOST_COLUMNS], declared, timer)
    lengths = {f.name: _channels(first.get(f.name)) for f in inside}
    arrays = {k: n for k, n in lengths.items() if n is not None}
    return Layout(columns, _spectra(arrays, rest, columns), external)


def _is_scalar(declared: Field, value: Any) -> bool:
    if value is None:
        return declared.is_one_number
    return number(value, declared.codes) is not None


def _channels(value: Any) -> int | None:
    """Return the length of a spectrum; an empty one is not taken for one that will be longer."""
    array = row_of_numbers(value)
    return None if array is None or not array.size else array.size


def _ordered(run: Run, stream: Stream, scalars: list[str]) -> list[str]:
    """Return motors, ``Epoch``, ``seq_num``, others, detectors with the main one last."""
    motors = [f for f in positioner_fields(run, stream) if f in scalars]
    detectors = [f for f in detector_fields(run, stream) if f in scalars and f not in motors]
    hinted = {*motors, *detectors}
    others = [f for f in scalars if f not in hinted]
    return [*motors, _OWN_EPOCH, _OWN_SEQ_NUM, *others, *detectors[1:], *detectors[:1]]


_OWN_EPOCH, _OWN_SEQ_NUM = "\0Epoch", "\0seq_num"
"""Not to be confused with fields that are called so."""


def _first_finite(order: list[str], first: Mapping[str, Any]) -> list[str]:
    """Begin with a number: xrayutilities takes a first row that does not for none at all."""
    if is_finite(first.get(order[0])):
        return order
    begin = _OWN_EPOCH if is_finite(first[_OWN_EPOCH]) else _OWN_SEQ_NUM
    return [begin, *(name for name in order if name != begin)]


def _is_timer(declared: Field | None) -> bool:
    """Tell whether a field is the time that a scaler counted."""
    if declared is None:
        return False
    return declared.name in ("time", "Seconds", f"{declared.object_name}_time")


def _columns(
    order: Sequence[str], declared: Mapping[str, Field], timer: str | None
) -> tuple[Column, ...]:
    columns, taken = [], set(_RESERVED)
    for name in order:
        if name in (_OWN_EPOCH, _OWN_SEQ_NUM):
            columns.append(Column(name[1:]))
            continue
        text = "Seconds" if name == timer else label(name)
        columns.append(Column(unique(text, taken), name, declared[name].codes))
        taken.add(columns[-1].label)
    return tuple(_fitting(columns))


def _fitting(columns: list[Column]) -> Iterable[Column]:
    """Shorten labels until ``#L`` is short enough for silx, the longest ones first."""
    sizes = [len(column.label.encode()) + 2 for column in columns]
    if sum(sizes) < LONGEST:
        return columns
    widths = range(max(sizes), 1, -1)
    width = next(w for w in widths if sum(min(size, w) for size in sizes) < LONGEST) - 2
    return [
        column if len(column.label.encode()) <= width else _shortened(column, number, width)
        for number, column in enumerate(columns, 1)
    ]


def _shortened(column: Column, number: int, width: int) -> Column:
    """Return a column whose label ends in its number, for that makes it unique."""
    ending = f"~{number}"
    text = column.label.encode()[: width - len(ending)].decode(errors="ignore").strip()
    return Column(f"{text}{ending}", column.name, column.codes)


def _spectra(
    arrays: Mapping[str, int], rest: Sequence[str], columns: Iterable[Column]
) -> tuple[Spectrum, ...]:
    spectra, taken = [], {column.label for column in columns} | set(_RESERVED)
    for name, channels in arrays.items():
        word = unique(label(name).replace(" ", "_"), taken)
        taken.add(word)
        spectra.append(Spectrum(word, (name,), channels))
    if rest:
        spectra.append(Spectrum(unique("further_scalars", taken), tuple(rest), len(rest), False))
    return tuple(spectra)
