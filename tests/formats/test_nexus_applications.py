"""Application definitions: an example of each passes nexusformat's check, or is not named."""

from __future__ import annotations

import logging
from typing import Any

import bluesky.plans as bp
import h5py
import numpy as np
import pytest
from nexusformat.nexus import validate
from ophyd import Signal
from ophyd.sim import SynAxis

from bluescribe import NexusWriter
from bluescribe.errors import ConfigError
from bluescribe.formats.nexus.content import definition_names
from tests.formats.beamline import take
from tests.readers.nexus import text
from tests.readers.nexus_rules import check_folder


class Detector(Signal):  # type: ignore[misc]  # ophyd has no types
    """Gives another whole number, spectrum or image at each trigger."""

    def __init__(self, name, shape=()):
        super().__init__(name=name, value=np.zeros(shape, np.int64) if shape else 0)
        self._rng = np.random.default_rng(1)
        self._frame_shape = shape

    def trigger(self):
        counts = self._rng.integers(0, 1000, self._frame_shape or None)
        self.put(counts if self._frame_shape else int(counts))
        return super().trigger()

    def describe(self):
        described = super().describe()
        described[self.name]["units"] = "counts"
        return described


class Energies(Signal):  # type: ignore[misc]  # ophyd has no types
    """Its configuration tells the energies of the channels of a spectrum."""

    def __init__(self):
        super().__init__(name="energies", value=1.0)

    def read_configuration(self):
        return {"axis": {"value": [n / 10 for n in range(8)], "timestamp": 0.0}}

    def describe_configuration(self):
        return {"axis": {"source": "sim", "dtype": "array", "shape": [8], "units": "keV"}}


def scan(*detectors, motor):
    return bp.scan(list(detectors), SynAxis(name=motor), 0.0, 1.0, 4)


SAMPLE = {"name": {"value": "Fe foil"}}
SOURCE = {
    "/entry/instrument:NXinstrument": {"name": {"value": "8-ID-I"}},
    "/entry/instrument/source:NXsource": {
        "type": {"value": "Synchrotron X-ray Source"},
        "name": {"value": "Advanced Photon Source"},
        "probe": {"value": "x-ray"},
    },
    "/entry/sample:NXsample": SAMPLE,
}
MONITOR = {"mode": {"value": "timer"}, "preset": {"value": 0.5, "units": "s"}}

EXAMPLES: dict[str, dict[str, Any]] = {
    "NXscan": {
        "plan": lambda: scan(Detector("det"), Detector("I0"), motor="th"),
        "roles": {"monitor": "I0"},
    },
    "NXsas": {
        "plan": lambda: bp.count([Detector("eiger", (5, 4))], 3),
        "roles": {"image": "eiger"},
        "content": {
            "/entry/instrument/monochromator:NXmonochromator": {
                "wavelength": {"value": 1.03, "units": "angstrom"}
            },
            "/entry/instrument/detector:NXdetector": {
                "distance": {"value": 2.5, "units": "m"},
                "x_pixel_size": {"value": 75e-6, "units": "m"},
                "y_pixel_size": {"value": 75e-6, "units": "m"},
            },
        },
    },
    "NXxas": {
        "plan": lambda: scan(Detector("It"), Detector("I0"), motor="energy"),
        "roles": {"incoming_beam": "I0", "absorbed_beam": "It"},
        "md": {"mode": "Transmission"},
        "content": {"/entry/monitor:NXmonitor": MONITOR},
    },
    "NXtomo": {
        "plan": lambda: scan(Detector("camera", (5, 4)), Detector("key"), motor="rotation"),
        "roles": {"image": "camera", "image_key": "key"},
    },
    "NXfluo": {
        "plan": lambda: bp.count([Detector("vortex", (8,)), Detector("I0"), Energies()], 1),
        "roles": {"spectrum": "vortex", "energy": "configuration/energies/axis", "monitor": "I0"},
        "content": {
            "/entry/instrument/monochromator:NXmonochromator": {
                "wavelength": {"value": 1.03, "units": "angstrom"}
            },
            "/entry/monitor:NXmonitor": MONITOR,
        },
    },
    "NXmonopd": {
        "plan": lambda: scan(Detector("counts"), motor="tth"),
        "content": {
            "/entry/instrument/crystal:NXcrystal": {
                "wavelength": {"value": [1.03], "units": "angstrom"}
            },
            "/entry/sample:NXsample": {
                **SAMPLE,
                "rotation_angle": {"value": 12.0, "units": "degree"},
            },
            "/entry/monitor:NXmonitor": {**MONITOR, "integral": {"value": 4e6, "units": ""}},
        },
    },
}


def test_each_definition_has_an_example():
    assert definition_names() == sorted(EXAMPLES)


def write(folder, name, **changes):
    example = {**EXAMPLES[name], **changes}
    content = {**SOURCE, **example.get("content", {})}
    return take(
        folder,
        plan=example["plan"](),
        definition=name,
        roles=example.get("roles", {}),
        content=content,
        md=example.get("md"),
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_passes_the_validator(name, tmp_path):
    path = write(tmp_path, name)
    with h5py.File(path) as file:
        assert text(file["/entry/definition"][()]) == name
    found = messages_of_validator(path)
    assert found == []
    check_folder(tmp_path)


def messages_of_validator(path):
    records = []

    class Log(logging.Handler):
        def emit(self, record):
            if record.levelname in ("WARNING", "ERROR"):
                records.append(f"{record.levelname} {record.getMessage().strip()}")

    logger = logging.getLogger("NXValidate")
    handlers, logger.handlers = logger.handlers, [Log()]
    try:
        counted = validate.validate_application(str(path), path="/entry")
    finally:
        logger.handlers = handlers
    assert counted is not None
    assert sum(counted) == len(records)
    return records


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "NXscan"])
def test_without_a_sample_no_definition_is_named(name, tmp_path, caplog):
    content = EXAMPLES[name].get("content", {})
    path = write(tmp_path, name, content={**content, "/entry/sample:NXsample": None})
    with h5py.File(path) as file:
        assert "definition" not in file["entry"]
    assert any("sample/name" in r.getMessage() for r in caplog.records)


def test_a_plan_asks_for_a_definition_in_its_metadata(tmp_path):
    asked = {"name": "NXscan", "monitor": "I0"}
    path = take(
        tmp_path,
        plan=scan(Detector("det"), Detector("I0"), motor="th"),
        md={"nexus_definition": asked},
    )
    with h5py.File(path) as file:
        assert text(file["/entry/definition"][()]) == "NXscan"


@pytest.mark.parametrize("asked", ["NXnothing", {"name": "NXscan", "colour": "x"}, 5])
def test_a_definition_that_is_none_is_told_and_left_aside(asked, tmp_path, caplog):
    path = take(tmp_path, md={"nexus_definition": asked})
    with h5py.File(path) as file:
        assert "definition" not in file["entry"]
        assert len(file["/entry/data/motor"]) == 3
    assert any("nexus_definition" in r.getMessage() for r in caplog.records)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"definition": "NXsass"}, "NXsas, NXscan"),
        ({"definition": "NXscan", "roles": {"I0": "x"}}, "no role 'I0'"),
        ({"roles": {"monitor": "x"}}, "set definition"),
    ],
)
def test_settings_name_a_definition_that_there_is(settings, words, tmp_path):
    with pytest.raises(ConfigError) as refused:
        NexusWriter(tmp_path, **settings)
    assert words in str(refused.value)


def test_two_spectra_are_not_what_nxfluo_means(tmp_path, caplog):
    detectors: list[Any] = [Detector("vortex", (8,)), Detector("I0"), Energies()]
    path = write(tmp_path, "NXfluo", plan=lambda: bp.count(detectors, 2))
    with h5py.File(path) as file:
        assert "definition" not in file["entry"]
        assert file["/entry/data/vortex"].shape == (2, 8)
    assert any("fluorescence/data" in r.getMessage() for r in caplog.records)
