"""Simulated devices that are called as those of a beamline, and what their runs are written to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bluesky.plans as bp
from bluesky import RunEngine, SupplementalData
from ophyd import Signal
from ophyd.sim import SynAxis, SynGauss

from bluescribe import NexusWriter

UNITS = {
    "aps_current": "mA",
    "monochromator_dcm_energy": "keV",
    "monochromator_dcm_wavelength": "angstrom",
    "guard_slit_h_size": "mm",
    "guard_slit_v_size": "mm",
}

APS = {
    "aps_current": 102.25,
    "aps_fill_number": 12.0,
    "aps_aps_cycle": "2026-3",
    "bss_user_info_contact": "A. Scientist",
    "bss_user_info_institution": "Somewhere",
    "bss_user_info_email": "a@example.org",
    "bss_user_info_badge": "12345",
    "monochromator_dcm_wavelength": 0.59,
    "monochromator_dcm_energy": 21.0,
    "monochromator_dcm_theta": 5.4,
    "monochromator_dcm_y_offset": 12.7,
    "monochromator_dcm_mode": 1,
    "undulator_downstream_energy": 21.2,
    "undulator_downstream_gap": 18.5,
    "undulator_downstream_device": "U33",
    "undulator_downstream_location": "Downstream",
    "undulator_downstream_energy_taper": 0.0,
    "undulator_downstream_gap_taper": 0.0,
    "undulator_downstream_harmonic_value": 3.0,
    "undulator_downstream_total_power": 1.5,
    "undulator_downstream_version": "4.21",
    "sample_data_temperature": 295.5,
    "sample_data_chemical_formula": "Fe2 O3",
    "sample_data_magnetic_field": 0.5,
    "sample_data_magnetic_field_dir": "X",
    "sample_data_electric_field": 0.0,
    "sample_data_electric_field_dir": "Z",
    "sample_data_stress_field": 0.0,
    "sample_data_stress_field_dir": "y",
    "guard_slit_h_size": 1.062,
    "guard_slit_v_size": 0.5,
}


class Device(Signal):  # type: ignore[misc]  # ophyd has no types
    """A signal with units, as an EPICS record has them."""

    def describe(self) -> dict[str, Any]:
        """Add the units."""
        described = super().describe()
        described[self.name]["units"] = UNITS.get(self.name, "")
        return described


def signals(values: dict[str, Any]) -> list[Device]:
    """Return a signal for each name and value."""
    return [Device(name=name, value=value) for name, value in values.items()]


def scan() -> Any:
    """Return a plan of three points."""
    motor = SynAxis(name="motor")
    det = SynGauss("det", motor, "motor", center=0, Imax=1, sigma=1)
    return bp.scan([det], motor, -1, 1, 3)


def take(
    folder: Path,
    baseline: dict[str, Any] | None = None,
    *,
    plan: Any = None,
    writer: type[NexusWriter] = NexusWriter,
    md: dict[str, Any] | None = None,
    documents: list[tuple[str, dict[str, Any]]] | None = None,
    **settings: Any,
) -> Path:
    """Write one run of a real RunEngine; return the file."""
    RE = RunEngine({"scan_id": 41}, call_returns_result=False)
    if baseline:
        RE.preprocessors.append(SupplementalData(baseline=signals(baseline)))
    if documents is not None:
        RE.subscribe(lambda name, doc: documents.append((name, doc)))
    with writer(folder, **settings) as subscriber:
        RE.subscribe(subscriber.receiver)
        RE(plan or scan(), **(md or {}))
        status = subscriber.status()
    assert not status.failures
    assert status.last_file is not None
    return status.last_file
