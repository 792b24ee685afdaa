"""Whole records are read, and a torn end is known for one."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluescribe.spool.records import Kind, Record, packed, records

parts = st.lists(st.binary(max_size=20), max_size=4)
told = st.lists(st.tuples(st.sampled_from(Kind), parts), min_size=1, max_size=5)


def written(some: list[tuple[Kind, list[bytes]]]) -> bytes:
    return b"".join(bytes(buffer) for kind, each in some for buffer in packed(kind, each))


def read(data: bytes) -> list[tuple[Kind, list[bytes]]]:
    return [
        (record.kind, [bytes(part) for part in record.parts])
        for record in records(io.BytesIO(data))
    ]


@given(told)
def test_records_come_back(some):
    data = written(some)
    assert read(data) == some
    assert [*records(io.BytesIO(data))][-1].end == len(data)


@given(told, st.data())
def test_a_torn_end_costs_the_last_record_only(some, data):
    whole = written(some)
    cut = data.draw(st.integers(0, len(whole)))
    found = read(whole[:cut])
    assert found == some[: len(found)]
    assert len(written(some[: len(found)])) <= cut
    assert len(found) == len(some) or len(written(some[: len(found) + 1])) > cut
    padded = read(whole[:cut] + bytes(64))
    assert padded in (found, some[: len(found) + 1]), "zeros are no record, but may end one"


@given(told, st.data())
def test_a_byte_that_changed_is_noticed(some, data):
    whole = bytearray(written(some))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    found = read(bytes(whole))
    assert found == some[: len(found)]
    assert len(written(some[: len(found)])) <= place


class Growing(io.BytesIO):
    """A file that another process goes on writing while it is read."""

    def __init__(self, data: bytes, at: int) -> None:
        super().__init__(data[:at])
        self._rest = data[at:]

    def read(self, size: int | None = -1) -> bytes:
        got = super().read(size)
        place = self.tell()
        self.seek(0, io.SEEK_END)
        self.write(self._rest)
        self._rest = b""
        self.seek(place)
        return got


@given(told, st.data())
def test_what_is_written_meanwhile_is_whole_or_not_there(some, data):
    whole = written(some)
    file = Growing(whole, data.draw(st.integers(0, len(whole))))
    found = [(record.kind, [bytes(part) for part in record.parts]) for record in records(file)]
    assert found == some[: len(found)]


def test_arrays_are_not_copied():
    image = np.arange(1000, dtype=np.uint16).reshape(20, 50)
    *_, last = packed(Kind.DOCUMENT, [b"event", image.data])
    assert np.shares_memory(np.frombuffer(last, np.uint16), image)


def test_a_record_tells_where_the_next_begins():
    first, second = written([(Kind.ROWS, [b"1"])]), written([(Kind.FORM, [b"2"])])
    found = [*records(io.BytesIO(first + second))]
    assert [record.end for record in found] == [len(first), len(first + second)]
    assert isinstance(found[0], Record)
    assert read((first + second)[found[0].end :]) == [(Kind.FORM, [b"2"])]


@pytest.mark.parametrize("data", [b"", b"bs", b"\0" * 100, b"bs" * 100, b"\xff" * 100])
def test_what_is_no_record_is_none(data):
    assert read(data) == []
