"""What differs between the run that was measured and the run that a file gives back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from .recorded import RecordedRun

__all__ = ["Rules", "differences"]

_LONGEST = 200


class Rules(Protocol):
    """What a format is allowed to change and to leave out."""

    @property
    def is_selective(self) -> bool:
        """Whether a field that is left out on purpose need not tell of its external files."""

    def same(self, expected: Any, found: Any) -> bool:
        """Tell whether a measured value came back."""

    def same_time(self, expected: float, found: float) -> bool:
        """Tell whether the time of an event came back, in epoch seconds."""

    def same_metadata(self, expected: Any, found: Any) -> bool:
        """Tell whether a start, stop or descriptor document came back."""

    def may_leave_out(self, stream: str, field: str | None, value: Any) -> bool:
        """Tell whether a value, or with None for its field a whole stream, may be left out."""

    def name_in_file(self, name: str) -> str:
        """Return what a reader finds as the name of a field or stream."""


def differences(expected: RecordedRun, found: RecordedRun, rules: Rules) -> Iterator[str]:
    """Yield each difference, in words.

    Parameters
    ----------
    expected, found : RecordedRun
        From the documents and from the file.
    rules : Rules
        Of the format.
    """
    if expected.uid != found.uid:
        yield f"uid {expected.uid!r} came back as {found.uid!r}"
    yield from _of_metadata(expected, found, rules)
    for stream in expected.seq_num:
        yield from _of_stream(expected, found, stream, rules)
    strange = found.seq_num.keys() - set(map(rules.name_in_file, expected.seq_num))
    if strange:
        yield f"streams that nobody measured: {sorted(strange)}"
    yield from _of_places(expected, found, rules)


def _of_metadata(expected: RecordedRun, found: RecordedRun, rules: Rules) -> Iterator[str]:
    if found.start is not None:
        for name in ("start", "stop"):
            told, read = getattr(expected, name), getattr(found, name)
            if not rules.same_metadata(told, read):
                yield f"{name}: {_short(told)} came back as {_short(read)}"
    if found.descriptors is not None:
        told, read = expected.descriptors, found.descriptors
        if not rules.same_metadata(told, read):
            yield f"descriptors: {_short(told)} came back as {_short(read)}"


def _of_stream(
    expected: RecordedRun, found: RecordedRun, stream: str, rules: Rules
) -> Iterator[str]:
    name = rules.name_in_file(stream)
    if name not in found.seq_num:
        if not (found.left_out.get((name, None)) and rules.may_leave_out(stream, None, None)):
            yield f"stream {stream!r} is not there, and nothing says where it is"
        return
    if expected.seq_num[stream] != found.seq_num[name]:
        told, read = _short(expected.seq_num[stream]), _short(found.seq_num[name])
        yield f"{stream!r}: seq_num {told} came back as {read}"
        return
    if found.times:
        pairs = zip(expected.times[stream], found.times[name], strict=True)
        yield from (
            f"{stream!r}: time {told} came back as {read}"
            for told, read in pairs
            if not rules.same_time(told, read)
        )
    yield from _of_fields(expected, found, stream, rules)
    if found.timestamps:
        stamps = found.timestamps[name]
        for field, column in expected.timestamps[stream].items():
            what = f"{stream!r}: timestamps of {field!r}"
            back = stamps.get(rules.name_in_file(field), [None] * len(column))
            yield from _of_timestamps(what, column, back, rules)


def _of_fields(
    expected: RecordedRun, found: RecordedRun, stream: str, rules: Rules
) -> Iterator[str]:
    name = rules.name_in_file(stream)
    read = found.events[name]
    for field, column in expected.events[stream].items():
        key = rules.name_in_file(field)
        back = read.get(key, [None] * len(column))
        if len(back) != len(column):
            yield f"{stream!r}: {field!r} has {len(back)} of {len(column)} rows"
            continue
        is_named = bool(found.left_out.get((name, key)))
        is_external = (stream, field) in expected.places  # a datum's id is no measured value
        for row, (told, value) in enumerate(zip(column, back, strict=True)):
            may = is_named and (is_external or rules.may_leave_out(stream, field, told))
            if value is None and may:
                continue
            if not _is_same(told, value, rules):
                yield f"{stream!r}: {field!r}[{row}] {_short(told)} came back as {_short(value)}"
    measured = set(map(rules.name_in_file, expected.events[stream]))
    for field in read.keys() - measured:
        if any(value is not None for value in read[field]):
            yield f"{stream!r}: {field!r} was never measured, and has {_short(read[field])}"


def _of_timestamps(
    what: str, expected: Sequence[Any], found: Sequence[Any], rules: Rules
) -> Iterator[str]:
    """Compare times of reading; where there is none a column of numbers has NaN."""
    if len(expected) != len(found) or not all(
        (e is None and f != f) or _is_same(e, f, rules)  # noqa: PLR0124  true of NaN only
        for e, f in zip(expected, found, strict=True)
    ):
        yield f"{what} {_short(expected)} came back as {_short(found)}"


def _is_same(expected: Any, found: Any, rules: Rules) -> bool:
    if expected is None or found is None:
        return expected is found
    return rules.same(expected, found)


def _of_places(expected: RecordedRun, found: RecordedRun, rules: Rules) -> Iterator[str]:
    """Yield external files that are not named where a reader looks for them."""
    for (stream, field), files in expected.places.items():
        key = rules.name_in_file(stream), rules.name_in_file(field)
        told = [*found.places.get(key, []), found.left_out.get(key, "")]
        if found.left_out.get((key[0], None)):
            continue
        if rules.is_selective and found.left_out.get(key):
            continue
        for file in files:
            if not any(file in text for text in told):
                yield f"{stream!r}: {field!r} is in {file}, which is not named: {_short(told)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"
