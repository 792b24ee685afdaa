"""NeXus files after a crash: written anew from the journal, or mended in place."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import h5py

from ...hdf5.marked import opened
from ...hdf5.superblock import Superblock
from ...recovery import Found, Keep, Recovery, RecoveryError, Source
from .mend import MendReport, mend
from .metadata import BLUESKY

__all__ = ["NexusRecovery"]

_ENDINGS = (".hdf", ".h5", ".hdf5", ".nxs", ".nx5", ".nexus")
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_RECOVERED = "recovered"
"""Attribute of what Bluesky said, in a file that was written anew."""


class NexusRecovery(Recovery):
    """Finds the NeXus files that bluescribe wrote; an area detector's are not touched."""

    def examine(self, path: Path) -> list[Found]:
        """Return the run in a file."""
        if not path.name.endswith((self.ending, *_ENDINGS)):
            return []
        with path.open("rb") as file:
            head = file.read(9)
        if head and head[:8] != _SIGNATURE:
            return []
        is_ours, is_marked_again = _origin(path)
        if is_ours is False:
            return []
        report = mend(path, dry_run=True)
        if report.problem and is_ours is None and not path.name.endswith(self.ending):
            return []  # nothing tells that it is ours
        is_old = len(head) == 9 and head[8] < 2  # such a file does not tell whether it was closed
        problem = _problem(report)
        if is_old and not report.has_stop and not is_marked_again and not problem:
            problem = "nothing tells that it was closed"
        return [
            Found(
                path,
                path.stem,
                report.run,
                report.rows,
                has_stop=report.has_stop,
                problem=problem,
                is_readable=report.is_readable,
            )
        ]

    def seems_cut_short(self, path: Path) -> bool:
        """Tell whether the file says that it is being written."""
        if not path.name.endswith(self.ending):
            return False
        with path.open("rb") as file:
            try:
                return Superblock.parse(file.read(128)).is_marked
            except ValueError:
                return False

    def mend(self, path: Path, keep: Keep) -> str:
        """Take away the mark of being written, and half rows."""
        found = mend(path, dry_run=True)
        if not found.is_readable:
            raise RecoveryError(f"HDF5 cannot open it: {found.problem}")
        if not found.is_changed:
            return ""
        kept = keep(path)
        part = path.with_name(f".{path.name}.part")
        shutil.copy2(kept, part)
        mend(part)
        part.replace(path)
        return "closed; " + _told(found)

    def rebuild(self, path: Path, sources: Sequence[Source], keep: Keep) -> str:
        """Write the file anew."""
        (source,) = sources
        keep(path)
        self.write_again(path, source, path.suffix)
        with h5py.File(path, "r+", locking=False) as file:
            file[BLUESKY].attrs[_RECOVERED] = datetime.now().astimezone().isoformat()
        return "written anew from the journal"


def _origin(path: Path) -> tuple[bool | None, bool]:
    """Tell whether bluescribe wrote a file, None if that cannot be told; and whether anew."""
    try:
        with opened(path) as marked:
            file = marked.file
            creator = file.attrs.get("creator")
            if creator is None and not len(file):  # killed before the first flush, maybe
                return None, False
            is_anew = BLUESKY in file and _RECOVERED in file[BLUESKY].attrs
            return str(creator).startswith("bluescribe"), is_anew
    except (ValueError, RuntimeError, KeyError, OSError):
        return None, False


def _problem(report: MendReport) -> str:
    if report.problem:
        return f"HDF5 cannot open it: {report.problem}"
    return _told(report) if report.is_changed else ""


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
