"""HDF5 files after a crash: written anew from the journal, or mended in place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np

from ...assets.hdf5.marked import opened
from ...assets.hdf5.superblock import read_superblock
from ...contract.array_types import ArrayTypes, in_types
from ...contract.held_run import HeldRun
from ...contract.recovery import (
    COPIES_ARE_ALL_THERE_IS,
    Found,
    Keep,
    NotAloneError,
    Recovery,
    RecoveryError,
    Source,
    changing,
)
from ...files import Place
from ...files.write_lock import is_held
from ..parts.after_crash import is_part, lacking_parts, parts_of_main, run_of, show_parts
from ..parts.gathered import MAIN
from ..parts.pieces import Where
from .changed_copy import changed
from .compact import compact
from .glance import Hdf5Glance
from .mend import Layout, MendReport, mend
from .oldformat import OLD_FORMAT, OLDEST_FORMAT

__all__ = ["Hdf5Recovery"]

_ENDINGS = (".hdf", ".h5", ".hdf5", ".nxs", ".nx5", ".nexus")
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_RECOVERED = "recovered"
"""Attribute of what tells of the run, in a file that was written anew."""


class Hdf5Recovery(Hdf5Glance, Recovery):
    """Finds the HDF5 files that one of our formats wrote; an area detector's are not touched.

    Whose a file is, its root attribute ``creator`` tells. The name decides only where a file has
    none yet, or cannot be opened by HDF5.
    """

    creator: ClassVar[str]
    """The root attribute of files of this format."""
    layout: ClassVar[Layout]
    """Where they have what."""
    where: ClassVar[Where]
    """Where they have what grows."""
    has_parts: ClassVar[bool] = True
    is_slow: ClassVar[bool] = True
    endings: ClassVar[tuple[str, ...]] = ()
    """Of their names, beside that of the settings and the usual ones of HDF5."""

    def examine(self, path: Path) -> list[Found]:
        """Return the run in a file."""
        if self._ending(path) is None:
            return []
        with path.open("rb") as file:
            head = file.read(len(_SIGNATURE))
        if head.strip(b"\0") and head != _SIGNATURE:
            return []
        creator = _creator(path)
        is_by_name = creator is None
        if creator != self.creator and not (is_by_name and self.has_ending(path)):
            return []
        found = self._found(path, mend(path, self.layout, dry_run=True), is_by_name=is_by_name)
        if found.is_readable and (lacking := lacking_parts(path, self.layout.stop)):
            words = f"{lacking[0].name} does not show what is in {path.name}"
            if lacking[0] == path:
                words = f"it does not show all of its parts, such as {lacking[-1].name}"
            found = replace(found, problem=found.problem or words)
        # a part is no run: what it lacks, others have
        return [replace(found, run="", events={}) if is_part(path) else found]

    def runs_in(self, path: Path, head: bytes) -> Iterator[HeldRun]:
        """Yield the run of a file, from the documents in it."""
        if not head.startswith(_SIGNATURE):
            return
        with suppress(ValueError, RuntimeError, KeyError), opened(path) as marked:
            if marked.file.attrs.get("creator") != self.creator or MAIN in marked.file.attrs:
                return
            home = marked.file[self.layout.home]
            home = home.get("documents", home)
            start, stop = (_document(home, name) for name in ("start", "stop"))
            if start is not None:
                yield HeldRun(path, self.name, start, stop)

    def mend(self, path: Path, keep: Keep) -> str:
        """Take away the mark of being written, and half rows."""
        found = mend(path, self.layout, dry_run=True)
        if not found.is_readable:
            raise RecoveryError(f"HDF5 cannot open it: {found.problem}")
        done = ""
        if found.is_changed:
            with changing(path, keep) as part:
                mend(part.path, self.layout)
            done = "closed, and cut to whole rows" if found.is_cut else "closed"
        if lacking := lacking_parts(path, self.layout.stop):
            show_parts(lacking[0], self.where)
            done = ", ".join(filter(None, (done, f"all parts are shown by {lacking[0].name}")))
        return done

    def is_held(self, path: Path) -> bool:
        """Tell whether a living process writes a file, or another part of its run."""
        others = [other for other in run_of(path)[1:] if other.exists()]
        return any(map(is_held, [path, *others]))

    def files(self, path: Path) -> list[Path]:
        """Return a file, and the parts that it shows."""
        return [path, *parts_of_main(path)]

    def rebuild(self, path: Path, sources: Sequence[Source], keep: Keep) -> str:
        """Write the file anew."""
        (source,) = sources
        ending = self._ending(path) or ""
        told = self.told_settings(path)
        typed = in_types(source, self._array_types(path))
        parts = parts_of_main(path)
        kept = keep(path)
        for part in parts:
            keep(part)
        missing = self.write_again(path, typed, ending, **{**told, "file_extension": ending})
        if not path.exists():
            raise NotAloneError("the journal has nothing that would be in it")
        if missing and _has_copies(kept):
            raise NotAloneError(COPIES_ARE_ALL_THERE_IS)
        place = Place.at(path)
        with changed(place) as file:
            about = file[self.layout.home].attrs
            # a text of any length would need a heap of its own in a file that has none
            about[_RECOVERED] = np.bytes_(datetime.now().astimezone().isoformat())
        # an attribute that comes late takes kilobytes in a file that was as small as it can be
        compact(place, OLDEST_FORMAT if read_superblock(path).is_old else OLD_FORMAT)
        return "; ".join(["written anew from the journal", *missing])

    def told_settings(self, path: Path) -> dict[str, Any]:
        """Return the settings that a file was written with, as far as it tells and it matters."""
        return {}

    def _array_types(self, path: Path) -> ArrayTypes:
        with suppress(ValueError, RuntimeError, KeyError, OSError), opened(path) as marked:
            return self.layout.array_types(marked.file)
        return {}

    def _ending(self, path: Path) -> str | None:
        """Return what stands behind the stem of a name; None if it is not one of HDF5's."""
        if self.has_ending(path):
            return self.ending
        endings = (*self.endings, *_ENDINGS)
        return next((ending for ending in endings if path.name.endswith(ending)), None)

    def _found(self, path: Path, report: MendReport, *, is_by_name: bool) -> Found:
        problem = _told(report) if report.is_changed else ""
        if report.problem:
            problem = f"HDF5 cannot open it: {report.problem}"
        return Found(
            path,
            path.name.removesuffix(self._ending(path) or ""),
            report.run,
            report.rows,
            has_stop=report.has_stop,
            problem=problem,
            doubt="nothing tells that it was closed" if self._may_be_open(path, report) else "",
            is_readable=report.is_readable,
            is_by_name=is_by_name,
        )

    def _may_be_open(self, path: Path, report: MendReport) -> bool:
        if report.is_finished or not report.is_readable:
            return False
        with opened(path) as marked:
            return _RECOVERED not in marked.file[self.layout.home].attrs


def _document(home: Any, name: str) -> dict[str, Any] | None:
    """Return a document that stands as text in a group; None if there is none."""
    try:
        told = json.loads(home[name][()])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _creator(path: Path) -> str | None:
    """Return who says to have written a file; None if it says nothing at all."""
    try:
        with opened(path) as marked:
            creator = marked.file.attrs.get("creator")
            if creator is None and not len(marked.file):  # killed before the first flush, maybe
                return None
            return str(creator or "")
    except (ValueError, RuntimeError, KeyError, OSError):
        return None


def _has_copies(path: Path) -> bool:
    """Tell whether images were copied into a file."""
    copies: list[str] = []

    def look(name: str, item: h5py.HLObject) -> None:
        if "copied_from" in item.attrs:
            copies.append(name)

    with suppress(ValueError, RuntimeError, KeyError, OSError), opened(path) as marked:
        marked.file.visititems(look)
    return bool(copies)


def _told(report: MendReport) -> str:
    words = []
    if report.was_being_written:
        words.append("it says that it is being written")
    if report.end_was_wrong:
        words.append("its length is wrong")
    rows = sum(report.rows_cut.values())
    if report.is_cut:
        words.append(f"{rows} rows are not complete" if rows else "leftovers are in it")
    return ", ".join(words)
