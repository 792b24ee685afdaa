"""JSON of any value: Python's json reads back what was measured."""

from __future__ import annotations

import json
import math
import uuid
from collections import ChainMap, OrderedDict, namedtuple
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bluescribe.errors import DocumentError
from bluescribe.files.json_text import dumps, event_with_arrays, plain

Point = namedtuple("Point", "x y")  # as a device may return it


class Colour(Enum):
    RED = 1
    LIST = (1, "a")


class Number(IntEnum):
    ONE = 1


class Word(StrEnum):
    ON = "on"


class Text(str):
    __slots__ = ()


@dataclass
class Data:
    x: int


class Broken:
    def __str__(self):
        raise RuntimeError("cannot be printed")


texts = st.one_of(st.text(), st.sampled_from(["\ud800", "null", "a\0", "\u2028", "\n", "NaN"]))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)
dtypes = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
    hnp.unicode_string_dtypes(max_len=3),
)
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))


def read(value):
    text = dumps(value)
    assert b"\n" not in text
    return json.loads(text)


def same(expected, found):
    """Equal in value and in type, with NaN equal to NaN and -0.0 not to 0.0."""
    return repr(expected) == repr(found)


@given(json_values)
def test_what_json_can_say_comes_back(value):
    assert same(value, read(value))


@given(arrays)
def test_an_array_comes_back_as_lists(array):
    assert same(array.tolist(), read(array))
    assert same({"a": [array.tolist()]}, read({"a": [array]}))


@given(arrays.filter(lambda array: array.ndim > 1))
def test_the_order_of_an_array_in_memory_makes_no_difference(array):
    for view in (array.T, array[::-1], array[..., ::2], np.asfortranarray(array)):
        assert same(view.tolist(), read(view))


@given(hnp.arrays(dtypes, ()))
def test_a_numpy_scalar_comes_back_as_the_python_one(array):
    assert same(array.item(), read(array[()]))


@given(json_values, arrays)
def test_the_fast_and_the_long_way_say_the_same(value, array):
    assert same(read([value, array]), json.loads(json.dumps(plain([value, array]))))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, math.nan), ([math.inf, -math.inf], [math.inf, -math.inf]), (2**70, 2**70),
        (-(2**64), -(2**64)), (-0.0, -0.0), (np.float32(0.1), 0.10000000149011612),
        (np.array([0.1], "f4"), [0.10000000149011612]),
        (np.array([0.1, math.nan], "f4"), [0.10000000149011612, math.nan]),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.array([1.5, math.nan]), [1.5, math.nan]), (np.longdouble(1.5), "1.5"),
        (1 + 2j, "(1+2j)"), (np.array([1j]), ["1j"]), (b"\xff\0", "/wA="),
        (bytearray(b"a"), "YQ=="),
        (np.array([b"a"]), ["YQ=="]), ({1, }, [1]), (frozenset({"a"}), ["a"]),
        ((1, (2,)), [1, [2]]),
        (Point(1, 2), [1, 2]), (OrderedDict(a=1), {"a": 1}), (ChainMap({"a": 1}), {"a": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}), (Path("/a/b"), "/a/b"), (Colour.RED, 1),
        (Colour.LIST, [1, "a"]), (Number.ONE, 1), (Word.ON, "on"), (Text("a"), "a"),
        (Data(1), "Data(x=1)"),
        (datetime(2026, 1, 2, 3, 4, 5, 6, UTC), "2026-01-02T03:04:05.000006+00:00"),
        (datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=-6))), "2026-01-02T00:00:00-06:00"),
        (date(2026, 1, 2), "2026-01-02"), (time(1, 2), "01:02:00"),
        (timedelta(seconds=1), "0:00:01"),
        (np.datetime64("2026-01-02", "ns"), "2026-01-02T00:00:00.000000000"),
        (np.array(["2026-01-02"], "M8[ns]"), ["2026-01-02T00:00:00.000000000"]),
        (np.array([["2026-01-02"]], "M8[D]"), [["2026-01-02"]]),
        (np.array([], "M8[ns]"), []), (np.timedelta64(5, "ns"), "5 nanoseconds"),
        (np.array([(1, 0.5)], "i4,f8"), [[1, 0.5]]),
        (np.array([None, 1, "a"], object), [None, 1, "a"]),
        (uuid.UUID(int=1), str(uuid.UUID(int=1))), (datetime, "<class 'datetime.datetime'>"),
        ({1: "a", None: "b", (1, 2): "c"}, {"1": "a", "None": "b", "(1, 2)": "c"}),
        ({np.int64(3): "d", 0.5: "e"}, {"3": "d", "0.5": "e"}),
        ({1: "a", "1": "b"}, {"1 (int)": "a", "1": "b"}), ({np.str_("a"): 1}, {"a": 1}),
    ],
    ids=str,
)  # fmt: skip
def test_what_json_has_no_word_for_is_said_in_another(value, expected):
    assert same(expected, read(value))
    assert same([None, expected], read([None, value]))  # None sends everything the long way


def test_an_object_that_cannot_be_printed_is_named_by_its_type():
    assert "Broken object" in read({"a": Broken()})["a"]


def test_a_value_that_contains_itself_is_refused():
    cycle: list = [1]
    cycle.append({"again": cycle})
    for value in (cycle, {"a": cycle}, np.array([cycle, 1], object), ChainMap({"a": cycle})):
        with pytest.raises(DocumentError, match="contains itself"):
            dumps(value)


def test_a_value_that_stands_in_two_places_is_written_in_both():
    shared = [1.5, None]
    assert read({"a": shared, "b": [shared, shared]}) == {"a": shared, "b": [shared, shared]}


def nested(depth):
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def test_deep_nesting_is_written():
    assert dumps(nested(300)) == b"[" * 301 + b"]" * 301


def test_nesting_without_end_is_refused():
    value = nested(100_000)
    with pytest.raises(DocumentError, match="nested too deeply"):
        dumps(value)
    while value:  # or Python's own deallocation is what fails
        value = value[0]


def test_an_integer_that_python_does_not_print_is_refused():
    with pytest.raises(DocumentError, match="digits"):
        dumps({"a": 10**5000})


def event(data, timestamps=None, **changes):
    whole = {
        "uid": "u",
        "descriptor": "d",
        "time": 1.5,
        "seq_num": 1,
        "data": data,
        "timestamps": dict.fromkeys(data, 1.5) if timestamps is None else timestamps,
        "filled": {},
    }
    return {**whole, **changes}


@given(
    st.dictionaries(st.text(), st.one_of(arrays, scalars), min_size=1),
    scalars,
    st.dictionaries(st.sampled_from(["uid", "time", "seq_num", "other"]), scalars),
)
def test_events_with_arrays_are_said_as_everything_is(data, stamp, changes):
    doc = event(data, dict.fromkeys(data, stamp), **changes)
    line = event_with_arrays(doc)
    assert line.endswith(b"\n")
    assert same(json.loads(line), json.loads(dumps(["event", doc])))


def test_an_event_with_arrays_that_is_damaged_is_said_as_it_came():
    array = np.arange(3.0)
    for doc in (
        {"descriptor": "d"},
        event({"a": array}, timestamps=[]),
        event({"a": array}, filled=[1]),
        event({"a": array, "b": 2**70}),
        event({"a": array, "b": "\ud800"}),
        event({3: array}),
    ):
        assert json.loads(event_with_arrays(doc)) == json.loads(dumps(["event", doc]))


def test_orjsons_own_words_are_taken_for_arrays_of_plain_numbers(monkeypatch):
    monkeypatch.setattr("bluescribe.files.json_text.dumps", None)
    assert b"[0.0,1.0,2.0]" in event_with_arrays(event({"a": np.arange(3.0), "b": None}))
