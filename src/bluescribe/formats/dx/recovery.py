"""Data Exchange files after a crash: where they have what, and with which settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import h5py

from ...assets.hdf5.marked import Marked, opened
from ...contract.array_types import ArrayTypes
from ...hdf5.columns.datasets import MISSING, REMADE, SHAPE
from ...hdf5.finished.mend import Layout, Table, growing
from ...hdf5.finished.recovery import Hdf5Recovery
from ...model.numbers import is_integer
from .layout import ACQUISITION, CREATOR, EXCHANGE
from .settings import ROLES, Role

__all__ = ["DxRecovery"]

_LEFT_OUT = f"{ACQUISITION}/left_out"
"""Is written when the file is finished."""
_OF_A_COLUMN = ("", SHAPE, MISSING, REMADE, SHAPE + REMADE)
"""Endings of the names of datasets that grow together."""


class DxLayout(Layout):
    """A table for each role of images, in two groups."""

    home = ACQUISITION
    uid = f"{ACQUISITION}/uid"
    stop = f"{ACQUISITION}/stop"

    def tables(self, file: h5py.File) -> Iterator[Table]:
        """Yield the columns of each role."""
        told = _settings(file)
        # a finished file has rows for frames, and none for events without an image
        is_a_row_an_event = not told.get("image_key") and _LEFT_OUT not in file
        streams = told.get("streams", {}) if is_a_row_an_event else {}
        for role in ROLES:
            group = file.get(f"{ACQUISITION}/{role}")
            if group is not None:
                columns = [*growing(group), *_images(file, role)]
                yield Table(role, columns, group.get("seq_num"), streams.get(role))

    def array_types(self, file: h5py.File) -> ArrayTypes:
        """Return the types of images; which stream they are of does not matter."""
        images = (file.get(f"{EXCHANGE}/{role}") for role in ROLES)
        return {
            (None, str(dataset.attrs["description"])): dataset.dtype
            for dataset in images
            if dataset is not None and is_integer(dataset.dtype) and "description" in dataset.attrs
        }

    def is_finished(self, marked: Marked) -> bool:
        """Tell whether the file says what is not in it."""
        return _LEFT_OUT in marked.file


class DxRecovery(Hdf5Recovery):
    """Finishes the Data Exchange files that bluescribe wrote."""

    creator: ClassVar[str] = CREATOR
    layout: ClassVar[Layout] = DxLayout()
    endings: ClassVar[tuple[str, ...]] = (".dx.h5",)
    holds_all_streams: ClassVar[bool] = False

    def told_settings(self, path: Path) -> dict[str, Any]:
        """Return what a file tells: with other settings its angle might be another motor's."""
        chosen = self._settings.model_fields_set
        with suppress(ValueError, RuntimeError, KeyError, OSError), opened(path) as marked:
            told = _settings(marked.file)
            return {name: value for name, value in told.items() if name not in chosen}
        return {}


def _settings(file: h5py.File) -> dict[str, Any]:
    text = file.get(f"{ACQUISITION}/settings")
    told = json.loads(text[()]) if text is not None else {}
    return told if isinstance(told, dict) else {}


def _images(file: h5py.File, role: Role) -> Iterator[h5py.Dataset]:
    """Yield what grows by a row for each image of a role."""
    if EXCHANGE not in file:
        return
    names = [role, "theta"] if role == "data" else [role]
    wanted = {f"{EXCHANGE}/{name}{ending}" for name in names for ending in _OF_A_COLUMN}
    yield from (column for column in growing(file[EXCHANGE]) if column.name in wanted)
