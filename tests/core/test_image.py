"""An image is two dimensions of real numbers or truth values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bluescribe.model.image import as_image

IMAGES = [
    np.zeros((2, 3)),
    np.zeros((2, 3), ">u2"),
    np.ones((1, 1), bool),
    [[1, 2], [3, 4]],
    [[0.5], [1]],
    ((True, False),),
]
OTHERS: list[Any] = [
    *(1, 0.5, "text", b"text", None, {"a": 1}, [], [1, 2], [[]], [[1], [1, 2]], [["a"]], [[1j]]),
    *(np.zeros(3), np.zeros((2, 0)), np.zeros((2, 2, 2)), np.zeros((2, 2), complex)),
    *(np.array([["a"]]), np.zeros((2, 2), "i2,f4"), np.array([[None]], object), np.float64(1)),
]


@pytest.mark.parametrize("value", IMAGES)
def test_numbers_in_two_dimensions_are_one(value):
    found = as_image(value)
    assert found is not None
    assert found.tolist() == np.asarray(value).tolist()


@pytest.mark.parametrize("value", OTHERS)
def test_nothing_else_is(value):
    assert as_image(value) is None
