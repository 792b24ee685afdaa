"""Diffractometers in NeXus files: the sample's cell and orientation, the axes, the reflections."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from tests.formats.diffractometers import CUBIC, REFLECTIONS, SILICON_UB, UB, hklpy, hklpy2
from tests.formats.test_nexus import write
from tests.formats.test_spec_text import run_of
from tests.readers.nexus import text
from tests.readers.nexus_rules import check_folder

INSTRUMENT = "/entry/instrument"


@pytest.mark.parametrize(("docs", "device"), [(hklpy(), "fourc"), (hklpy2(), "sim4c2")])
def test_a_sample_has_its_cell_and_orientation(docs, device, tmp_path):
    with h5py.File(write(tmp_path, docs)) as file:
        sample = file["/entry/sample"]
        np.testing.assert_array_equal(sample["unit_cell_abc"], CUBIC[:3])
        np.testing.assert_array_equal(sample["unit_cell_alphabetagamma"], CUBIC[3:])
        np.testing.assert_array_equal(sample["ub_matrix"], UB)
        told = file[f"{INSTRUMENT}/diffractometer_{device}"]
        assert text(told["geometry"][()]) == "E4CV"
        assert text(told["mode"][()]) == "bissector"
        assert text(told["real_axes"][()]) == "omega chi phi tth"
    check_folder(tmp_path)


def test_reflections_and_wavelength_are_those_of_the_documents(tmp_path):
    with h5py.File(write(tmp_path, hklpy())) as file:
        told = file[f"{INSTRUMENT}/diffractometer_fourc"]
        assert told["wavelength"][()] == pytest.approx(12.398419843320026 / 8.0)
        for number, expected in enumerate(REFLECTIONS, 1):
            found = told[f"reflection_{number}"]
            np.testing.assert_array_equal(found["hkl"], list(expected["reflection"].values()))
            assert found["wavelength"][()] == expected["wavelength"]
            assert {k: found[k][()] for k in expected["position"]} == expected["position"]


def run_with(axes):
    """Return a run of a diffractometer that has read these axes."""
    configuration = hklpy()[1][1]["configuration"]
    played = run_of([{f"fourc_{name}": n + 0.5 for name in axes} for n in range(3)])
    played[1][1]["configuration"] = configuration
    return played


def test_axes_that_were_read_are_transformations_that_depend_on_each_other(tmp_path):
    path = write(tmp_path, run_with(["omega", "chi", "phi", "tth"]))
    with h5py.File(path) as file:
        told = file[f"{INSTRUMENT}/diffractometer_fourc"]
        axes = told["sample_axes"]
        assert axes.attrs["NX_class"] == "NXtransformations"
        np.testing.assert_array_equal(axes["phi"], [0.5, 1.5, 2.5])
        chain = {name: axis.attrs["depends_on"] for name, axis in axes.items()}
        assert chain == {"omega": ".", "chi": "omega", "phi": "chi"}
        assert list(told["arm_axes"]) == ["tth"]
        for axis in axes.values():
            assert axis.attrs["transformation_type"] == "rotation"
            assert np.linalg.norm(axis.attrs["vector"]) == 1
    check_folder(tmp_path)


def test_the_vectors_turn_hkl_into_the_direction_of_the_diffracted_beam(tmp_path):
    """Rotate (4 0 0) with the vectors of the file; it must lie along k_out - k_in."""
    position = {"omega": -145.451, "chi": 0.0, "phi": 0.0, "tth": 69.0966}
    played = run_with(position)
    for name, doc in played:
        if name == "event":
            doc["data"] = {f"fourc_{k}": v for k, v in position.items()}
    with h5py.File(write(tmp_path, played)) as file:
        told = file[f"{INSTRUMENT}/diffractometer_fourc"]
        q = to_nexus(np.array(SILICON_UB) @ [4, 0, 0])
        for axis in ("phi", "chi", "omega"):
            q = rotated(q, told["sample_axes"][axis])
        beam = np.array([0.0, 0.0, 1.0])
        wanted = rotated(beam, told["arm_axes/tth"]) - beam
    cosine = q @ wanted / np.linalg.norm(q) / np.linalg.norm(wanted)
    assert cosine == pytest.approx(1, abs=1e-4)


def to_nexus(vector):
    """Turn libhkl's x along the beam and z up into NeXus' z along the beam and y up."""
    x, y, z = vector
    return np.array([y, z, x])


def rotated(vector, axis):
    """Rotate by the first angle of an NXtransformations axis (Rodrigues)."""
    angle, unit = np.radians(axis[0]), axis.attrs["vector"]
    return (
        vector * np.cos(angle)
        + np.cross(unit, vector) * np.sin(angle)
        + unit * (unit @ vector) * (1 - np.cos(angle))
    )


def test_a_chain_with_a_link_missing_is_left_out(tmp_path):
    with h5py.File(write(tmp_path, run_with(["omega", "phi", "tth"]))) as file:
        told = file[f"{INSTRUMENT}/diffractometer_fourc"]
        assert "sample_axes" not in told
        assert "arm_axes" in told


def test_a_fault_of_a_view_costs_no_column(tmp_path, caplog, monkeypatch):
    def fail(*args):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("bluescribe.formats.nexus.entryviews.diffractometers", fail)
    with h5py.File(write(tmp_path, run_with(["omega"]))) as file:
        np.testing.assert_array_equal(file["/entry/data/fourc_omega"], [0.5, 1.5, 2.5])
        assert "end_time" in file["entry"]
    assert sum("ours" in record.getMessage() for record in caplog.records) == 1
