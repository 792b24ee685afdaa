"""Diffractometers as hklpy and hklpy2 describe them: lattice, orientation, beam, axes.

hklpy puts them into the configuration of its devices, hklpy2 into the start document, under
``diffractometers``. Both have 2π in ``UB``, as SPEC has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .run import Document, Run, Stream
from .told import mapping_of

__all__ = ["Diffractometer", "Reflection", "cell_volume", "diffractometers"]

_KEV_ANGSTROM = 12.398419843320026
"""h c, exact since 2019."""

_LATTICE = ("a", "b", "c", "alpha", "beta", "gamma")


@dataclass(frozen=True, slots=True)
class Reflection:
    """One of the two that orient a sample."""

    hkl: tuple[float, ...]
    angles: Mapping[str, float]
    wavelength: float


@dataclass(frozen=True, slots=True)
class Diffractometer:
    """A diffractometer at the start of a run, complete."""

    device: str
    kind: str
    """The name that libhkl has for it, such as ``E4CV``."""
    mode: str
    lattice: tuple[float, ...]
    ub: tuple[float, ...]
    wavelength: float | None
    """Angstrom."""
    pseudos: tuple[str, ...]
    reals: tuple[str, ...]
    reflections: tuple[Reflection, ...]


def diffractometers(run: Run, stream: Stream | None) -> list[Diffractometer]:
    """Return the diffractometers of a run, those in its plan first."""
    found = {geometry.device: geometry for geometry in _found(run, stream)}
    used = [*_names(run.start.get("motors")), *_names(run.start.get("detectors"))]
    is_apart = {d: not any(f"{u}_".startswith(f"{d}_") for u in used) for d in found}
    return sorted(found.values(), key=lambda geometry: is_apart[geometry.device])


def _found(run: Run, stream: Stream | None) -> Iterator[Diffractometer]:
    """Yield what is complete, whoever tells it."""
    for device, told in mapping_of(run.start.get("diffractometers")).items():
        if (geometry := _from_hklpy2(str(device), mapping_of(told))) is not None:
            yield geometry
    streams = [stream] if stream is not None else []
    streams += [other for other in run.streams.values() if other is not stream]
    for descriptor in (each.descriptors[0] for each in streams if each.descriptors):
        for device, configuration in descriptor.configuration.items():
            told = mapping_of(mapping_of(configuration).get("data"))
            if (geometry := _from_hklpy(str(device), told)) is not None:
                yield geometry


def _from_hklpy(device: str, told: Document) -> Diffractometer | None:
    """Read a device's configuration."""
    values = {str(key).removeprefix(f"{device}_"): value for key, value in told.items()}
    details = values.get("reflections_details")
    reals = tuple(_names(values.get("_reals")))
    reflections = [
        _reflection(each.get("reflection"), each.get("position"), each.get("wavelength"))
        for each in map(mapping_of, details if isinstance(details, list | tuple) else ())
        if _is_true(each.get("orientation_reflection"))
    ]
    return _complete(
        Diffractometer(
            device=device,
            kind=_text(values.get("geometry_name")),
            mode=_text(values.get("_mode")),
            lattice=_numbers(values.get("lattice"), 6),
            ub=_numbers(values.get("UB"), 9),
            wavelength=_wavelength(values.get("energy"), values.get("energy_units")),
            pseudos=tuple(_names(values.get("_pseudos"))),
            reals=reals,
            reflections=tuple(r for r in reflections if r is not None)[:2],
        )
    )


def _from_hklpy2(device: str, told: Document) -> Diffractometer | None:
    """Read what ``ConfigurationRunWrapper`` puts into the start document.

    The descriptors of hklpy2 have the axes and the beam, but no sample.
    """
    sample = mapping_of(mapping_of(told.get("samples")).get(_text(told.get("sample_name"))))
    lattice = mapping_of(sample.get("lattice"))
    axes, solver = mapping_of(told.get("axes")), mapping_of(told.get("solver"))
    known = {name: _text(axis) for name, axis in mapping_of(axes.get("axes_xref")).items()}
    beam = {**mapping_of(told.get("_header")), **mapping_of(told.get("beam"))}
    wavelength = _numbers([_in_angstrom(beam)], 1)
    units = lattice.get("length_units"), lattice.get("angle_units")
    is_spec = _is_angstrom(units[0]) and _is_degrees(units[1])
    return _complete(
        Diffractometer(
            device=_text(told.get("name")) or device,
            kind=_text(solver.get("geometry")),
            mode=_text(solver.get("mode")),
            lattice=_numbers([lattice.get(key) for key in _LATTICE], 6) if is_spec else (),
            ub=_numbers(sample.get("UB"), 9),
            wavelength=wavelength[0] if wavelength else None,
            pseudos=tuple(_names(axes.get("pseudo_axes"))),
            reals=tuple(known.get(name) or name for name in _names(axes.get("real_axes"))),
            reflections=tuple(_orienting(sample, known))[:2],
        )
    )


def _orienting(sample: Document, known: Mapping[str, str]) -> Iterator[Reflection]:
    """Yield the reflections that orient a sample, with the geometry's names of the axes.

    Parameters
    ----------
    sample
        As hklpy2 has it.
    known
        The geometry's name of each axis that the diffractometer calls otherwise.
    """
    reflections = mapping_of(sample.get("reflections"))
    for name in _names(sample.get("reflections_order")):
        told = mapping_of(reflections.get(name))
        pseudos, reals = (
            {known.get(axis) or axis: value for axis, value in mapping_of(told.get(kind)).items()}
            for kind in ("pseudos", "reals")
        )
        if (reflection := _reflection(pseudos, reals, _in_angstrom(told))) is not None:
            yield reflection


def _in_angstrom(told: Document) -> Any:
    """Return a wavelength, or None where it has another unit."""
    return told.get("wavelength") if _is_angstrom(told.get("wavelength_units")) else None


def _is_angstrom(units: Any) -> bool:
    """Tell whether lengths are SPEC's, as they are where no unit is told."""
    return _text(units).lower() in ("", "angstrom", "angstroms", "å")


def _is_degrees(units: Any) -> bool:
    return _text(units).lower() in ("", "degree", "degrees", "deg")


def _complete(geometry: Diffractometer) -> Diffractometer | None:
    """Return a geometry only if it has a cell of a crystal and an orientation."""
    if (
        not (geometry.kind and geometry.lattice and geometry.ub)
        or cell_volume(geometry.lattice) <= 0
    ):
        return None
    return geometry


def _reflection(hkl: Any, angles: Any, wavelength: Any) -> Reflection | None:
    indices = _numbers([mapping_of(hkl).get(axis) for axis in ("h", "k", "l")], 3)
    names = mapping_of(angles)
    values = _numbers(list(names.values()), len(names))
    lengths = _numbers([wavelength], 1)
    if not (indices and values and lengths):
        return None
    return Reflection(indices, dict(zip(map(str, names), values, strict=True)), lengths[0])


def cell_volume(lattice: tuple[float, ...]) -> float:
    """Return the volume of a cell of lengths and angles in degrees; 0 of what is no cell."""
    a, b, c, *angles = lattice
    x, y, z = np.cos(np.radians(angles))
    squared = 1 - x * x - y * y - z * z + 2 * x * y * z
    is_cell = min(a, b, c) > 0 and squared > 1e-12 and all(0 < angle < 180 for angle in angles)
    return float(a * b * c * math.sqrt(squared)) if is_cell else 0.0


def _wavelength(energy: Any, units: Any) -> float | None:
    scale = {"kev": 1.0, "ev": 1e-3}.get(str(units).lower())
    values = _numbers([energy], 1)
    if not values or scale is None or values[0] <= 0:
        return None
    return _KEV_ANGSTROM / (values[0] * scale)


def _numbers(value: Any, count: int) -> tuple[float, ...]:
    """Return so many finite numbers, or none."""
    try:
        array = np.asarray(value, dtype=float).reshape(-1)
    except (TypeError, ValueError, OverflowError):
        return ()
    fits = array.size == count and bool(np.isfinite(array).all()) and not isinstance(value, str)
    return tuple(array.tolist()) if fits and np.abs(array).max(initial=0) < 1e30 else ()


def _is_true(value: Any) -> bool:
    return isinstance(value, bool | int | float | np.generic) and bool(value)


def _names(value: Any) -> list[str]:
    values = value if isinstance(value, list | tuple) else ()
    return [name for name in values if isinstance(name, str)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
