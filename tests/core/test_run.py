"""What documents declare, taken as far as it goes."""

from __future__ import annotations

import time

import numpy as np
import pytest

from bluescribe.errors import DocumentError
from bluescribe.model.grammar import check_event, check_event_page, check_start
from bluescribe.model.run import Field, Run


def run_of(**start):
    return Run({"uid": "1f5a9c3e-aaaa", "time": 5.0, **start})


def descriptor(uid="d", name="primary", **more):
    doc = {"uid": uid, "name": name, "data_keys": {"x": {}, "y": {}, "z": {}}, **more}
    return run_of().add_descriptor(doc)[1]


def event(seq_num=1, stamps=None, **data):
    stamps = dict.fromkeys(data, 2.0) if stamps is None else stamps
    return {"seq_num": seq_num, "time": 1.0, "data": data, "timestamps": stamps}


def test_a_field_is_as_its_data_key_declares_it():
    key = {
        "dtype": "number", "dtype_numpy": "<f4", "shape": [2, None], "units": "mm", "precision": 3,
        "source": "PV:x", "enum_strs": ["off", "on"], "external": "FILE:", "object_name": "m1",
        "limits": {"control": {"low": -1, "high": 1}},
    }  # fmt: skip
    field = Field.from_data_key("x", key)
    assert (field.name, field.dtype, field.dtype_numpy) == ("x", "number", np.dtype("<f4"))
    assert (field.shape, field.units, field.precision) == ((2, None), "mm", 3)
    assert (field.source, field.enum_strs, field.object_name) == ("PV:x", ("off", "on"), "m1")
    assert field.external
    assert field.limits == key["limits"]


def test_a_field_is_as_ophyd_and_numpy_say_it_too():
    key = {"egu": "deg", "choices": ("a", "b"), "lower_ctrl_limit": -1, "upper_ctrl_limit": 1,
           "shape": np.array([2, 3]), "precision": np.int64(4)}  # fmt: skip
    field = Field.from_data_key("x", key)
    assert (field.units, field.enum_strs, field.shape, field.precision) == (
        "deg",
        ("a", "b"),
        (2, 3),
        4,
    )
    assert field.limits == {"control": {"low": -1, "high": 1}}
    assert Field.from_data_key("x", {"lower_ctrl_limit": 0, "upper_ctrl_limit": 0}).limits is None


@pytest.mark.parametrize("wrong", [None, 5, "text", [1, "a"], {"a": 1}, np.zeros((2, 2)), object()])
def test_a_malformed_data_key_is_left_out_where_it_is(wrong):
    keys = ("dtype", "dtype_numpy", "shape", "units", "precision", "limits", "source", "enum_strs",
            "choices", "object_name", "lower_ctrl_limit")  # fmt: skip
    field = Field.from_data_key("x", dict.fromkeys(keys, wrong))
    assert field.name == "x"
    assert all(isinstance(n, int | None) for n in field.shape)


@pytest.mark.parametrize("text", ["f8,(", "nonsense", "\ud800", "", ["a", "<i4"]])
def test_a_dtype_that_numpy_does_not_know_is_none(text):
    assert Field.from_data_key("x", {"dtype_numpy": text}).dtype_numpy is None


def test_a_stream_has_the_fields_of_all_its_descriptors():
    run = run_of()
    stream, first = run.add_descriptor(
        {"uid": "1", "name": "s", "data_keys": {"x": {"units": "a"}}}
    )
    again, second = run.add_descriptor({"uid": "2", "name": "s", "data_keys": {"x": {}, "y": {}}})
    assert again is stream
    assert stream.descriptors == [first, second]
    assert list(stream.fields) == ["x", "y"]
    assert stream.fields["x"].units == "a"


@pytest.mark.parametrize(
    "doc", [{}, {"uid": "d"}, {"data_keys": {}}, {"uid": "d", "data_keys": []}]
)
def test_a_descriptor_without_uid_or_data_keys_is_refused(doc):
    with pytest.raises(DocumentError, match="descriptor without uid or data_keys"):
        run_of().add_descriptor(doc)


def test_a_device_stands_for_its_hinted_fields_else_for_its_first():
    hints = {"m": {"fields": ["y", "unknown", 5, ["x"]]}, "n": {}, "o": {"fields": None}}
    objects = {"m": ["x", "y"], "n": ["z", "y"], "y": ["x", "y"], "p": None, "q": [["x"]]}
    d = descriptor(hints=hints, object_keys=objects)
    assert d.hints == {"m": ["y"], "n": [], "o": []}
    found = {name: d.device_fields(name) for name in [*objects, "z", "nobody"]}
    expected = {"m": ["y"], "n": ["z"], "y": ["y"], "p": [], "q": [], "z": ["z"], "nobody": []}
    assert found == expected


@pytest.mark.parametrize("wrong", [None, 5, "text", [1]])
def test_malformed_hints_objects_and_configuration_are_none(wrong):
    d = descriptor(hints=wrong, object_keys=wrong, configuration=wrong)
    assert (d.hints, d.object_keys, d.configuration) == ({}, {}, {})
    assert d.device_fields("x") == ["x"]


def test_an_array_without_dimensions_names_no_fields():
    assert descriptor(object_keys={"m": np.array("x")}).object_keys == {"m": []}


@pytest.mark.parametrize("wrong", ["unexpected", ["unexpected"], None, 3])
def test_a_device_with_malformed_configuration_is_left_out(wrong):
    d = descriptor(configuration={"bad": wrong, "good": {"data": {"gain": 1}}})
    assert d.configuration == {"good": {"data": {"gain": 1}}}


def test_events_become_columns():
    stream, d = run_of().add_descriptor({"uid": "d", "data_keys": {"x": {}, "y": {}}})
    page = stream.page(d, [event(1, x=1, y=2), event(2, y=4, x=3), event(3, x=5)])
    assert page.data == {"x": [1, 3, 5], "y": [2, 4, None]}
    assert page.timestamps == {"x": [2.0] * 3, "y": [2.0, 2.0, None]}
    assert (page.seq_num, page.time, len(page)) == ([1, 2, 3], [1.0] * 3, 3)


def test_values_stay_with_their_field_whatever_its_place_in_an_event():
    stream, d = run_of().add_descriptor({"uid": "d", "data_keys": {"x": {}, "y": {}}})
    page = stream.page(d, [event(1, x=1, y=2), event(2, y=4, x=3)])
    assert page.data == {"x": [1, 3], "y": [2, 4]}


def test_timestamps_need_not_be_there():
    stream, d = run_of().add_descriptor({"uid": "d", "data_keys": {"x": {}}})
    assert stream.page(d, [event(1, {}, x=1), event(2, x=2)]).timestamps == {"x": [None, 2.0]}
    doc = {"seq_num": [1, 2], "time": [1.0, 2.0], "data": {"x": np.array([1, 2])}, "timestamps": {}}
    assert stream.page_of(d, doc).timestamps == {"x": [None, None]}


def test_a_field_that_was_not_declared_is_added_to_the_stream():
    stream, d = run_of().add_descriptor({"uid": "d", "data_keys": {"x": {}}})
    page = stream.page(d, [event(1, x=1, new=2)])
    assert page.data["new"] == [2]
    assert list(stream.fields) == ["x", "new"]


def test_events_without_data_are_events():
    stream, d = run_of().add_descriptor({"uid": "d", "data_keys": {}})
    page = stream.page(d, [event(1), event(2)])
    assert len(page) == 2
    assert page.data == {}


def test_an_event_page_keeps_its_columns_and_needs_whole_ones():
    stream, d = run_of().add_descriptor({"uid": "d", "data_keys": {"x": {}}})
    column = np.arange(2)
    doc = {"seq_num": [1, 2], "time": [1, 2], "data": {"x": column}, "timestamps": {"x": [1, 2]}}
    assert stream.page_of(d, doc).data["x"] is column
    for part in ("data", "timestamps"):
        with pytest.raises(
            DocumentError, match=r"'primary': .* 'x' has 1 rows where seq_num has 2"
        ):
            stream.page_of(d, {**doc, part: {"x": [1]}})


@pytest.mark.parametrize(
    ("scan_id", "expected"),
    [(5, 5), (np.int64(5), 5), ("a", "a"), (None, 0), (1.5, 0), ([1], 0), (True, 1)],
)
def test_the_scan_number_is_a_number_or_a_text(scan_id, expected):
    assert run_of(scan_id=scan_id).scan_id == expected
    assert type(run_of(scan_id=scan_id).scan_id) is type(expected)


def test_a_run_without_a_time_began_when_it_was_received():
    assert run_of().time == 5.0
    for silent in (None, "noon", float("nan"), float("inf"), 10**400):
        assert abs(run_of(time=silent).time - time.time()) < 60


def test_a_title_is_made_up_where_there_is_none():
    assert run_of(title="Fe foil").title == "Fe foil"
    assert run_of(plan_name="scan", scan_id=3).title == "S0003-scan-1f5a9c3"
    assert run_of(title=10**5000).title == "S0000-run-1f5a9c3"
    assert run_of(scan_id=10**5000).title == "S0000-run-1f5a9c3"
    assert run_of(title=np.zeros(2)).title == "S0000-run-1f5a9c3"
    assert run_of(scan_id=3).label == "run 1f5a9c3 (scan 3)"


def test_the_primary_stream_is_called_so_or_is_the_first_that_is_no_baseline():
    def primary(*names):
        run = run_of()
        for number, name in enumerate(names):
            run.add_descriptor({"uid": str(number), "name": name, "data_keys": {}})
        return run.primary and run.primary.name

    assert primary("baseline", "label_start_motor", "fly", "primary") == "primary"
    assert primary("baseline", "label_start_motor", "fly", "other") == "fly"
    assert primary("baseline") is None
    assert primary() is None


GOOD = event(1, x=1)


@pytest.mark.parametrize(
    "doc",
    [{**GOOD, "seq_num": -1}, {**GOOD, "seq_num": 2**63}, {**GOOD, "seq_num": 1.0}, {},
     {**GOOD, "time": "noon"}, {**GOOD, "time": None}, {**GOOD, "data": [1]},
     {**GOOD, "data": {1: 2}}, {**GOOD, "timestamps": None}],
    ids=str,
)  # fmt: skip
def test_an_event_that_lacks_what_every_event_has_is_refused(doc):
    check_event(GOOD)
    check_event({**GOOD, "seq_num": np.int64(1), "time": np.float64(1)})
    with pytest.raises(DocumentError, match="event without seq_num, time, data or timestamps"):
        check_event(doc)


PAGE = {"seq_num": [1, 2], "time": [1.0, 2.0], "data": {}, "timestamps": {}}


@pytest.mark.parametrize(
    "doc",
    [{}, {**PAGE, "seq_num": 1}, {**PAGE, "time": [1.0]}, {**PAGE, "data": []},
     {**PAGE, "timestamps": None}, {**PAGE, "seq_num": ["a", "b"]}, {**PAGE, "time": [None, 1]},
     {**PAGE, "seq_num": [[1], [1, 2]]}],
    ids=str,
)  # fmt: skip
def test_an_event_page_that_lacks_what_every_page_has_is_refused(doc):
    check_event_page(PAGE)
    check_event_page({**PAGE, "seq_num": [], "time": []})
    check_event_page({**PAGE, "seq_num": np.array([1, 2]), "time": (1, 2)})
    with pytest.raises(DocumentError, match="event_page with"):
        check_event_page(doc)


@pytest.mark.parametrize("doc", [None, {}, {"uid": None}, {"uid": ""}, {"uid": 5}, [], "uid"])
def test_a_start_without_a_uid_is_refused(doc):
    with pytest.raises(DocumentError, match="start document without a uid"):
        check_start(doc)
