"""Diffractometers in SPEC files: complete for spec2nexus and silx, or not there at all."""

from __future__ import annotations

import json
import math
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from silx.io.specfile import SpecFile as SilxFile  # type: ignore[import-not-found]  # compiled
from silx.io.spech5 import SpecH5

from bluescribe import SpecWriter
from tests.formats.diffractometers import CUBIC, SILICON_UB, UB, hklpy, hklpy2, recorded_hklpy2
from tests.formats.test_spec_session import only, play, renamed
from tests.formats.test_spec_text import written
from tests.readers import spec

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
RECORDED = CORPUS / "aps_hklpy-7ab721bd.jsonl"


def control_lines(path):
    """Return the numbers of the lines that describe a geometry."""
    words = [line.split() for line in path.read_text().splitlines()]
    return {w[0]: [*map(float, w[1:])] for w in words if w and w[0][:2] in ("#G", "#Q")}


def check(path, cell, ub):
    """Fail unless both readers see this cell and this orientation."""
    (scan,) = spec.scans(path)
    assert [*scan.diffractometer.lattice] == cell
    assert scan.diffractometer.UB.tolist() == ub
    with SpecH5(str(path)) as tree:
        sample = tree["1.1" if "1.1" in tree else next(iter(tree))]["sample"]
        np.testing.assert_array_equal(sample["unit_cell"][()], np.array([cell], np.float32))
        np.testing.assert_array_equal(sample["ub_matrix"][()], np.array([ub], np.float32))
    spec.check_silx(path)
    spec.check_xrayutilities(path)


def test_a_diffractometer_of_hklpy_is_described(tmp_path):
    path = written(tmp_path, hklpy())
    check(path, CUBIC, UB)
    lines = control_lines(path)
    assert set(lines) == {"#G0", "#G1", "#G3", "#G4", "#Q"}
    assert lines["#G0"] == [0] * 27
    assert lines["#G4"][:4] == [1.0, 0.25, -2.0, pytest.approx(1.5498, abs=1e-4)]
    assert lines["#Q"] == [1.0, 0.25, -2.0]
    (scan,) = spec.scans(path)
    first, second = scan.diffractometer.reflections
    assert (first.h, first.k, first.l, first.wavelength) == (4, 0, 0, 1.54)
    assert (second.h, second.k, second.l, second.wavelength) == (0, 4, 0, 1.55)
    assert lines["#G1"][18:22] == [69.0966, -145.451, 0.0, 0.5]
    np.testing.assert_allclose(lines["#G1"][6:9], [2 * math.pi / 1.54] * 3)


def test_the_reciprocal_cell_of_a_triclinic_crystal_is_right(tmp_path):
    cell = [4.0, 5.0, 7.0, 80.0, 95.0, 110.0]
    star = control_lines(written(tmp_path, hklpy(lattice=cell)))["#G1"][6:12]

    def metric(c):
        cosines = np.cos(np.radians(c[3:]))
        g = np.outer(c[:3], c[:3])
        for (i, j), value in zip([(1, 2), (0, 2), (0, 1)], cosines, strict=True):
            g[i, j] *= value
            g[j, i] *= value
        return g

    product = metric(cell) @ metric(star) / (4 * math.pi**2)
    np.testing.assert_allclose(product, np.eye(3), atol=1e-12)


def test_a_diffractometer_of_hklpy2_is_described(tmp_path):
    path = written(tmp_path, hklpy2())
    check(path, CUBIC, UB)
    lines = control_lines(path)
    assert lines["#G4"][:4] == [1.0, 0.5, 0.0, 1.25]
    assert lines["#Q"] == [1.0, 0.5, 0.0]


@pytest.mark.parametrize("axes", [{}, {"omega": "theta", "tth": "ttheta"}])
def test_a_document_that_hklpy2_made_is_described(axes, tmp_path):
    path = written(tmp_path, recorded_hklpy2(**axes))
    check(path, [5.431] * 3 + [90.0] * 3, SILICON_UB)
    lines = control_lines(path)
    assert set(lines) == {"#G0", "#G1", "#G3", "#G4", "#Q"}
    assert lines["#G1"][12:18] == [4, 0, 0, 0, 4, 0]
    assert lines["#G1"][18:22] == [69.0966, -145.451, 0, 0]
    assert lines["#G1"][24:28] == [69.0966, -145.451, 90, 0]
    assert lines["#G1"][30:] == [1.54, 1.54]
    assert lines["#G4"][:4] == [1.0, 1.0, 0.5, 1.54]
    assert lines["#Q"] == [1.0, 1.0, 0.5]


@pytest.mark.parametrize("units", [{"length_units": "nm"}, {"angle_units": "radians"}])
def test_a_cell_in_other_units_than_spec_s_is_not_taken_for_one(units, tmp_path):
    played = recorded_hklpy2()
    played[0][1]["diffractometers"]["fourc"]["samples"]["si"]["lattice"].update(units)
    assert not control_lines(written(tmp_path, played))


def test_a_wavelength_in_other_units_than_spec_s_is_left_out(tmp_path):
    played = recorded_hklpy2()
    told = played[0][1]["diffractometers"]["fourc"]
    told["beam"]["wavelength_units"] = "nm"
    told["samples"]["si"]["reflections"]["r2"]["wavelength_units"] = "nm"
    lines = control_lines(written(tmp_path, played))
    assert "#G4" not in lines
    assert lines["#G1"][12:18] == [4, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    "damage",
    [
        {"UB": None},
        {"UB": [1, 2, 3]},
        {"UB": [[1, 2, math.nan], [0, 1, 0], [0, 0, 1]]},
        {"lattice": CUBIC[:5]},
        {"lattice": [0, 1, 1, 90, 90, 90]},
        {"lattice": [1, 1, 1, 170, 90, 10]},
        {"lattice": "1.54"},
        {"geometry_name": 4},
    ],
)
def test_what_is_not_complete_is_not_there_at_all(damage, tmp_path):
    path = written(tmp_path, hklpy(**damage))
    assert not control_lines(path)
    spec.check_silx(path)


def test_another_geometry_has_no_places_of_a_four_circle(tmp_path):
    path = written(tmp_path, hklpy(geometry_name="E6C", reflections_details="none", energy=0))
    check(path, CUBIC, UB)
    assert set(control_lines(path)) == {"#G1", "#G3", "#Q"}
    assert not any(control_lines(path)["#G1"][12:])


@pytest.mark.skipif(not RECORDED.exists(), reason=f"no recorded run at {RECORDED}")
def test_a_recorded_run_of_hklpy_is_described(tmp_path):
    played = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    path = written(tmp_path, played)
    a = 4.079990459207523
    ub = [[a, -2.4982736282101165e-16, -2.4982736282101165e-16], [0.0, a, -2.4982736282101165e-16]]
    check(path, CUBIC, [*ub, [0.0, 0.0, a]])
    assert control_lines(path)["#Q"] == [0.0, 0.0, 0.0]


JUNK: list[Any] = [
    *(None, 0, -1.5, 10**400, math.nan, math.inf, True, "", "x", "\n#S 9", b"x"),
    *([], [1], {}, {"a": 1}, {1: 2}, (1, 2), np.array([1, 2]), np.array(5), np.float64(2)),
]


def places(told, place=()):
    """Yield where in a document something stands."""
    items = told.items() if isinstance(told, dict) else enumerate(told)
    for key, value in items:
        yield (*place, key)
        if isinstance(value, dict | list):
            yield from places(value, (*place, key))


@pytest.mark.ci
@pytest.mark.parametrize(
    ("make", "at"),
    [
        (recorded_hklpy2, (0, 1, "diffractometers")),
        (hklpy, (1, 1, "configuration")),
    ],
)
def test_whatever_a_diffractometer_tells_costs_no_scan(make, at, tmp_path):
    def found(played, place):
        for key in place:
            played = played[key]
        return played

    everywhere = list(places(found(make(), at)))
    runs = 0
    with SpecWriter(tmp_path) as writer:
        for place in everywhere:
            for junk in JUNK:
                played = deepcopy(make())
                found(played, (*at, *place[:-1]))[place[-1]] = junk
                runs += 1
                play(writer, renamed(played, runs, runs))
        assert not writer.status().failures
    assert runs > 500
    assert len(SilxFile(str(only(tmp_path)))) == runs
