"""Every document can be written: what cannot be becomes a text, and costs nothing beside it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluescribe.files.json_text import dumps
from bluescribe.model.plain_values import is_plain, is_plain_event
from bluescribe.model.writable import MOST_LEVELS, writable
from bluescribe.testing import HOSTILE


@pytest.mark.parametrize("kind", HOSTILE)
def test_whatever_is_hostile_can_be_written(kind):
    doc = {"a": HOSTILE[kind](), "b": [1, HOSTILE[kind]()], "c": {"d": 2.5, "e": HOSTILE[kind]()}}
    made, found = writable(doc)
    read = json.loads(dumps(made))
    assert (read["b"][0], read["c"]["d"]) == (1, 2.5)
    assert all(each.text in json.dumps(read) for each in found if len(each.text) < 100)
    assert not writable(made)[1]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("list in itself", [1, "<unwritable: list that contains itself>"]),
        ("dict in itself", {"a": 1, "again": ["<unwritable: dict that contains itself>"]}),
        ("5,001 digits", "<unwritable: integer of 5001 digits>"),
        ("digits in a dict", {"a": "<unwritable: integer of 5001 digits>", "b": 1.5}),
        ("str raises SystemExit", "<unwritable: Hostile that raises SystemExit: a fault of the"),
        ("error that raises", "<unwritable: Hostile that raises UnprintableError>"),
        ("lying str", "text"), ("lying int", 7), ("lying float", 7.5), ("lying dict", {"a": 1}),
        ("lying list", [1, 2]), ("enum", [1, "a"]), ("fraction", "1/3"),
        ("keys that are one", {"same (_Same)": 1, "same (_Same) 2": 2, "same": 3}),
        ("400 digits", 10**400), ("array of a subclass", [[1.0, 2.0]]),
        ("keys of digits", {"<unwritable: integer of 5001 digits>": 1, "a": 2}),
    ],
)  # fmt: skip
def test_the_text_says_what_it_was(kind, expected):
    made, _ = writable({"a": HOSTILE[kind](), "x": {1}})
    value = json.loads(dumps(made))["a"]
    assert value == expected or (isinstance(value, str) and value.startswith(str(expected)))


def test_levels_have_an_end_that_is_named():
    made, (found,) = writable({"deep": HOSTILE["deep list"]()})
    levels, value = 1, made["deep"]
    while isinstance(value, list):
        levels, value = levels + 1, value[0]
    assert levels == MOST_LEVELS
    assert value == found.text == f"<unwritable: values nested more than {MOST_LEVELS} levels deep>"
    assert found.path[:2] == ("deep", "0")


def test_what_stands_in_too_many_places_has_an_end(monkeypatch):
    monkeypatch.setattr("bluescribe.model.writable._MOST_CONTAINERS", 1000)
    bomb: list = [1]
    for _ in range(60):
        bomb = [bomb, bomb]
    made, found = writable({"bomb": bomb, "x": 1.5})
    assert made["x"] == 1.5
    assert "beyond 1000 others" in found[0].cause


plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.just(np.ones(2))),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner)),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), plain, max_size=3))
@settings(max_examples=50)
def test_what_can_be_written_stays_as_it_is(doc):
    made, found = writable({**doc, "odd": {1}})
    assert not found
    assert dumps({**made, "odd": 0}) == dumps({**doc, "odd": 0})
    if is_plain(doc):
        assert writable(doc)[0] is doc


@pytest.mark.parametrize("many", [3, 100])
def test_plain_events_are_known_by_their_types(many):
    def is_known(value, stamp=1.5):
        data = {**{f"x{i}": i / 2 for i in range(many)}, "n": 5, "last": value}
        return is_plain_event(
            {"data": data, "timestamps": {**dict.fromkeys(data, 1.5), "n": stamp}}
        )

    assert all(map(is_known, (1.5, 2**64, "a", None, [1, 2], [1.5] * 100, np.ones(3), {"a": [1]})))
    odd = (10**5000, {1}, [10**5000] * 100, np.array([{}], object), {1: 2}, HOSTILE["all exits"]())
    assert not any(map(is_known, odd))
    assert not any(is_known(1.5, value) for value in odd)
