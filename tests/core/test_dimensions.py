"""How a plan laid out its points, told by real plans and by documents that are amiss."""

from __future__ import annotations

import numpy as np
import pytest

from bluescribe.model.dimensions import Grid, detector_fields, dimensions, grid, positioner_fields
from bluescribe.model.run import Run
from bluescribe.testing import documents


def laid_out(played):
    """Return the run and its main stream."""
    run = Run(next(doc for name, doc in played if name == "start"))
    for name, doc in played:
        if name == "descriptor" and doc["run_start"] == run.uid:
            run.add_descriptor(doc)
    return run, run.primary


@pytest.mark.parametrize(
    ("shape", "groups", "detectors"),
    [
        ("count", (), ["det"]),
        ("scan", (("m1",),), ["det"]),
        ("scan_two_motors", (("m1", "m2"),), ["det"]),
        ("list_scan", (("m1",),), ["det"]),
        ("spiral", (("m1",), ("m2",)), ["det"]),
        ("scan_without_detectors", (("m1",),), ["m1_setpoint"]),
        ("motor_with_empty_hints", (("axis",),), ["det"]),
        ("motor_not_read", (("axis_setpoint",),), ["det"]),
    ],
)
def test_a_plan_tells_what_it_varied_and_measured(tmp_path, shape, groups, detectors):
    run, stream = laid_out(documents(shape, tmp_path))
    assert dimensions(run, stream) == groups
    assert positioner_fields(run, stream) == [field for group in groups for field in group]
    assert detector_fields(run, stream) == detectors
    assert grid(run, stream) is None


def made(start=None, keys=("x", "y", "det", "more"), hints=None, objects=None):
    objects = objects or {key: [key] for key in keys}
    hints = hints if hints is not None else {key: {"fields": [key]} for key in keys}
    doc = {"uid": "d", "name": "primary", "data_keys": {key: {} for key in keys},
           "hints": hints, "object_keys": objects}  # fmt: skip
    run = Run({"uid": "u", **(start or {})})
    stream, _ = run.add_descriptor(doc)
    return run, stream


def hinted(*names, stream="primary"):
    return {"hints": {"dimensions": [((name,), stream) for name in names]}}


GRID = {"shape": (2, 3), "extents": ([0, 1], [2, 4]), "snaking": (False, True), **hinted("x", "y")}


def test_a_grid_has_its_axes_from_the_slowest_to_the_fastest():
    expected = Grid(("x", "y"), (2, 3), ((0.0, 1.0), (2.0, 4.0)), (False, True))
    assert grid(*made(GRID)) == expected
    as_arrays = {"shape": np.array([2, 3]), "extents": np.array([[0, 1], [2, 4]]),
                 "snaking": np.array([False, True])}  # fmt: skip
    assert grid(*made({**GRID, **as_arrays})) == expected
    straight = Grid(expected.axes, expected.shape, expected.extents, (False, False))
    assert grid(*made({**GRID, "snaking": None})) == straight


@pytest.mark.parametrize(
    "amiss",
    [
        {"shape": [6]}, {"shape": None}, {"shape": "23"}, {"shape": [2, None]}, {"shape": [2, 0]},
        {"shape": [-2, 3]}, {"shape": [2, float("inf")]}, {"shape": [2, float("nan")]},
        {"shape": np.int64(6)}, {"shape": [2, 3, 4]}, {"extents": None}, {"extents": [[0, 1]]},
        {"extents": [[0, 1], [2]]}, {"extents": [[0, 1], None]}, {"extents": np.float64(1)},
        {"extents": [[0, 1], ["a", "b"]]}, {"snaking": [True]}, hinted("x"), hinted("x", "unknown"),
        {"hints": None}, {"hints": {"gridding": "rectilinear_nonsequential", **GRID["hints"]}},
    ],
    ids=str,
)  # fmt: skip
def test_points_that_are_no_rectangle_are_no_grid(amiss):
    assert grid(*made({**GRID, **amiss})) is None


@pytest.mark.parametrize("motors", [("x", "y"), ["x", "y"], np.array(["x", "y"])])
def test_motors_tell_where_hints_do_not(motors):
    other = [hinted("time"), hinted("x", stream="other"), hinted("nobody")]
    for hints in [{}, {"hints": {}}, *other]:
        assert dimensions(*made({"motors": motors, **hints})) == (("x",), ("y",))


@pytest.mark.parametrize(
    "amiss", ["x", None, 5, np.str_("x"), np.float64(1), {"x": 1}, [None, 5, ["x"]]]
)
def test_motors_and_hints_that_are_amiss_are_none(amiss):
    assert dimensions(*made({"motors": amiss, "hints": amiss})) == ()
    assert dimensions(*made({"hints": {"dimensions": amiss}})) == ()
    assert dimensions(*made({"hints": {"dimensions": [amiss, (amiss, "primary")]}})) == ()
    assert detector_fields(*made({"detectors": amiss})) == ["x", "y", "det", "more"]


def test_a_readback_need_not_be_called_like_its_motor():
    objects = {"m": ["m_readback", "m_setpoint"], "det": ["det"]}
    keys = ("m_readback", "m_setpoint", "det")
    start = {"motors": ["m"], "detectors": ["det"]}
    for hints in ({"m": {"fields": ["m_readback"]}}, {}):
        run, stream = made(start, keys, hints, objects)
        assert dimensions(run, stream) == (("m_readback",),)
        assert detector_fields(run, stream) == ["det"]


def test_without_hints_every_field_that_is_no_positioner_is_a_detectors():
    assert detector_fields(*made({"motors": ["x"]}, hints={})) == ["y", "det", "more"]
    assert detector_fields(*made({"motors": ["x", "y", "det", "more"]})) == []
    assert detector_fields(*made({"detectors": ["more", "det"]})) == ["more", "det"]
    assert detector_fields(*made({"motors": ["x"]}, hints={"d": {"fields": ["more"]}})) == ["more"]


def test_a_count_over_time_varies_nothing_even_where_a_signal_is_called_time():
    assert dimensions(*made(hinted("time"), keys=("time", "det"))) == ()
