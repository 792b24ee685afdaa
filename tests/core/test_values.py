"""Columns as arrays: every value comes back as it was, or there is no array."""

from __future__ import annotations

import cmath
import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bluescribe.model.values import as_array, as_dtype, hides_truth

EDGES = [2**53 + 1, 2**63, 2**63 - 1, -(2**63), 2**64 - 1, 2**64, -1, 0, True, False, 1, 0.5, -0.0]
integers = st.one_of(
    st.integers(-(2**70), 2**70), st.sampled_from([e for e in EDGES if type(e) is int])
)
texts = st.one_of(st.text(max_size=4), st.sampled_from(["a\0", "\0", "\ud800", "é\0b", ""]))
dtypes = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
    hnp.complex_number_dtypes(endianness="?", sizes=(64, 128)),
    hnp.unicode_string_dtypes(max_len=3),
)
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
scalars = st.one_of(st.booleans(), integers, st.floats(), texts, st.sampled_from(EDGES))
numpy_scalars = hnp.arrays(dtypes, ()).map(lambda array: array[()])
rows = st.one_of(scalars, numpy_scalars, st.none(), arrays)
nested = st.recursive(rows, lambda inner: st.lists(inner, max_size=3), max_leaves=8)


def python(value):
    """What was measured, in Python's own types."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    return [python(item) for item in value] if isinstance(value, list | tuple) else value


def kind(value):
    """Booleans are integers in a column of both, and integers are floats beside floats."""
    return "text" if isinstance(value, str) else "number"


def same(expected, found):
    if isinstance(expected, list) or isinstance(found, list):
        is_both = isinstance(expected, list) and isinstance(found, list)
        return is_both and len(expected) == len(found) and all(map(same, expected, found))
    if kind(expected) != kind(found):
        return False
    return expected == found or (is_nan(expected) and is_nan(found))


def is_nan(value):
    return isinstance(value, float | complex) and cmath.isnan(value)


def sign(value):
    return None if is_nan(value) else math.copysign(1, value)


def leaves(value):
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


def assert_holds(array, values):
    """Fail unless an array is exactly a column."""
    expected, found = python(list(values)), array.tolist()
    assert same(expected, found), (array, values)
    types = {type(leaf) for leaf in leaves(expected)}
    if types == {bool}:
        assert array.dtype.kind == "b"
    elif types and types <= {bool, int}:
        assert array.dtype.kind in "iu", "integers went through floats"
    elif types & {float, complex}:
        assert array.dtype.kind in "fc"
        for before, after in zip(leaves(expected), leaves(found), strict=True):
            if type(before) is type(after) is float:
                assert sign(before) == sign(after)


@given(st.lists(scalars, max_size=5))
@example([-1, 2**63])
@example([2**53 + 1, 0.5])
@example(["a", "a\0"])
@example([True, 0.5])
def test_a_column_of_scalars_is_exact_or_none(values):
    array = as_array(values)
    if array is not None:
        assert array.shape == (len(values),)
        assert_holds(array, values)


@given(st.lists(nested, max_size=4))
@example([[1], ["a"]])
@example([[np.array(1.0), np.array(2.0)]])
@example([[-1], [2**63]])
@example([np.array([1]), np.array([2**64 - 1], "u8")])
@example([np.array([2**53 + 1]), np.array([0.5])])
@example([[], []])
@example([[[], []]])
def test_a_column_of_anything_is_exact_or_none(values):
    array = as_array(values)
    if array is not None:
        assert array.dtype.kind in "biufcU"
        assert len(array) == len(values)
        assert_holds(array, values)


@given(st.data(), dtypes)
def test_scalars_of_one_numpy_type_keep_it(data, dtype):
    values = list(data.draw(hnp.arrays(dtype, st.integers(1, 4))))
    array = as_array(values)
    assert array is not None
    assert array.dtype.kind == dtype.kind
    if dtype.kind != "U":
        assert array.dtype == dtype.newbyteorder("=")
    assert_holds(array, values)


@given(st.data(), dtypes)
def test_arrays_of_one_type_and_shape_are_stacked(data, dtype):
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0))
    values = [data.draw(hnp.arrays(dtype, shape)) for _ in range(data.draw(st.integers(1, 3)))]
    array = as_array(values)
    assert array is not None
    assert array.shape == (len(values), *shape)
    assert array.dtype.newbyteorder("=") == dtype.newbyteorder("=")
    assert_holds(array, values)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 2], "i8"), ([2**63, 1], "u8"), ([True, False], "?"), ([True, 2], "i8"),
        ([True, 2**63], "u8"), ([1, 0.5], "f8"), ([2**60, 0.5], "f8"), (["a", "bc"], "<U2"),
        ([[1, 2], [3, 4]], "i8"), ([[1], [0.5]], "f8"), ([[-1], [1]], "i8"), ([(1,), [2]], "i8"),
        ([np.float32(1), np.float64(0.5)], "f8"), ([np.uint64(1), np.int64(-1)], "i8"),
        ([np.array([1], "i1"), np.array([2], "i2")], "i2"),
        ([np.array([1], "u8"), np.array([-1])], "i8"),
        ([np.array([2**63], "u8"), np.array([1])], "u8"), ([np.array(1), np.array(2)], "i8"),
        ([np.str_("a"), "b"], "<U1"), ([np.float16(1)], "f2"), ([np.complex64(1j)], "c8"),
        (np.array([1, 2], object), "i8"), (np.array(["a"], object), "<U1"),
        (np.array([1], ">i2"), ">i2"), ([], "f8"),
    ],
)  # fmt: skip
def test_what_fits_has_the_type_that_it_was_measured_in(values, dtype):
    array = as_array(values)
    assert array is not None
    assert array.dtype == np.dtype(dtype)
    assert_holds(array, values)


@pytest.mark.parametrize(
    "values",
    [
        [-1, 2**63], [2**64], [2**53 + 1, 0.5], [10**400, 0.5], [True, 0.5], [True, 1, 0.5],
        [1, "a"], [None], [1, None], ["a\0"], [[1], [1, 2]], [[1], 1], [[1, [2]]], [[1], ["a"]],
        [[-1], [2**63]], [[None]], [{}], [{"a": 1}], [b"a"], [[True, 0.5]], [[True], [0.5]],
        [np.datetime64("2026-01-01", "ns")], np.array(["2026-01-01"], "M8[ns]"),
        [np.array(["2026-01-01"], "M8[ns]")], [np.timedelta64(1, "ns")], [datetime.now(UTC)],
        [np.int64(2**53 + 1), 0.5], [np.uint64(2**63), np.int64(-1)], [np.bool_(True), 0.5],
        np.array([1, "a"], object), np.array([b"a"]), [np.zeros(1, "i4,f8")],
        [np.array([2**53 + 1]), np.array([0.5])], [np.array([2**64 - 1], "u8"), np.array([-1])],
    ],
)  # fmt: skip
def test_what_no_type_holds_exactly_is_left_to_others(values):
    assert as_array(values) is None


@pytest.mark.parametrize("width", [1, 2])
def test_a_list_that_contains_itself_comes_to_an_end(width):
    endless: list = []
    endless.extend([endless] * width)
    assert as_array([endless]) is None
    assert as_array([[endless]]) is None


def test_lists_nested_deeper_than_an_array_can_be_are_left_to_others():
    value: list = [1]
    for _ in range(100):
        value = [value]
    assert as_array([value]) is None


targets = st.one_of(
    dtypes, st.sampled_from(list(map(np.dtype, ("f4", "f2", "c8", "i1", "u1", "i8", "u8", "?"))))
)


@given(arrays, targets)
@example(np.array([2**24 + 1]), np.dtype("c8"))
@example(np.array([2**64 - 1], "u8"), np.dtype("f8"))
@example(np.array([2**16]), np.dtype("f2"))
@example(np.array([-1]), np.dtype("u8"))
@example(np.array([2**64 - 1], "u8"), np.dtype("i8"))
@example(np.array([-0.0, math.nan, math.inf]), np.dtype("f2"))
@example(np.array([5e-324]), np.dtype("f4"))
@example(np.array([0.1]), np.dtype("c8"))
@example(np.array([1]), np.dtype("<U3"))
@example(np.array([True]), np.dtype("f8"))
def test_a_cast_loses_nothing_or_is_refused(array, dtype):
    cast = as_dtype(array, dtype)
    if cast is None:
        return
    assert cast.dtype == dtype
    assert cast.shape == array.shape
    for before, after in zip(leaves(array.tolist()), leaves(cast.tolist()), strict=True):
        assert same(before, after)
        if isinstance(before, float) and isinstance(after, float):
            assert sign(before) == sign(after)


@pytest.mark.parametrize(
    ("values", "source", "target"),
    [
        ([2**64 - 1], "u8", "f8"), ([2**53 + 1], "i8", "f8"), ([2**24 + 1], "i8", "f4"),
        ([2**24 + 1], "i4", "c8"), ([70000], "i4", "f2"), ([-1], "i8", "u8"), ([-1], "i1", "u8"),
        ([2**63], "u8", "i8"), ([256], "i8", "u1"), ([1.0], "f8", "i8"), ([1j], "c16", "f8"),
        ([0.1], "f8", "f4"), ([True], "?", "f8"), ([1], "i8", "?"), ([1], "i8", "<U4"),
        (["1"], "<U1", "i8"), (["ab"], "<U2", "<U1"), ([1], "i8", "M8[s]"), ([1], "i8", "S4"),
    ],
)  # fmt: skip
def test_a_cast_that_would_lose_a_value_is_refused(values, source, target):
    assert as_dtype(np.array(values, source), np.dtype(target)) is None


@pytest.mark.parametrize(
    ("values", "source", "target"),
    [
        ([2**63, 2**60], "u8", "f8"), ([2**24], "i8", "f4"), ([-(2**63)], "i8", "f8"),
        ([1], "u8", "i1"), ([0.5, math.nan, math.inf, -0.0], "f8", "f2"), ([True], "?", "i8"),
        ([1], "i8", "c16"), (["a"], "<U1", "<U9"), ([1], ">i8", "<i4"), ([], "i8", "f2"),
    ],
)  # fmt: skip
def test_a_cast_that_keeps_every_value_is_made(values, source, target):
    cast = as_dtype(np.array(values, source), np.dtype(target))
    assert cast is not None
    assert cast.dtype == np.dtype(target)
    np.testing.assert_array_equal(cast, np.array(values, source))


@pytest.mark.parametrize(
    ("values", "is_hidden"),
    [
        ([True, 1], True), ([1, 2], False), ([True, False], False), ([np.bool_(True), 2], True),
        ([[True], [1]], True), ([[1], [2]], False), ([np.array([True]), np.array([1])], True),
        ([[[True]], [[2]]], True), ([[True, 2], [1, 2]], False), ([[], []], False),
        ([0.5, 1.5], False), (["a"], False), (np.array([1, 2]), False),
    ],
)  # fmt: skip
def test_a_truth_value_that_stands_among_integers_is_found(values, is_hidden):
    array = as_array(values)
    assert array is not None
    assert hides_truth(values, array) == is_hidden
