"""``#G0 #G1 #G3 #G4 #Q``: a diffractometer's lattice, orientation and place in reciprocal space.

The places of the numbers are those of SPEC's
`four-circle geometry <https://certif.com/spec_manual/fourc_4_9.html>`_. They are written complete
or not at all: readers count them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ...model.diffractometer import Diffractometer, Reflection, cell_volume
from ...model.numbers import Number
from .digits import digits, number
from .lines import comment, literal

__all__ = ["geometry_lines"]

_FOUR_CIRCLES = ("E4CV", "E4CH", "FOURC")
_FOURC_ANGLES = ("tth", "omega", "chi", "phi")
_FOURC_PARAMETERS, _FOURC_PLACES = 27, 26
"""Numbers in ``#G0`` and ``#G4``."""


def geometry_lines(geometry: Diffractometer, readings: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the lines of a diffractometer.

    Parameters
    ----------
    geometry
        The diffractometer.
    readings
        Of its axes, by field, at the start of the scan.
    """
    hkl = [number(readings.get(f"{geometry.device}_{axis}")) for axis in geometry.pseudos[:3]]
    is_four_circle = geometry.kind.upper() in _FOUR_CIRCLES
    if is_four_circle and geometry.mode == "bissector":  # SPEC's mode 0, omega equals zero
        yield _line("G0", [0] * _FOURC_PARAMETERS)
    yield _line("G1", _cell_and_reflections(geometry, is_four_circle=is_four_circle))
    yield _line("G3", geometry.ub)
    place = [value for value in hkl if value is not None and math.isfinite(value)]
    if len(place) == 3:
        if is_four_circle and geometry.wavelength is not None:
            rest = [0.0] * (_FOURC_PLACES - 4)
            yield _line("G4", [*place, geometry.wavelength, *rest])
        yield _line("Q", place)
    told = f"geometry {literal(geometry.kind)} of {literal(geometry.device)}"
    mode = f", mode {literal(geometry.mode)}" if geometry.mode else ""
    yield comment(f"{told}{mode}; 0 stands where it tells nothing")


def _cell_and_reflections(geometry: Diffractometer, *, is_four_circle: bool) -> list[float]:
    """Return the 32 numbers of ``#G1``: 0 for what there is not, as SPEC has before orienting."""
    axes = _FOURC_ANGLES if is_four_circle else geometry.reals[:6]
    nothing = Reflection((0.0, 0.0, 0.0), {}, 0.0)
    first, second = [*geometry.reflections, nothing, nothing][:2]
    angles = [[r.angles.get(axis, 0.0) for axis in axes] for r in (first, second)]
    padded = [(each + [0.0] * 6)[:6] for each in angles]
    lengths = [first.wavelength, second.wavelength]
    cell = [*geometry.lattice, *_reciprocal(geometry.lattice)]
    return [*cell, *first.hkl, *second.hkl, *padded[0], *padded[1], *lengths]


def _reciprocal(lattice: tuple[float, ...]) -> list[float]:
    """Return the reciprocal cell, with 2π and in degrees."""
    lengths, angles = np.array(lattice[:3]), np.radians(lattice[3:])
    cos, sin = np.cos(angles), np.sin(angles)
    others = [(1, 2), (2, 0), (0, 1)]
    factor = 2 * math.pi / cell_volume(lattice)
    edges = [factor * lengths[i] * lengths[j] * sin[k] for k, (i, j) in enumerate(others)]
    cosines = [(cos[i] * cos[j] - cos[k]) / (sin[i] * sin[j]) for k, (i, j) in enumerate(others)]
    return [*map(float, edges), *map(float, np.degrees(np.arccos(np.clip(cosines, -1, 1))))]


def _line(key: str, values: Iterable[Number]) -> bytes:
    return f"#{key} {' '.join(map(digits, values))}\n".encode()
