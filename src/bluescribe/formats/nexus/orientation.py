"""A diffractometer in a NeXus file: the sample's cell and orientation, axes, reflections."""

from __future__ import annotations

from collections.abc import Mapping

import h5py
import numpy as np

from ...hdf5.names import nexus_name
from ...hdf5.tree import Dataset, Group
from ...model.diffractometer import Diffractometer, Reflection
from .table import StreamTable

__all__ = ["diffractometer_group", "sample_group"]

_ARMS: Mapping[str, tuple[Mapping[str, tuple[int, int, int]], ...]] = {
    "E4CV": (
        {"omega": (-1, 0, 0), "chi": (0, 0, 1), "phi": (-1, 0, 0)},
        {"tth": (-1, 0, 0)},
    ),
    "E4CH": (
        {"omega": (0, 1, 0), "chi": (0, 0, 1), "phi": (0, 1, 0)},
        {"tth": (0, 1, 0)},
    ),
    "E6C": (
        {"mu": (0, 1, 0), "omega": (-1, 0, 0), "chi": (0, 0, 1), "phi": (-1, 0, 0)},
        {"gamma": (0, 1, 0), "delta": (-1, 0, 0)},
    ),
}
"""Axes of the sample and of the detector's arm, the outermost first, as libhkl turns them.

libhkl has x along the beam and z up; NeXus has z along the beam and y up.
"""


def sample_group(told: Diffractometer) -> Group:
    """Return what a diffractometer knows of its sample, as fields of the NXsample."""
    sample = Group("NXsample")
    sample.add("unit_cell_abc", Dataset(np.array(told.lattice[:3]), {"units": "angstrom"}))
    angles = np.array(told.lattice[3:])
    sample.add("unit_cell_alphabetagamma", Dataset(angles, {"units": "degree"}))
    matrix = np.array(told.ub).reshape(3, 3)
    sample.add("ub_matrix", Dataset(matrix, {"units": "1/angstrom", "note": "with a factor 2 pi"}))
    return sample


def diffractometer_group(told: Diffractometer, table: StreamTable | None, h5: h5py.File) -> Group:
    """Return a diffractometer with its axes, and the reflections that orient the sample.

    Parameters
    ----------
    told
        What its documents say.
    table
        The columns of the primary stream; axes that were read there are written as NeXus
        transformations where the geometry is one whose axes are known.
    h5
        The file.
    """
    group = Group("NXcollection")
    group.add("name", Dataset(told.device))
    group.add("geometry", Dataset(told.kind))
    group.add("mode", Dataset(told.mode))
    group.add("pseudo_axes", Dataset(" ".join(told.pseudos)))
    group.add("real_axes", Dataset(" ".join(told.reals)))
    if told.wavelength is not None:
        group.add("wavelength", Dataset(told.wavelength, {"units": "angstrom"}))
    for number, reflection in enumerate(told.reflections, 1):
        group.children[f"reflection_{number}"] = _reflection(reflection)
    if table is not None:
        for name, axes in zip(("sample_axes", "arm_axes"), _ARMS.get(told.kind, ()), strict=False):
            transformations = _transformations(told, axes, table, h5)
            if transformations.children:
                group.children[name] = transformations
    return group


def _reflection(reflection: Reflection) -> Group:
    group = Group("NXcollection")
    group.add("hkl", Dataset(np.array(reflection.hkl)))
    for axis, angle in reflection.angles.items():
        name = nexus_name(axis, {"hkl", "wavelength", *group.children})
        group.children[name] = Dataset(angle, {"units": "degree"})
    group.add("wavelength", Dataset(reflection.wavelength, {"units": "angstrom"}))
    return group


def _transformations(
    told: Diffractometer,
    axes: Mapping[str, tuple[int, int, int]],
    table: StreamTable,
    h5: h5py.File,
) -> Group:
    """Return the axes that were read, each depending on the one outside of it."""
    group = Group("NXtransformations")
    outside = "."
    for axis, vector in axes.items():
        column = table.column(f"{told.device}_{axis}")
        if column is None or column.layout is None or column.layout.kind not in ("integer", "real"):
            return Group("NXtransformations")  # a chain with a link missing turns nothing
        attrs = {
            "transformation_type": "rotation",
            "vector": np.array(vector, float),
            "units": "degree",
            "depends_on": outside,
        }
        group.children[axis] = Dataset(h5[column.path][()], attrs)
        outside = axis
    return group
