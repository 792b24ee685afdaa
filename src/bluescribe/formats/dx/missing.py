"""What a reconstruction needs and the run has not: angles, whites, darks.

A reader that finds no ``/exchange/theta`` takes angles from 0 to 180 degrees, as dxchange's
``read_aps_32id`` does. So what is missing is there all the same: NaN for each projection, and no
white and no dark in a dataset of none. From these nobody gets a picture that is wrong.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from typing import NamedTuple

import h5py
import numpy as np

from ...hdf5.objects import set_attribute
from ...model.run import Run
from .external import Task
from .layout import AXES, EXCHANGE
from .settings import IMAGE_KEYS, DxSettings, Role
from .tomogram import Tomogram

__all__ = ["Missing", "put_missing", "warn_of_missing"]

logger = logging.getLogger(__name__)

_REFERENCES: tuple[Role, ...] = ("data_white", "data_dark")


class Missing(NamedTuple):
    """A dataset without values that were measured."""

    dataset: str
    what: str
    key: str
    """The setting that decides where they come from."""
    is_wanted: bool
    """Whether the settings say that the run has it."""


def put_missing(
    h5: h5py.File, tomogram: Tomogram, settings: DxSettings, pending: Collection[Task]
) -> list[Missing]:
    """Give projections all datasets that readers look for, and return those without values.

    Parameters
    ----------
    h5
        The file, plain.
    tomogram, settings
        Where angles and images come from.
    pending
        What is in files that could not be read yet: it is not missing.
    """
    if "data" not in h5.get(EXCHANGE, ()):
        return []
    found: list[Missing] = []
    if "theta" not in pending:
        found.extend(_theta(h5[EXCHANGE], tomogram, settings))
    for role in _REFERENCES:
        if role not in pending and not len(_images(h5[EXCHANGE], role)):
            missing = _reference(role, settings)
            set_attribute(h5[EXCHANGE][role], "note", missing.what)
            found.append(missing)
    return found


def warn_of_missing(run: Run, missing: Collection[Missing]) -> None:
    """Tell of what the settings promise and the run has not."""
    wanted = [f"{entry.what}; see {entry.key}" for entry in missing if entry.is_wanted]
    if wanted:
        logger.warning(
            "dx: %s cannot be reconstructed as it is: %s. Nothing was made up for it. If the run "
            "has it, correct the key in DX_DATA_FILES and export the run again from its journal.",
            run.label,
            "; ".join(wanted),
        )


def _theta(group: h5py.Group, tomogram: Tomogram, settings: DxSettings) -> Iterator[Missing]:
    projections = len(group["data"])
    if "theta" not in group:
        group.create_dataset("theta", data=np.full(projections, np.nan))
    theta = group["theta"]
    unknown = np.count_nonzero(np.isnan(theta[()])) if theta.dtype.kind == "f" else 0
    if not unknown:
        return
    if unknown < projections:
        what = f"{unknown} of {projections} projections have no angle: theta is NaN for them"
    else:
        why = (
            f"no event has a value of {settings.theta!r}"
            if settings.theta
            else "the plan names no motor that could be the angle"
        )
        what = f"{why}: theta is NaN for all {projections} projections"
    set_attribute(theta, "note", what)
    yield Missing(theta.name, what, "THETA", is_wanted=True)


def _images(group: h5py.Group, role: Role) -> h5py.Dataset:
    """Return the images of a role, which may be none, of the shape and type of projections."""
    if role not in group:
        data = group["data"]
        dataset = group.create_dataset(role, (0, *data.shape[1:]), data.dtype)
        set_attribute(dataset, "axes", AXES)
    return group[role]


def _reference(role: Role, settings: DxSettings) -> Missing:
    name = f"{EXCHANGE}/{role}"
    if settings.image_key:
        (number,) = (number for number, of in IMAGE_KEYS.items() if of == role)
        what = f"no image of {role}: {settings.image_key!r} never is {number}"
        return Missing(name, what, "IMAGE_KEY", is_wanted=True)
    stream = settings.streams.get(role)
    why = f"no image is in stream {stream!r}" if stream else "no stream is meant to have it"
    return Missing(name, f"{role} is empty: {why}", "STREAMS", is_wanted=stream is not None)
