"""What goes to a tiled server fits one type a column, holds all values, and has names SQL takes."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluescribe.delivery.tiled.columns import Columns
from bluescribe.delivery.tiled.journal import Journal
from bluescribe.delivery.tiled.names import Names
from bluescribe.delivery.trouble import Refused

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=5)
)
LISTS = st.lists(SCALARS, max_size=3) | st.lists(st.lists(SCALARS, max_size=2), max_size=2)


def descriptor(*keys, dtype="number"):
    data_keys = {key: {"source": "s", "dtype": dtype, "shape": []} for key in keys}
    return {"uid": "d", "name": "primary", "data_keys": data_keys, "run_start": "r"}


def event(value, key="x"):
    return {"descriptor": "d", "data": {key: value}, "timestamps": {key: 0.0}, "seq_num": 1}


def same(one, other):
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return other is None or (isinstance(other, float) and math.isnan(other))
    return one == other and isinstance(one, bool) == isinstance(other, bool)


@given(st.lists(st.one_of(SCALARS, LISTS), min_size=1, max_size=6))
def test_every_value_is_kept_in_one_type(values):
    columns = Columns()
    columns.learn([("descriptor", descriptor("x")), *(("event", event(v)) for v in values)])
    fitted = [columns.fit_event(event(value))["data"]["x"] for value in values]
    declared = columns.fit_descriptor(descriptor("x"))["data_keys"]["x"]
    is_text = bool(list(columns.notes()))
    if declared["dtype"] == "array":
        array = np.array(fitted, declared["dtype_numpy"])
        assert list(array.shape) == [len(values), *declared["shape"]]
        fitted = array.tolist()
    else:
        assert len({type(value) for value in fitted} - {type(None)}) <= 1
    back = [json.loads(v) if is_text and v is not None else v for v in fitted]
    assert all(map(same, back, values))


@given(st.lists(st.one_of(SCALARS, LISTS), min_size=2, max_size=6), st.integers(1, 5))
def test_what_was_sent_holds_unless_it_is_called_outdated(values, number):
    columns = Columns()
    described = ("descriptor", descriptor("x"))
    first = [("event", event(value)) for value in values[:number]]
    columns.learn([described, *first])
    before = [columns.fit_event(doc) for _, doc in first]
    declared = columns.fit_descriptor(descriptor("x"))
    is_outdated = columns.learn([("event", event(value)) for value in values[number:]])
    after = [columns.fit_event(doc) for _, doc in first]
    if not is_outdated:
        assert json.dumps(before) == json.dumps(after)
        assert declared == columns.fit_descriptor(descriptor("x"))


def test_a_declared_type_is_kept_while_it_holds():
    said = descriptor("x", dtype="array")
    said["data_keys"]["x"]["dtype_numpy"] = "|u1"
    columns = Columns()
    columns.learn([("descriptor", said), ("event", event([1, 255]))])
    assert columns.fit_descriptor(said)["data_keys"]["x"]["dtype_numpy"] == "|u1"
    columns.learn([("event", event([1, 256]))])
    assert columns.fit_descriptor(said)["data_keys"]["x"]["dtype_numpy"] == "<i8"


@given(st.lists(st.text(max_size=70), unique=True, max_size=8))
def test_names_are_plain_and_their_own(keys):
    names = Names()
    fitted = list(names.fit_descriptor(descriptor(*keys))["data_keys"])
    assert len({name.lower() for name in fitted}) == len(keys)
    for name in fitted:
        assert name[0].isascii()
        assert name[0].isalpha()
        assert not set(name) & set("'\"`;\\%()=+./")
        assert "--" not in name
        assert len(name.encode()) <= 60
    given_names = {"data": dict.fromkeys(keys, 1), "timestamps": dict.fromkeys(keys, 0.0)}
    assert list(names.fit_event({"descriptor": "d", **given_names})["data"]) == fitted


def test_usual_names_stay():
    keys = ["det", "m1_user_setpoint", "adsimdet-cam:gain", "Tiefe µm"]
    assert list(Names().fit_descriptor(descriptor(*keys))["data_keys"]) == keys


def test_a_journal_is_read_as_it_grows(tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_bytes(b'["start", {"uid": "a"}]\n["event", {"se')
    journal = Journal(path)
    assert journal.read(1000) == [("start", {"uid": "a"})]
    assert journal.read(1000) == []
    with path.open("ab") as file:
        file.write(
            b'q_num": 1}]\n["event_page", {"seq_num": []}]\n["stop", {"reason": "\\udc80"}]\n'
        )
    assert journal.read(1) == [("event", {"seq_num": 1})]
    assert journal.is_behind
    assert journal.read(1000) == [("stop", {"reason": "\\udc80"})]
    assert not journal.is_behind


@pytest.mark.parametrize("line", [b"{}\n", b"???\n", b'["start"]\n', b'["start", 1]\n'])
def test_a_line_that_is_no_document_is_told(tmp_path, line):
    path = tmp_path / "run.jsonl"
    path.write_bytes(line)
    with pytest.raises(Refused, match="line 1: not a document"):
        Journal(path).read(1000)
