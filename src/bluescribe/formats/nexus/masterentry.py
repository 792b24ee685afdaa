"""The entry of a run in a master file, and how it gets there.

The master file is changed in a copy that takes its place, so that there is a whole one at any
moment, under a lock, so that several programs can share it.
"""

from __future__ import annotations

import errno
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ...assets.hdf5.marked import meet_all, opened_whole
from ...contract.post_run import Shortfall
from ...errors import BluescribeError
from ...files import Place, part_of, parts_of
from ...files.remedies import may_pass
from ...files.system import lock_file
from ...files.write_lock import NO_LOCKS
from ...hdf5.finished.changed_copy import changed
from ...model.run import Run
from .entrylinks import UnreadableRunError, file_of, write_entry

__all__ = ["MasterEntry", "entry_name", "shortfall"]

_CREATOR = "bluescribe NexusWriter, master file"
_ENTRY = "/entry"
_UID_DIGITS = 7
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9]")
_TEXT_BYTES = 64
_LOCK_SECONDS = 60.0
_LOCK_PAUSE = 0.02

_MOVED = (
    "move them back below the folder of the master file, and if they are there already mend them "
    "with `bluescribe recover`: the first run of the next session links them anew. Or leave it so: "
    "other runs are not touched by it"
)


class _OccupiedError(BluescribeError, ValueError):
    """What stands there is no master file."""


def entry_name(run: Run) -> str:
    """Return what a run is called in a master file: ``S00042_1f5a9c3``."""
    number = f"{run.scan_id:05d}" if isinstance(run.scan_id, int) else run.scan_id
    return f"S{_NOT_A_NAME.sub('', number)}_{_short(run.uid)}"


def _short(uid: str) -> str:
    return _NOT_A_NAME.sub("_", uid[:_UID_DIGITS])


class MasterEntry:
    """Links one run in a master file; it is called when the run's file is complete.

    Parameters
    ----------
    master
        The master file; made when it is missing.
    name
        What the run is called there.
    run_file
        The run's file.
    is_first
        Whether to look for the files of earlier runs that are not where they were.
    """

    def __init__(self, master: Place, name: str, run_file: Place, *, is_first: bool) -> None:
        self._master = master
        self._name = name
        self._run_file = run_file
        self._is_first = is_first

    def __call__(self, give_up: threading.Event) -> list[Shortfall]:
        """Link the run; return what could not be done."""
        try:
            with _locked(self._master, give_up):
                return self._link()
        except (OSError, RuntimeError, KeyError, BluescribeError) as error:  # h5py raises three
            return [shortfall(self._master, error)]

    def _link(self) -> list[Shortfall]:
        for left in parts_of(self._master.path):  # of who was killed: nobody else has the lock
            self._master.with_name(left.name).remove()
        is_new = not self._master.exists()
        if not is_new:
            _check_is_master(Path(self._master))
        lost: list[str] = []
        with part_of(self._master) as part:
            if not is_new:
                self._master.copy_into(part)
            with changed(part, "w" if is_new else "r+") as h5:
                if is_new:
                    _write_root(h5, self._master.name)
                name = self._write_entry(h5)
                _set_text(h5, "default", name)
                _set_text(h5, "file_update_time", datetime.now().astimezone().isoformat())
                if self._is_first and not is_new:
                    lost = _relink(h5, self._master.parent)
            part.sync()
        if not lost:
            return []
        names = ", ".join(lost[:3]) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
        return [Shortfall(f"in {self._master} these runs lead nowhere: {names}", _MOVED)]

    def _write_entry(self, h5: h5py.File) -> str:
        """Write the run, under another name if another run has this one; return the name."""
        file = os.path.relpath(self._run_file, self._master.folder.found())
        name, number = self._name, 1
        while name in h5 and file_of(h5, name) != file:
            number += 1
            name = f"{self._name}_{number}"
        write_entry(h5, name, self._run_file, file)
        return name


def shortfall(master: object, error: Exception) -> Shortfall:
    """Return what is told of a run that an error has kept out of a master file."""
    is_owed = isinstance(error, OSError) and bool(error.errno) and may_pass(error)
    return Shortfall(f"it is not in {master}: {error}", _remedy(error), is_owed=is_owed)


def _remedy(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return "look whether its folder can be written; the run's own file is whole"
    if isinstance(error, UnreadableRunError):
        return "another program changed that file: `bluescribe recover` can make it anew"
    return "move that file away, or give MASTER_FILE another name; the run's own file is whole"


@contextmanager
def _locked(master: Place, give_up: threading.Event) -> Iterator[None]:
    """Keep other writers of a master file waiting."""
    lock = master.folder.open(f".{master.name}.lock", os.O_RDWR | os.O_CREAT)
    try:
        deadline = time.monotonic() + _LOCK_SECONDS
        while not _try_lock(lock):
            if give_up.wait(_LOCK_PAUSE) or time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, "another program does not let go of it")
        yield
    finally:
        os.close(lock)


def _try_lock(descriptor: int) -> bool:
    try:
        lock_file(descriptor)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    return True


def _check_is_master(path: Path) -> None:
    with opened_whole(path) as marked:
        if marked.file.attrs.get("creator") != _CREATOR:
            raise _OccupiedError("what stands there is no master file")


def _write_root(h5: h5py.File, name: str) -> None:
    h5.attrs["NX_class"] = "NXroot"
    h5.attrs["file_name"] = name
    h5.attrs["file_time"] = datetime.now().astimezone().isoformat()
    h5.attrs["creator"] = _CREATOR
    h5.attrs["HDF5_Version"] = h5py.version.hdf5_version
    h5.attrs["h5py_version"] = h5py.version.version


def _set_text(h5: h5py.File, key: str, text: str) -> None:
    """Set an attribute that changes often in its place.

    Text of variable length would take 4 kB of the file each time.
    """
    value = np.array(text.encode(), h5py.string_dtype("utf-8", _TEXT_BYTES))
    h5.attrs.modify(key, value)


def _relink(h5: h5py.File, folder: Path) -> list[str]:
    """Find the files of runs that were moved; return the names of those that are not found.

    A file is looked for below the master file's folder, by its name, or by the uid in its name,
    and taken if it holds the run.
    """
    linked = {name: file for name in h5 if (file := file_of(h5, name)) is not None}
    broken = {name: file for name, file in linked.items() if not (folder / file).exists()}
    files = [Path(top, file) for top, _, files in os.walk(folder) for file in files if broken]
    lost = []
    for name, file in broken.items():
        uid = name.partition("_")[2][:_UID_DIGITS]
        alike = [p for p in files if p.name == Path(file).name]
        alike += [p for p in files if uid in p.name and p not in alike]
        found = next((path for path in alike if _holds(path, uid)), None)
        if found is None:
            lost.append(file)
        else:
            write_entry(h5, name, found, os.path.relpath(found, folder))
    return lost


def _holds(path: Path, uid: str) -> bool:
    """Tell whether a file is the one of a run, and whole."""
    try:
        with opened_whole(path) as marked:
            value: Any = marked.file[f"{_ENTRY}/entry_identifier"][()]
            is_its = isinstance(value, bytes) and _short(value.decode(errors="replace")) == uid
            if is_its:
                meet_all(marked.file, marked.size)
    except (OSError, KeyError, RuntimeError, ValueError):
        return False
    return is_its
