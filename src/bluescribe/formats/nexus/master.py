"""The master file: one HDF5 file a visit, in which every finished run stands as an NXentry.

What is in it are external links, by relative name, to the run's file. Which master file it is
is settled when a run begins; the run is linked when its file is complete, by whichever process.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...contract.post_run import Shortfall
from ...files import Folder, Place
from ...files.run_paths import place_of_run, run_path
from ...model.run import Run
from .masterentry import MasterEntry, entry_name, shortfall
from .settings import NexusSettings

__all__ = ["Master"]

_DEFAULT_NAME = "master.hdf"
"""What a master file is called whose template needs a key that a run does not have."""


@dataclass(frozen=True, slots=True)
class Master:
    """The master file that a run is to be linked in."""

    path: Path
    """Absolute, as it was when the run began."""
    place: Place | None = None
    """Its folder is held from the run's start; None where it could not be made."""

    @classmethod
    def of(cls, run: Run, settings: NexusSettings) -> Master | None:
        """Return that of a run that begins, if one is wanted."""
        template = settings.master_file
        if template is None:
            return None
        name = run_path(settings.directory, template, run.start, fallback=_DEFAULT_NAME)
        path = run.cwd / name
        try:
            return cls(path, place_of_run(path, settings.rights))
        except OSError:  # it is tried again at the end, and told then
            return cls(path)

    @classmethod
    def found(cls, noted: Mapping[str, Any], beside: Folder) -> Master:
        """Return that which an earlier process noted.

        Raises
        ------
        OSError
            Its folder is not there, or is another one while that of the run is the same.
        """
        path = Path(os.path.normpath(beside.found() / noted["path"]))
        if noted["folder"] is None:
            return cls(path)
        place = Place.at(path)
        is_here = _identity(beside) == noted["beside"]
        if is_here and _identity(place.folder) != noted["folder"]:
            words = "this folder is another one than when the run began"
            raise OSError(errno.ENOENT, words, str(path.parent))
        return cls(path, place)

    def noted(self, beside: Folder) -> dict[str, Any]:
        """Return what `found` needs; the path is relative, to be right when all is moved."""
        path = os.fspath(self.place or self.path)
        return {
            "path": os.path.relpath(path, beside.found()),
            "folder": _identity(self.place.folder) if self.place else None,
            "beside": _identity(beside),
        }

    def link(
        self, run: Run, file: Place, settings: NexusSettings, give_up: threading.Event
    ) -> list[Shortfall]:
        """Link the file of a run; return what could not be done."""
        try:
            place = self.place or place_of_run(self.path, settings.rights)
        except OSError as error:
            return [shortfall(self.path, error)]
        is_first = settings.is_first_in(place.path)
        return MasterEntry(place, entry_name(run), file, is_first=is_first)(give_up)


def _identity(folder: Folder) -> list[int]:
    found = folder.stat(".")
    return [found.st_dev, found.st_ino]
