"""How many dimensions a value has decides which table it goes into."""

from __future__ import annotations

import numpy as np
import pytest

from bluescribe.model.ranks import RankedValues, rank_of, ranks_of


@pytest.mark.parametrize(
    ("value", "rank"),
    [
        (1, 0), (0.5, 0), (True, 0), ("text", 0), (b"text", 0), ({"a": [1]}, 0), (np.float32(1), 0),
        (np.array(1.5), 0), ([], 1), ((), 1), ([1], 1), ([None], 1), ([1, [2]], 1),
        (np.zeros(0), 1),
        ([[]], 2), ([[1], [1, 2]], 2), ([(1,), np.zeros(2)], 2), (np.zeros((1, 1)), 2),
        (np.zeros((1, 1, 1)), 2),
    ],
)  # fmt: skip
def test_a_value_has_a_rank(value, rank):
    assert rank_of(value) == rank
    assert ranks_of([value, None], {type(value)}) == ([rank, None] if _is_sequence(value) else [])


def test_a_column_that_is_an_array_has_the_rank_of_its_rows():
    assert ranks_of(np.zeros(3), {np.float64}) == []
    assert ranks_of(np.zeros((2, 3)), {np.float64}) == [1, 1]
    assert ranks_of(np.zeros((2, 3, 4, 5)), {np.float64}) == [2, 2]
    assert ranks_of(np.array([1, [2]], object), {int, list}) == [0, 1]


def test_the_first_value_that_is_no_image_decides():
    values = RankedValues([None, np.zeros((2, 2)), [1, 2], 5, [1, 2, 3]])
    assert (values.first, values.first_scalar, values.longest) == (1, 3, 3)
    assert (values.first_row(1), values.first_row(0)) == (2, 3)
    assert values.begins_with_scalar
    assert not RankedValues([[1], 5]).begins_with_scalar
    assert values.lists() == [None, None, [1, 2], None, [1, 2, 3]]


def test_values_up_to_a_rank_stand_among_nones_with_their_types():
    values = RankedValues([None, np.zeros((2, 2)), [1], 5])
    assert values.up_to(0) == ([None, None, None, 5], frozenset({type(None), int}))
    assert values.up_to(1) == ([None, None, [1], 5], frozenset({type(None), int, list}))
    assert RankedValues([1, 2]).up_to(0) == ([1, 2], frozenset({int}))
    assert RankedValues(np.zeros((2, 3))).up_to(0) == ([None, None], frozenset({type(None)}))


def _is_sequence(value):
    return isinstance(value, list | tuple | np.ndarray)
