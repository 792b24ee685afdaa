"""Values that came by way of JSON become what their descriptor declares, or stay what they are."""

from __future__ import annotations

import numpy as np
import pytest

from bluescribe.model.declared import as_declared

RECORD = np.dtype([("a", "<i2"), ("b", "<f8")])
IMAGINARY = np.complex128(1j)
NESTED = np.dtype([("a", "<i2"), ("b", "<f4", (2,))])


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        ([1, 2.5], RECORD, np.array((1, 2.5), RECORD)[()]),
        ([1, [0.5, 2.0]], NESTED, np.array((1, [0.5, 2.0]), NESTED)[()]),
        ([[1, 2.5], [3, 4.5]], RECORD, np.array([(1, 2.5), (3, 4.5)], RECORD)),
        ("1j", np.dtype("c16"), IMAGINARY),
        (["1j", "1j"], np.dtype("c16"), [IMAGINARY] * 2),
    ],
)
def test_what_was_declared_comes_back(value, dtype, expected):
    assert repr(as_declared([value], dtype)[0]) == repr(expected)


@pytest.mark.parametrize("value", [["a"], [["a"]], "a", [1], [70_000, 0.5], [1.5, 2.5], 5, None])
@pytest.mark.parametrize("dtype", [RECORD, NESTED, np.dtype("c16"), np.dtype("f4"), None])
def test_what_does_not_fit_stays_what_it_is(value, dtype):
    assert as_declared([value], dtype) == [value]
