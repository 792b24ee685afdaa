"""Where things stand in a Data Exchange file, and how rows of events become rows of frames."""

from __future__ import annotations

import h5py
import numpy as np

from ...hdf5.columns.datasets import MISSING, SHAPE
from ...hdf5.removal import remove
from ...model.values import Array

__all__ = ["ACQUISITION", "AXES", "CREATOR", "EXCHANGE", "NUMBER", "TIME", "take_rows"]

CREATOR = "bluescribe DxWriter"
"""Attribute of the root."""
EXCHANGE = "/exchange"
ACQUISITION = "/process/acquisition"
AXES = "theta:y:x"
NUMBER = {"long_name": "sequence number of the event"}
TIME = {"units": "s", "long_name": "time of the event in epoch seconds"}


def take_rows(group: h5py.Group, name: str, rows: Array, each: int) -> None:
    """Put rows of a column, each so many times, in the place of the column.

    Parameters
    ----------
    group, name
        Where the column is; what goes with it is changed alike.
    rows
        Numbers of rows.
    each
        Frames of each row. A row that holds as many values gives each frame one of them.
    """
    if each == 1 and np.array_equal(rows, np.arange(len(group[name]))):
        return
    values = group[name][()][rows]
    is_spread = each > 1 and values.ndim == 2 and values.shape[1] == each
    repeated = values.reshape(-1) if is_spread else np.repeat(values, each, axis=0)
    if (gaps := group.get(name + MISSING)) is not None:
        is_gap = np.repeat(np.isin(rows, gaps[()]), each)
        _replace(group, name + MISSING, np.flatnonzero(is_gap))
    if (shapes := group.get(name + SHAPE)) is not None:
        _replace(group, name + SHAPE, np.repeat(shapes[()][rows], each, axis=0))
    _replace(group, name, repeated)


def _replace(group: h5py.Group, name: str, values: Array) -> None:
    attrs = dict(group[name].attrs)
    dtype = group[name].dtype
    remove(group, name)
    group.create_dataset(name, data=values, dtype=dtype).attrs.update(attrs)
