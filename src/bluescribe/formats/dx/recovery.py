"""Data Exchange files after a crash: written anew from the journal, or mended."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py

from ...hdf5.column import MISSING, REMADE
from ...hdf5.file import set_attribute
from ...hdf5.marked import Marked, meet_all, opened, unmark
from ...recovery import Found, Keep, NotAloneError, Recovery, RecoveryError, Source
from ...writer import Writer
from .layout import ACQUISITION, EXCHANGE
from .settings import ROLES

__all__ = ["DxRecovery"]

_ENDING = ".dx.h5"
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_RECOVERED = "recovered"
"""Attribute in a file that was closed here: files of old formats do not tell that they are."""


class DxRecovery(Recovery):
    """Finds the Data Exchange files that bluescribe wrote.

    A file without images is a whole one as well: they may be in files that are not there.
    """

    holds_all_streams = False
    _told: Mapping[str, Any] = MappingProxyType({})
    """The settings that a file was written with, as it tells."""

    def examine(self, path: Path) -> list[Found]:
        """Return the run in a file."""
        ending = next((e for e in (self.ending, _ENDING) if path.name.endswith(e)), None)
        with path.open("rb") as file:
            head = file.read(9)
        if ending is None or (head and head[:8] != _SIGNATURE):
            return []
        stem = path.name.removesuffix(ending)
        try:
            with opened(path) as marked:
                return self._found(path, stem, marked, is_old=head[8] < 2)
        except (ValueError, RuntimeError, KeyError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            if not path.name.endswith(_ENDING):
                return []  # nothing tells that it is ours
            problem = f"HDF5 cannot open it: {error}"
            return [Found(path, stem, problem=problem, is_readable=False)]

    def _found(self, path: Path, stem: str, marked: Marked, *, is_old: bool) -> list[Found]:
        file = marked.file
        if f"{ACQUISITION}/uid" not in file:
            return []
        meet_all(file, marked.size)
        has_stop = f"{ACQUISITION}/stop" in file
        is_closed = has_stop or _RECOVERED in file[ACQUISITION].attrs
        problem = ""
        if marked.found.is_marked:
            problem = "it says that it is being written"
        elif is_old and not is_closed:
            problem = "nothing tells that it was closed"
        elif marked.found.end != marked.size:
            problem = "its length is wrong"
        run = str(file[f"{ACQUISITION}/uid"].asstr()[()])
        return [Found(path, stem, run, has_stop=has_stop, problem=problem)]

    def mend(self, path: Path, keep: Keep) -> str:
        """Take away the mark of being written, and half rows."""
        try:
            with opened(path) as marked:
                closed = marked.closed
        except (ValueError, RuntimeError, KeyError, OSError) as error:
            raise RecoveryError(f"HDF5 cannot open it: {error}") from None
        kept = keep(path)
        part = path.with_name(f".{path.name}.part")
        shutil.copy2(kept, part)
        unmark(part, closed)
        with h5py.File(part, "r+", locking=False) as file:
            cut = _cut(file)
            set_attribute(file[ACQUISITION], _RECOVERED, "closed after a crash")
        part.replace(path)
        return f"closed, {cut} rows were not complete" if cut else "closed"

    def rebuild(self, path: Path, sources: Sequence[Source], keep: Keep) -> str:
        """Write the file anew; where its images cannot be shown, it is mended as it is."""
        (source,) = sources
        self._told = _settings_of(path)
        keep(path)
        ending = self.ending if path.name.endswith(self.ending) else _ENDING
        try:
            self.write_again(path, source, ending)
        except RecoveryError as error:
            raise NotAloneError(str(error)) from None
        if not path.exists():
            raise NotAloneError("the journal has no image, and no event that has one")
        with h5py.File(path, "r+", locking=False) as file:
            set_attribute(file[ACQUISITION], _RECOVERED, "written anew from the journal")
        return "written anew from the journal"

    def writer(self, folder: Path, **values: Any) -> Writer:
        """Make a writer with the settings of the file; it waits for no images: the run is over."""
        chosen = self._settings.model_fields_set
        told = {name: value for name, value in self._told.items() if name not in chosen}
        return super().writer(folder, **{**told, **values, "images_timeout": 0.0})


def _settings_of(path: Path) -> Mapping[str, Any]:
    """Return the settings that a file tells; without them, its theta would be another motor's."""
    with suppress(ValueError, RuntimeError, KeyError, OSError), opened(path) as marked:
        told = json.loads(marked.file[f"{ACQUISITION}/settings"][()])
        return told if isinstance(told, dict) else {}
    return {}


def _cut(file: h5py.File) -> int:
    """Cut the columns of each role to the rows that all of them have; return how many went."""
    cut = 0
    for role in ROLES:
        columns = list(_columns(file, role))
        rows = min(map(len, columns), default=0)
        for column in columns:
            cut = max(cut, len(column) - rows)
            column.resize(rows, axis=0)
    exchange = file.get(EXCHANGE, {})
    for group in (exchange, *(file.get(f"{ACQUISITION}/{role}", {}) for role in ROLES)):
        for name in [name for name in group if name.endswith(REMADE)]:
            del group[name]
    if (gaps := exchange.get(f"theta{MISSING}")) is not None:
        gaps.resize(int((gaps[()] < len(exchange["theta"])).sum()), axis=0)
    return cut


def _columns(file: h5py.File, role: str) -> Iterator[h5py.Dataset]:
    """Yield what grows by a row for each image of a role."""
    paths = [f"{ACQUISITION}/{role}/{name}" for name in ("seq_num", "time")]
    paths += [f"{EXCHANGE}/{name}" for name in (role, *(["theta"] if role == "data" else []))]
    found = (file[path] for path in paths if path in file)
    yield from (column for column in found if column.maxshape[0] is None and not column.is_virtual)
