"""Arrays get the type of another file where it holds their values, and are left where not."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bluescribe.contract.array_types import ArrayTypes, in_types
from bluescribe.contract.recovery import Source

TYPES: ArrayTypes = {("primary", "image"): np.dtype(np.uint16), (None, "any"): np.dtype(np.int8)}


def typed(field: str, value: Any, stream: str = "primary") -> Any:
    docs: list[tuple[str, Any]] = [
        ("descriptor", {"uid": "d", "name": stream}),
        ("event", {"descriptor": "d", "data": {field: value, "x": 1}}),
    ]
    first, (_, event) = in_types(Source("run", lambda: iter(docs)), TYPES).read()
    assert first == docs[0]
    assert event["data"]["x"] == 1
    return event["data"][field]


@given(st.lists(st.lists(st.integers(-5, 70_000), min_size=3, max_size=3), min_size=1, max_size=4))
def test_no_value_changes(value):
    found = typed("image", value)
    assert np.array_equal(found, value)
    fits = all(0 <= number < 65536 for row in value for number in row)
    assert (isinstance(found, np.ndarray) and found.dtype == np.uint16) == fits


@given(st.one_of(st.floats(), st.text(), st.lists(st.floats()), st.none(), st.just([[1], [1, 2]])))
def test_what_is_no_array_of_integers_is_left(value):
    assert typed("image", value) is value


def test_a_type_is_that_of_a_stream_unless_it_is_of_all():
    assert isinstance(typed("image", [1, 2], "other"), list)
    assert typed("any", [1, 2], "other").dtype == np.int8


def test_a_page_has_rows_of_a_type():
    docs: list[tuple[str, Any]] = [
        ("descriptor", {"uid": "d"}),
        ("event_page", {"descriptor": "d", "data": {"image": [[[1, 2]], [[3, 4]]]}}),
    ]
    _, (_, page) = in_types(Source("run", lambda: iter(docs)), TYPES).read()
    assert page["data"]["image"].dtype == np.uint16
    assert page["data"]["image"].shape == (2, 1, 2)
