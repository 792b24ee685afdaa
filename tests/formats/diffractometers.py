"""Documents of diffractometers: of hklpy, and of hklpy2."""

from __future__ import annotations

from typing import Any

from tests.formats.test_spec_text import run_of

CUBIC = [1.54, 1.54, 1.54, 90.0, 90.0, 90.0]
SILICON_U = [[-1.2e-05, -1.2e-05, -1.0], [0.0, -1.0, 1.2e-05], [-1.0, 1.5e-10, 1.2e-05]]
SILICON_UB = [
    [-1.41e-05, -1.41e-05, -1.156911306618],
    [0.0, -1.156911306704, 1.41e-05],
    [-1.156911306704, 1.73e-10, 1.41e-05],
]
UB = [[4.08, 0.0, -2.5e-16], [0.0, 4.08, 0.0], [0.1, 0.0, 4.08]]
REFLECTIONS: list[dict[str, Any]] = [
    {
        "reflection": {"h": 4.0, "k": 0.0, "l": 0.0},
        "flag": 1,
        "wavelength": 1.54,
        "position": {"omega": -145.451, "chi": 0.0, "phi": 0.5, "tth": 69.0966},
        "orientation_reflection": True,
    },
    {
        "reflection": {"h": 0.0, "k": 4.0, "l": 0.0},
        "flag": 1,
        "wavelength": 1.55,
        "position": {"omega": -145.451, "chi": 90.0, "phi": 0.0, "tth": 69.0966},
        "orientation_reflection": True,
    },
]


def hklpy(**changed):
    """Return a run whose detector is an hklpy diffractometer."""
    told = {
        "geometry_name": "E4CV",
        "energy": 8.0,
        "energy_units": "keV",
        "lattice": CUBIC,
        "UB": UB,
        "_pseudos": ["h", "k", "l"],
        "_reals": ["omega", "chi", "phi", "tth"],
        "_mode": "bissector",
        "reflections_details": REFLECTIONS,
        **changed,
    }
    rows = [{"fourc_h": 1.0, "fourc_k": 0.25, "fourc_l": -2.0, "fourc_tth": 3.0}] * 2
    played = run_of(rows, detectors=["fourc"])
    data = {f"fourc_{key}": value for key, value in told.items()}
    played[1][1]["configuration"] = {"fourc": {"data": data, "data_keys": {}, "timestamps": {}}}
    return played


def hklpy2(**changed):
    """Return a run of hklpy2's ConfigurationRunWrapper."""
    sample = {
        "name": "si",
        "lattice": dict(zip(("a", "b", "c", "alpha", "beta", "gamma"), CUBIC, strict=True)),
        "reflections": {
            "r1": {"pseudos": REFLECTIONS[0]["reflection"], "reals": {"tth": 1.0}, "wavelength": 1},
        },
        "reflections_order": ["r1"],
        "UB": UB,
        **changed,
    }
    told = {
        "_header": {"wavelength": 1.25, "wavelength_units": "angstrom"},
        "name": "sim4c2",
        "axes": {"pseudo_axes": ["h", "k", "l"], "real_axes": ["omega", "chi", "phi", "tth"]},
        "sample_name": "si",
        "samples": {"si": sample, "other": {}},
        "solver": {"geometry": "E4CV", "mode": "bissector"},
    }
    rows = [{"sim4c2_h": 1.0, "sim4c2_k": 0.5, "sim4c2_l": 0.0}]
    return run_of(rows, diffractometers={"sim4c2": told})


def recorded_hklpy2(**axes):
    """Return the shape of a document that hklpy2 1.0.0 made with libhkl 5.0.0.3001.

    ``creator(name="fourc", solver="hkl_soleil", geometry="E4CV")``, a sample of silicon, two
    reflections, ``core.calc_UB(r1, r2)``; numbers are shortened, and limits left out.

    Parameters
    ----------
    axes
        What the diffractometer calls an axis of the geometry: ``omega="theta"``.
    """
    called = {name: axes.get(name, name) for name in ("omega", "chi", "phi", "tth")}

    def reflection(name, hkl, chi):
        angles = {"omega": -145.451, "chi": chi, "phi": 0, "tth": 69.0966}
        return {
            "name": name,
            "geometry": "E4CV",
            "pseudos": dict(zip("hkl", hkl, strict=True)),
            "reals": {called[axis]: angle for axis, angle in angles.items()},
            "reals_units": "angstrom",
            "wavelength": 1.54,
            "wavelength_units": "angstrom",
            "digits": 4,
        }

    cell = {"a": 5.431, "b": 5.431, "c": 5.431, "alpha": 90.0, "beta": 90.0, "gamma": 90.0}
    told = {
        "_header": {
            "datetime": "2026-11-23 00:54:47.651630+00:00",
            "hklpy2_version": "1.0.0",
            "python_class": "Hklpy2Diffractometer",
            "config_schema_version": 2,
        },
        "name": "fourc",
        "axes": {
            "pseudo_axes": ["h", "k", "l"],
            "real_axes": [*called.values()],
            "axes_xref": {**{axis: axis for axis in "hkl"}, **{v: k for k, v in called.items()}},
            "extra_axes": {"h2": 0, "k2": 0, "l2": 0, "psi": 0},
            "auxiliary_axes": [],
        },
        "digits": 4,
        "sample_name": "si",
        "samples": {
            "si": {
                "name": "si",
                "lattice": {
                    **cell,
                    "digits": 4,
                    "angle_units": "degrees",
                    "length_units": "angstrom",
                },
                "reflections": {
                    "r1": reflection("r1", (4, 0, 0), 0),
                    "r2": reflection("r2", (0, 4, 0), 90),
                },
                "reflections_order": ["r1", "r2"],
                "U": SILICON_U,
                "UB": SILICON_UB,
                "digits": 4,
            },
        },
        "solver": {
            "name": "hkl_soleil",
            "geometry": "E4CV",
            "real_axes": [*called],
            "version": "5.0.0.3001",
            "engine": "hkl",
            "mode": "bissector",
        },
        "beam": {
            "class": "WavelengthXray",
            "energy": 8.050921976530415,
            "wavelength": 1.54,
            "energy_units": "keV",
            "wavelength_units": "angstrom",
        },
        "presets": {"bissector": {}},
    }
    rows = [{"fourc_beam_wavelength": 1.54, "fourc_h": 1.0, "fourc_k": 1.0, "fourc_l": 0.5}]
    played = run_of(rows, diffractometers={"fourc": told}, motors=["fourc_h"])
    played[1][1]["object_keys"] = {"fourc": [*rows[0]]}
    data = {"fourc_beam_wavelength_units": "angstrom", "fourc_beam_energy_units": "keV"}
    played[1][1]["configuration"] = {"fourc": {"data": data, "data_keys": {}, "timestamps": {}}}
    return played
