"""Which values are numbers, and of which kind: one rule for all formats."""

from __future__ import annotations

import numpy as np
import pytest

from bluescribe.model import numbers
from bluescribe.model.field import Field

BEYOND = 10**38


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("?", "number real_or_truth plain_number"),
        ("i2", "number real_or_truth real integer plain_number"),
        ("u8", "number real_or_truth real integer plain_number"),
        ("f4", "number real_or_truth real plain_number"),
        ("g", "number real_or_truth real"),
        ("c8", "number"), ("U3", ""), ("S3", ""), ("O", ""), ("M8[s]", ""),
        ([("a", "i2")], ""),
    ],
)  # fmt: skip
def test_a_type_is_of_these_kinds(code, kinds):
    names = ("number", "real_or_truth", "real", "integer", "plain_number")
    dtype = np.dtype(code)
    assert [n for n in names if getattr(numbers, f"is_{n}")(dtype)] == kinds.split()
    assert numbers.has_nan(dtype) == (dtype.kind in ("f", "c"))
    assert (dtype.type in numbers.NUMPY_NUMBERS) == numbers.is_plain_number(dtype)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1), (0.5, 0.5), (True, 1), (np.int8(3), 3), (np.float32(0.5), 0.5), (np.bool_(1), True),
        (np.array(2), 2), (10**38, None), (-(10**38), None), (10**38 - 1, 10**38 - 1), ("on", 1),
        (np.str_("on"), 1), ("other", None), (None, None), (1j, None), ([1], None), ({}, None),
        (np.array([1]), None), (np.longdouble(1), None), (b"1", None),
    ],
)  # fmt: skip
def test_a_value_is_this_number_alone_and_in_a_column(value, number):
    codes = Field("f", enum_strs=("off", "on")).codes
    for found in (
        numbers.number_of(value, codes, BEYOND),
        numbers.numbers_of([value], codes, BEYOND)[0],
    ):
        assert found == number
        assert type(found) in (int, float, bool, type(None))


def test_a_column_that_is_an_array_has_the_numbers_of_its_rows():
    assert numbers.numbers_of(np.arange(3, dtype="i2"), {}, BEYOND) == [0, 1, 2]
    assert numbers.numbers_of(np.zeros((2, 2)), {}, BEYOND) == [None, None]


@pytest.mark.parametrize(
    ("value", "row"),
    [
        ([1, 2], [1, 2]), ((0.5, 1), [0.5, 1]), (np.array([True]), [True]), ([], []),
        ([[1]], None), (5, None), ("text", None), (["a"], None), ([1, None], None), ([1j], None),
        (np.zeros(1, "g"), None),
    ],
)  # fmt: skip
def test_a_value_is_a_row_of_plain_numbers_or_none(value, row):
    found = numbers.row_of_numbers(value)
    assert row == (None if found is None else found.tolist())


def test_rows_of_several_types_keep_them():
    alike = numbers.rows_of_numbers([np.array([1, 2]), np.array([3, 4])])
    assert isinstance(alike, np.ndarray)
    apart = numbers.rows_of_numbers([np.array([1, 2]), np.array([0.5, 4]), "text"])
    assert [None if row is None else row.dtype.kind for row in apart] == ["i", "f", None]


@pytest.mark.parametrize(
    ("value", "is_one"),
    [(1, True), (0.5, True), (np.int8(1), True), (np.float32(1), True), (True, False),
     (np.bool_(1), False), ("1", False), (1j, False), (np.array(1), False), (None, False)],
)  # fmt: skip
def test_one_real_number_is_no_truth_value(value, is_one):
    assert numbers.is_one_number(value) == is_one


def test_a_field_tells_whether_it_is_streamed_and_whether_it_has_one_number():
    key = {"dtype": "array", "shape": [1, 2], "source": "x", "external": "STREAM:"}
    assert Field.from_data_key("f", key).is_streamed
    filed = Field.from_data_key("f", {**key, "external": "FILESTORE:"})
    assert filed.external
    assert not filed.is_streamed
    assert not filed.is_one_number
    assert Field("f", dtype="integer").is_one_number
    assert not Field("f", dtype="string").is_one_number
