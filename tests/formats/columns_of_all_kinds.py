"""Streams whose columns change their minds: values of every kind, in any order, with gaps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bluescribe.testing import HOSTILE

Document = tuple[str, dict[str, Any]]

_LONG = np.arange(600.0)
_RECORDS = np.array([(1, 2.5, (1, 2)), (3, np.nan, (0.5, 1e-5))], "i2,f8,2f4")
_DENSE = {"5,001 digits", "300,000 digits", "deep list", "deep tuple", "deep dict"}

POOLS: dict[str, list[Any]] = {
    "numbers": [0, 1, -1, 2.5, 1e-5, 1e16, float("nan"), float("inf"), -0.0, True, False, None],
    "integers": [1, -1, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64, 0.5, 1e19, None, 70000],
    "numpy": [
        *(np.int8(1), np.uint16(40000), np.int64(2**60), np.uint64(2**63), np.float16(0.1)),
        *(np.float32(0.1), np.float32(1.5), np.float64(1e-5), np.longdouble("0.1"), np.bool_(True)),
        *(np.complex64(1j), np.str_("text"), np.datetime64("NaT"), 1, 0.1, None),
    ],
    "texts": ["", "a", "on", "µ" * 9, "x" * 15, "x" * 16, "x" * 17, "x" * 33, "x" * 300, None],
    "odd texts": ["a", "a\0b", "b\0", "a\ud800", "-1", "=1", 'a"b,\r\n', "1e-05", None, "x" * 40],
    "texts and others": ["on", 1, 2.5, True, None, [1, 2], ["a"], {"a": 1e-5}, b"ab", "x" * 70],
    "lists": [[], [1], [1, 2], [3, 4], [0.5, 1e-5], [1, None], [True], [2**53 + 1], None, [1e16]],
    "nested": [[[1, 2], [3, 4]], [[1, 2]], [[1], [2, 3]], [[]], [], [1, 2], [[0.5, 1e-5]], 5, None],
    "arrays": [
        *(np.arange(3, dtype="u2"), np.arange(3.0), np.arange(3, dtype="f4"), np.zeros(0, "i4")),
        *(np.array([1, -1], ">i2"), np.zeros((2, 2)), np.array([1e-5, np.nan]), np.array(1.5)),
        *(np.array([True, False]), np.array(["a", "bcd"]), np.array([1j]), [1, 2, 3], None),
    ],
    "large arrays": [_LONG, _LONG + 0.5, _LONG.astype("f4"), _LONG[:599], _LONG.astype(int), None],
    "images": [np.full((2, 3), 7, "u2"), np.full((2, 3), 8, "u2"), np.full((2, 2), 9, "u2"), None],
    "complex": [1j, 2 + 3j, 0.5, 1, np.complex64(1j), complex("nan"), None, "1j", [1j, 2], True],
    "records": [
        *(_RECORDS[0], _RECORDS[1], _RECORDS, _RECORDS[:1], _RECORDS.astype("i4,f8,2f4")[0], None),
        *([1, 0.5, [1.0, 2.0]], 1.5, (2, 0.5, (0.0, 1.0)), "text"),
    ],
    "hostile": [name for name in HOSTILE if name not in _DENSE],
}
"""Values that meet in one column; of ``hostile``, what makes them."""

_FIELDS = [["f0", "<i2"], ["f1", "<f8"], ["f2", "<f4", [2]]]
_TYPES = (None, _FIELDS, "<f4", "<f8", "<u2", "<i8", "<u8", "<c16", "|b1", "<U8")

_RUN, _DESCRIPTOR = "0d1e8f2a-run", "5b7c3d9e-descriptor"

_LACKING = object()
"""Stands where an event does not have the field."""

_USUAL: list[list[Any]] = [[], [0.5], [1], ["on"], [[1, 2]], [_LACKING]]
"""What other values come between."""


@st.composite
def streams(draw: st.DrawFn) -> list[Document]:
    """Generate runs with a few fields; each has values of one pool, and of others now and then."""
    number = draw(st.integers(1, 9))
    fields = {f"f{i}": draw(_columns(number)) for i in range(draw(st.integers(1, 4)))}
    keys = {name: key for name, (key, _) in fields.items() if key is not None}
    metadata = draw(st.sampled_from([{}, {"num_points": 4}]))
    name = draw(st.sampled_from(["primary", "primary", "primary", "baseline", "monitor"]))
    rows = zip(*(values for _, values in fields.values()), strict=True)
    data = [{k: v for k, v in zip(fields, row, strict=True) if v is not _LACKING} for row in rows]
    return list(run(keys, data, name, **metadata))


def run(
    keys: dict[str, Any], data: list[dict[str, Any]], name: str = "primary", **metadata: Any
) -> Iterator[Document]:
    """Yield the documents of a run with one stream."""
    yield "start", {"uid": _RUN, "time": 1.7e9, **metadata}
    about = {"name": name, "data_keys": keys, "configuration": {}, "hints": {}, "object_keys": {}}
    yield "descriptor", {"uid": _DESCRIPTOR, "run_start": _RUN, "time": 1.7e9, **about}
    for number, values in enumerate(data, 1):
        stamps = dict.fromkeys(values, 1.7e9 + number / 3)
        filled = {key: False for key in values if "external" in keys.get(key, ())}
        yield (
            "event",
            {
                "uid": f"e{number}",
                "descriptor": _DESCRIPTOR,
                "time": 1.7e9 + number,
                "seq_num": number,
                "data": values,
                "timestamps": stamps,
                "filled": filled,
            },
        )
    stop = {"uid": "stop", "time": 1.7e9 + 99, "run_start": _RUN, "exit_status": "success"}
    yield "stop", {**stop, "num_events": {name: len(data)}}


@st.composite
def _columns(draw: st.DrawFn, rows: int) -> tuple[dict[str, Any] | None, list[Any]]:
    pool = draw(st.sampled_from(list(POOLS)))
    few = draw(st.lists(st.sampled_from(POOLS[pool]), min_size=1, max_size=4))
    values = [HOSTILE[each]() if pool == "hostile" else each for each in few]
    values += draw(st.sampled_from(_USUAL))
    numbers = st.sampled_from(range(len(values)))
    column = draw(st.lists(numbers, min_size=rows, max_size=rows))
    return draw(_keys(pool)), [values[number] for number in column]


@st.composite
def _keys(draw: st.DrawFn, pool: str) -> dict[str, Any] | None:
    if draw(st.integers(0, 7)) == 0:
        return None  # not declared
    key: dict[str, Any] = {"source": "s", "shape": []}
    key["dtype"] = draw(st.sampled_from(["number", "integer", "string", "array", "boolean"]))
    numpy_type = draw(st.sampled_from(_TYPES))
    if numpy_type is not None and draw(st.booleans()):
        key["dtype_numpy"] = numpy_type
    if pool in ("images", "texts") and draw(st.integers(0, 3)) == 0:
        key["external"] = "FILESTORE:"
    return key
