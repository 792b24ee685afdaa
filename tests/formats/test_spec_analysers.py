"""What the analysers of spectra say of them: times, calibration and regions, for every reader."""

from __future__ import annotations

import math
from importlib import import_module

import pytest
from bluesky import RunEngine
from bluesky import plans as bp
from ophyd import Component, EpicsSignal, Kind
from ophyd.mca import EpicsMCARecord
from ophyd.sim import make_fake_device
from silx.io.spech5 import SpecH5

from bluescribe import SpecWriter
from tests.formats.test_spec_session import only
from tests.formats.test_spec_text import run_of, written
from tests.readers import spec


class CalibratedMca(EpicsMCARecord):  # type: ignore[misc]  # ophyd has no types
    """An mca record with its calibration, which ophyd leaves to its users."""

    calibration_offset = Component(EpicsSignal, ".CALO", kind="config")
    calibration_slope = Component(EpicsSignal, ".CALS", kind="config")
    calibration_quadratic = Component(EpicsSignal, ".CALQ", kind="config")


FakeMca = make_fake_device(CalibratedMca)


def simulated(name, channels, scale=1.0):
    """Return an analyser as ophyd has it, without EPICS: one region is set, and 31 are not."""
    mca = FakeMca("sim:mca1", name=name)
    mca.stage_sigs.clear()
    mca.spectrum.sim_put([value * scale for value in range(channels)])
    mca.preset_real_time.sim_put(0.5 * scale)
    mca.elapsed_real_time.sim_put(0.625 * scale)
    mca.elapsed_live_time.kind = Kind.normal
    mca.elapsed_live_time.sim_put(0.25)
    for word, value in {"offset": -0.5, "slope": 0.01 * scale, "quadratic": 1e-6}.items():
        getattr(mca, f"calibration_{word}").sim_put(value)
    for i in range(32):
        roi = getattr(mca.rois, f"roi{i}")
        for signal, value in ((roi.label, ""), (roi.lo_chan, -1), (roi.hi_chan, -1)):
            signal.sim_put(value)
            signal.kind = "config"
        roi.kind = "config"
    mca.rois.kind = "config"
    mca.rois.roi3.label.sim_put("Fe K")
    mca.rois.roi3.lo_chan.sim_put(2)
    mca.rois.roi3.hi_chan.sim_put(5)
    return mca


def counted(folder, mcas):
    """Return the file of two points of these analysers."""
    RE = RunEngine({})
    with SpecWriter(folder) as writer:
        RE.subscribe(writer)
        RE(bp.count(mcas, num=2))
        assert not writer.status().failures
    path = only(folder)
    spec.check_silx(path)
    spec.check_xrayutilities(path)
    return path


def spectrum_lines(path):
    return [line for line in path.read_text().splitlines() if line.startswith("#@")]


def instruments(path):
    """Return what silx' tree says of each analyser."""
    with SpecH5(str(path)) as tree:
        instrument = tree[next(iter(tree))]["instrument"]
        names = sorted(name for name in instrument if name.startswith("mca_"))
        return [{k: v[()].tolist() for k, v in instrument[name].items()} for name in names]


def test_an_analyser_of_ophyd_tells_times_calibration_and_regions(tmp_path):
    path = counted(tmp_path, [simulated("mca1", 16)])
    assert spectrum_lines(path) == [
        "#@MCA %16C",
        "#@CHANN 16 0 15 1",
        "#@CALIB -0.5 0.01 1e-6",
        "#@CTIME 0.5 0.25 0.625",
        "#@ROI Fe_K 2 5",
        "#@DET_0 mca1_spectrum",
    ]
    (told,) = instruments(path)
    assert told["calibration"] == pytest.approx([-0.5, 0.01, 1e-6])
    assert (told["preset_time"], told["live_time"], told["elapsed_time"]) == (0.5, 0.25, 0.625)
    mca = spec.scan_of(path).MCA
    assert mca["CALIB"] == {"a": -0.5, "b": 0.01, "c": 1e-6}
    assert mca["ROI"] == {"Fe_K": {"first_chan": 2, "last_chan": 5}}
    times = ("preset_time", "elapsed_live_time", "elapsed_real_time")
    assert [mca[key] for key in times] == [0.5, 0.25, 0.625]


@pytest.mark.parametrize("lengths", [(16, 16), (16, 9)])
def test_each_of_several_analysers_has_lines_of_its_own(lengths, tmp_path):
    mcas = [simulated("mca1", lengths[0]), simulated("mca2", lengths[1], scale=2)]
    path = counted(tmp_path, mcas)
    found = instruments(path)
    assert [told["preset_time"] for told in found] == [0.5, 1.0]
    assert [told["elapsed_time"] for told in found] == [0.625, 1.25]
    assert [told["calibration"][1] for told in found] == pytest.approx([0.01, 0.02])
    assert [len(told["data"][0]) for told in found] == list(lengths)
    regions = spec.scan_of(path).MCA["ROI"]
    assert list(regions) == ["mca1_spectrum:Fe_K", "mca2_spectrum:Fe_K"]
    if len(set(lengths)) == 1:
        check_xrayutilities_has_spectra(path, ["mca1_spectrum", "mca2_spectrum"])


def check_xrayutilities_has_spectra(path, names) -> None:
    try:
        xrayutilities = import_module("xrayutilities")
    except ImportError:  # it is not among the test requirements
        return
    (scan,) = xrayutilities.io.SPECFile(str(path)).scan_list
    scan.ReadData()
    assert list(scan.data.dtype.names[-len(names) :]) == names


def with_configuration(data, *, source="", rows=2, **start):
    """Return a run of one spectrum, and a device with this configuration: value and source."""
    played = run_of([{"mca": [1, 2, 3, 4, 5, 6, 7, i]} for i in range(rows)], **start)
    descriptor = played[1][1]
    descriptor["data_keys"]["mca"] = {"dtype": "array", "shape": [8], "source": source}
    descriptor["configuration"] = {
        "device": {
            "data": {name: value for name, (value, _) in data.items()},
            "data_keys": {name: {"source": source} for name, (_, source) in data.items()},
            "timestamps": dict.fromkeys(data, 1.7e9),
        }
    }
    return played


def test_the_source_tells_which_field_of_the_record_a_signal_is(tmp_path):
    data = {
        "a": (1.5, "ca://ioc:mca1.CALO"),
        "b": (0.25, "ca://ioc:mca1.CALS"),
        "c": (0, "ca://ioc:mca1.CALQ"),
        "d": (7, "ca://ioc:mca2.CALQ"),
        "e": (3, "ca://ioc:mca1.PLTM"),
        "f": (0, "ca://ioc:mca1.PRTM"),
        "g": (1, "ca://ioc:mca1.R0LO"),
        "h": (4, "ca://ioc:mca1.R0HI"),
    }
    for source in ("ca://ioc:mca1", "ca://ioc:mca1.VAL"):
        path = written(tmp_path / source[-3:], with_configuration(data, source=source))
        assert spectrum_lines(path)[1:-1] == [
            "#@CHANN 8 0 7 1",
            "#@CALIB 1.5 0.25 0",
            "#@CTIME 3 nan nan",
            "#@ROI roi0 1 4",
        ]
        spec.check_silx(path)
        assert math.isnan(instruments(path)[0]["live_time"])


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"mca_calibration_offset": (1, ""), "mca_calibration_slope": (2, "")},
        {f"other_{key}": (1, "") for key in ("calo", "cals", "calq")},
        {f"mca_{key}": (0, "") for key in ("calo", "cals", "calq")},
        {f"mca_{key}": ("\n#S 9", "") for key in ("calo", "cals", "calq", "preset_real_time")},
        {f"mca_{key}": (math.nan, "") for key in ("calo", "cals", "calq", "preset_real_time")},
        {"mca_elapsed_real_time": (5, ""), "mca_preset_real_time": (-1, "")},
        {"mca_rois_roi0_lo_chan": (3, ""), "mca_rois_roi0_hi_chan": (2, "")},
        {"mca_rois_roi0_lo_chan": (0, ""), "mca_rois_roi0_hi_chan": (0, "")},
        {"mca_rois_roi0_lo_chan": (0.5, ""), "mca_rois_roi0_hi_chan": (2, "")},
        {"mca_rois_roi0_lo_chan": (0, ""), "mca_rois_roi0_hi_chan": (8, "")},
        {"mca_rois_roi0_label": ("lonely", "")},
        {"mca_calo": ([1, 2], ""), "mca_cals": (None, ""), "mca_calq": ({}, "")},
    ],
)
def test_what_is_not_certain_is_not_written(data, tmp_path):
    path = written(tmp_path, with_configuration(data))
    assert spectrum_lines(path) == [
        "#@MCA %8C",
        "#@CHANN 8 0 7 1",
        "#@CALIB 0 1 0",
        "#@DET_0 mca",
    ]
    spec.check_silx(path)


def test_a_point_s_count_time_is_the_preset_of_an_analyser_that_tells_none(tmp_path):
    path = written(tmp_path / "time", with_configuration({}, count_time=0.5))
    assert "#@CTIME 0.5 nan nan" in spectrum_lines(path)
    path = written(tmp_path / "counts", with_configuration({}, monitor_counts=1000))
    assert not [line for line in spectrum_lines(path) if line.startswith("#@CTIME")]


@pytest.mark.parametrize("name", ["\n#S 99 forged", "@A 1 2", "Größe µ", "  ", "\0", "a\\", "#C x"])
def test_the_name_of_a_region_forges_nothing(name, tmp_path):
    data = {"label": (name, ""), "lo_chan": (1, ""), "hi_chan": (2, "")}
    data = {f"mca_rois_roi0_{key}": value for key, value in data.items()}
    path = written(tmp_path, with_configuration(data))
    assert len(spec.scan_of(path).MCA["ROI"]) == 1
    spec.check_silx(path)
    spec.check_xrayutilities(path)


def test_scalars_that_are_a_spectrum_have_no_analyser(tmp_path):
    rows = [{f"s{i}": i + row / 8 for i in range(600)} for row in range(2)]
    path = written(tmp_path, run_of(rows, count_time=0.5))
    assert not [line for line in spectrum_lines(path) if line.startswith("#@CTIME")]
    spec.check_silx(path)
