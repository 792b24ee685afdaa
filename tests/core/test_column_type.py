"""The type of a column: its first value decides, others widen it or have none with it."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from bluescribe.model.column_type import ColumnType
from bluescribe.model.values import as_array, as_dtype
from tests.formats.columns_of_all_kinds import POOLS

VALUES = [value for pool, values in POOLS.items() if pool != "hostile" for value in values]
RECORD = np.array((1, 2.5), "i2,f8")[()]


def joined(*values):
    """Return the type of values in the order in which they came."""
    first, *others = values
    found = ColumnType.of(first)
    for value in others:
        other = ColumnType.of(value)
        found = None if found is None or other is None else found.joined(other)
    return found


@pytest.mark.parametrize(
    ("value", "kind", "dtype", "shape"),
    [
        (True, "boolean", "?", ()),
        (1, "integer", "i8", ()),
        (2**63, "integer", "u8", ()),
        (2**64, "long", "O", ()),
        (0.5, "real", "f8", ()),
        (np.float32(0.5), "real", "f4", ()),
        (1j, "complex", "c16", ()),
        ("on", "text", "U2", ()),
        ("on\0", "text", "U3", ()),
        ([1, 2], "integer", "i8", (2,)),
        ([[0.5], [1]], "real", "f8", (2, 1)),
        (["a", "bcd"], "text", "U3", (2,)),
        (np.zeros((2, 3), ">u2"), "integer", "u2", (2, 3)),
        ([], "real", "f8", (0,)),
    ],
)
def test_a_value_has_a_type(value, kind, dtype, shape):
    found = ColumnType.of(value)
    assert found is not None
    assert (found.kind, found.dtype, found.shape) == (kind, np.dtype(dtype), shape)
    assert found.is_hollow == (0 in shape)


@pytest.mark.parametrize("value", [[1, "a"], [1, None], [[1], [1, 2]], {"a": 1}, b"a", RECORD])
def test_what_no_array_holds_has_none(value):
    assert ColumnType.of(value) is None


@pytest.mark.parametrize(
    ("values", "dtype", "shape", "is_ragged"),
    [
        ((1, 0.5), "f8", (), False),
        ((0.5, 1), "f8", (), False),
        ((True, 2), "i8", (), False),
        ((-1, 2**63), "u8", (), False),  # the new one needs it
        ((2**63, -1), "i8", (), False),
        ((1, 2**64), "O", (), False),
        ((0.5, 1j), "c16", (), False),
        (("a", "bcd"), "U3", (), False),
        (([1, 2], [3, 4]), "i8", (2,), False),
        (([1, 2], [3]), "i8", (2,), True),
        (([1], [0.5, 2, 3], [4]), "f8", (3,), True),
        (([[1, 2]], [[1], [2], [3]]), "i8", (3, 2), True),
        (([], [1]), "i8", (1,), True),
        (([], [], [True]), "?", (1,), True),
        ((np.int8(1), np.uint16(1)), "i4", (), False),
    ],
)
def test_later_values_make_it_wider(values, dtype, shape, is_ragged):
    found = joined(*values)
    assert found is not None
    assert (found.dtype, found.shape, found.is_ragged) == (np.dtype(dtype), shape, is_ragged)


@pytest.mark.parametrize(
    "values",
    [(1, "a"), ("a", 1), (1, [1]), ([1], [[1]]), (["a"], ["a", "b"]), ([], ["a"]), ("a", 1j)],
)
def test_others_have_no_type_with_it(values):
    assert joined(*values) is None


def test_records_of_one_type_and_shape_go_together():
    types = [
        ColumnType(np.dtype("i2,f8")),
        ColumnType(np.dtype("i2,f4")),
        ColumnType(np.dtype("i2,f8"), (2,)),
    ]
    for one, other in product(types, types):
        assert one.joined(other) == (one if one is other else None)


def test_truth_values_are_told_apart_by_who_has_a_word_for_them():
    truth, number, text = (ColumnType(np.dtype(code)) for code in ("?", "i8", "U1"))
    assert truth.is_told_apart(number)
    assert number.is_told_apart(truth)
    assert not number.is_told_apart(text)
    assert not truth.is_told_apart(truth)


@pytest.mark.parametrize(
    ("value", "declared", "dtype"),
    [
        (1, "u2", "u2"),
        (70_000, "u2", "i8"),
        (1, "f4", "i8"),  # what came as an integer stays one
        (0.5, "f4", "f4"),
        (0.1, "f4", "f8"),
        (1.0, "i4", "f8"),
        (True, "i4", "i4"),
        ("a", "i4", "U1"),
        (1, "U8", "i8"),
        ([1, 2], "u1", "u1"),
    ],
)
def test_what_is_declared_is_taken_where_it_holds_the_value(value, declared, dtype):
    found = ColumnType.of(value, np.dtype(declared))
    assert found is not None
    assert found.dtype == np.dtype(dtype)


def test_real_shape_is_of_real_numbers_of_one_shape():
    assert ColumnType(np.dtype("f8"), (2,)).real_shape == (2,)
    assert ColumnType(np.dtype("u2")).real_shape == ()
    assert ColumnType(np.dtype("f8"), (2,), is_ragged=True).real_shape is None
    for code in ("?", "c8", "U3", "S3", "O", "i2,f8"):
        assert ColumnType(np.dtype(code)).real_shape is None


def test_a_type_of_two_values_of_any_kind_holds_both_or_tells():
    types = [(value, found) for value in VALUES if (found := ColumnType.of(value)) is not None]
    for (one, first), (other, second) in product(types, types):
        found = first.joined(second)
        both = as_array([one, other])
        if found is None:
            assert both is None, (one, other)
        elif both is not None and both.size and {first.dtype.kind, second.dtype.kind} != {"i", "u"}:
            assert both.dtype.kind == "U" or as_dtype(both, found.dtype) is not None, (one, other)
            assert found.shape == both.shape[1:]


def test_integers_between_two_are_exact_or_not():
    integers, floats = ColumnType(np.dtype(np.int8)), ColumnType(np.dtype(float))
    assert integers.holds_integers(-128, 127)
    assert not integers.holds_integers(-129, 0)
    assert floats.holds_integers(-(2**53), 2**53)
    assert not floats.holds_integers(0, 2**53 + 1)
    assert ColumnType(np.dtype(bool)).holds_integers(0, 0)
