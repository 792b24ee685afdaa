"""Events come back from packed rows as they were, and what no row holds is not packed."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluescribe.spool.problems import BrokenSpoolError
from bluescribe.spool.rows import Form, Packer, Unpacker
from bluescribe.testing.contract import played
from bluescribe.testing.shapes import SHAPES
from tests.spool.same import same

UID = "5c6b2a3e-8d1f-4f0e-9f57-0d9b3c1a7e55"

numbers = st.one_of(
    st.floats(),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats().map(np.float64),
    st.floats(width=32).map(np.float32),
    st.floats(width=16).map(np.float16),
    st.integers(-(2**31), 2**31 - 1).map(np.int32),
    st.integers(0, 2**64 - 1).map(np.uint64),
    st.booleans().map(np.bool_),
)


def event(data: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {
        "uid": UID,
        "descriptor": "d",
        "seq_num": 1,
        "time": 1.5,
        "data": data,
        "timestamps": dict.fromkeys(data, 1.25),
        "filled": {},
        **others,
    }


def through(packer: Packer, doc: Any) -> dict[str, Any] | None:
    packed = packer.pack(doc)
    if packed is None:
        return None
    form, row = packed
    (found,) = Form.made(form.described()).events(row)
    return found


@given(st.lists(st.dictionaries(st.text(max_size=3), numbers, max_size=5), max_size=6))
def test_numbers_come_back_to_the_bit(rows: list[dict[str, Any]]) -> None:
    packer = Packer()
    for data in rows:
        doc = event(data)
        assert same(through(packer, doc), doc)


@pytest.mark.parametrize("name", SHAPES)
def test_the_events_of_every_shape_of_run_come_back_or_are_not_packed(name, tmp_path_factory):
    packer = Packer()
    folder = tmp_path_factory.getbasetemp() / "shapes"
    for manner in ("plain", "numpified"):
        for kind, doc in played(name, manner, folder):
            if kind == "event":
                found = through(packer, doc)
                assert found is None or same(found, doc)


def test_an_ordinary_event_is_packed() -> None:
    packer: Any = Packer()
    for data in ({"x": 0.5, "y": 1}, {"x": np.float64(0.5), "y": np.int64(1)}):
        form, row = packer.pack(event(data))
        assert len(row) == 36 + 8 * 6
        assert packer.pack(event(data))[0] is form, "its form is told once"


@pytest.mark.parametrize(
    "doc",
    [
        event({"x": "text"}),
        event({"x": None}),
        event({"x": 2**63}),
        event({"x": [1]}),
        event({"x": np.zeros(2)}),
        event({"x": 1 + 0j}),
        event({"x": np.longdouble(1)}),
        event({"x": 0.5}, uid="short"),
        event({"x": 0.5}, uid="ü" * 36),
        event({"x": 0.5}, filled={"x": False}),
        event({"x": 0.5}, filled=None),
        event({"x": 0.5}, more=1),
        event({"x": 0.5}, seq_num=None),
        event({"x": 0.5}, descriptor=7),
        event({1: 0.5}),  # type: ignore[dict-item]  # from hostile code
        {},
        None,
    ],
)
def test_what_no_row_holds_is_not_packed(doc):
    assert Packer().pack(doc) is None
    packer = Packer()
    packer.pack(event({"x": 0.5}))
    assert packer.pack(doc) is None, "nor after one that a row holds"


def test_forms_do_not_grow_without_bounds():
    packer = Packer()
    kinds = [float, np.float64, np.float32]
    docs = [
        event({f"x{n}": kinds[(number // 3**n) % 3](1) for n in range(5)}) for number in range(3**5)
    ]
    packed = [packer.pack(doc) is not None for doc in docs]
    assert 0 < sum(packed) < len(docs)
    assert packer.pack(docs[-1]) is None
    for number in range(1_000):
        assert packer.pack({**event({"x": 0.5}), "descriptor": f"{number}"}) is not None
    assert packer.pack(docs[-1]) is not None, "the first descriptor is forgotten"
    assert len(packer._forms) <= 1_001


@pytest.mark.parametrize(
    "described",
    [{}, {"types": ["os.system"]}, {"types": 3}, {"types": [], "keys": 1, "data": 2}],
)
def test_a_form_that_is_none_is_told(described):
    with pytest.raises(BrokenSpoolError, match="cannot be read"):
        Form.made(described)


def test_half_a_row_is_told():
    packer: Any = Packer()
    form, row = packer.pack(event({"x": 0.5}))
    unpacker = Unpacker()
    unpacker.learn(7, form.described())
    with pytest.raises(BrokenSpoolError, match="within an event"):
        unpacker.form(7, row[:-1])


def test_nan_keeps_its_payload():
    (nan,) = struct.unpack("d", struct.pack("Q", 0x7FF80000DEADBEEF))
    doc = event({"x": nan, "y": np.float64(nan)})
    assert same(through(Packer(), doc), doc)
