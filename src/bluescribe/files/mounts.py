"""Which type of file system a path is on, as Linux tells it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["MOUNTINFO", "file_system"]

MOUNTINFO = Path("/proc/self/mountinfo")
"""What is mounted (proc_pid_mountinfo(5)); other systems have no such file."""

_ESCAPED = re.compile(rb"\\([0-3][0-7]{2})")


def file_system(path: Path, mountinfo: Path = MOUNTINFO) -> str:
    """Return the type of the file system on which a path is, or will be: ``ext4``, ``nfs4``...

    Parameters
    ----------
    path
        Links in it are followed.
    mountinfo
        What is mounted. Without it, the type is an empty text.
    """
    real, depth, kind = Path(os.path.realpath(path)), 0, ""
    for mount, its_kind in _mounts(mountinfo):
        if real.is_relative_to(mount) and len(mount.parts) >= depth:  # a later one hides the former
            depth, kind = len(mount.parts), its_kind
    return kind


def _mounts(mountinfo: Path) -> Iterator[tuple[Path, str]]:
    """Yield where a file system is mounted, and its type."""
    try:
        lines = mountinfo.read_bytes().split(b"\n")
    except OSError:
        return
    for line in lines:
        before, _, after = line.partition(b" - ")
        fields = before.split(b" ")
        if len(fields) > 4:
            mount = _ESCAPED.sub(lambda found: bytes([int(found[1], 8)]), fields[4])
            yield Path(os.fsdecode(mount)), os.fsdecode(after.partition(b" ")[0])
