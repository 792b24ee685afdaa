"""PATH_MAP: folders as another machine, such as an IOC, names them -> folders here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

__all__ = ["PathMap", "check_path_map"]

_DRIVE = re.compile(r"[A-Za-z]:")
_FILE_URI = re.compile(r"file:(//[^/]*)?", re.IGNORECASE)

_Parts = tuple[str, ...]


class PathMap:
    r"""Replace the first folders of paths, whole names only and the longest match first.

    Parameters
    ----------
    folders
        Folders there and here, such as ``{"/mnt/ioc": "/share/data", "C:\\data": "/share/win"}``.
        Names on a drive or a Windows share may have either slash, and either case.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        found = [(_parts(old), new) for old, new in folders.items()]
        self._folders = sorted(found, key=lambda pair: len(pair[0]), reverse=True)

    def apply(self, path: str) -> Path:
        """Return the path on this machine of a file that its producer calls `path`."""
        parts = _parts(path)
        names = _comparable(parts)
        for old, new in self._folders:
            if names[: len(old)] == _comparable(old):
                return new.joinpath(*parts[len(old) :])
        return Path(path)


def check_path_map(folders: Mapping[str, Path]) -> None:
    """Check that each folder can be told from others, and is replaced by one of this machine.

    Raises
    ------
    ValueError
        One of them is relative, or two are the same.
    """
    seen: dict[_Parts, str] = {}
    for old, new in folders.items():
        parts = _comparable(_parts(old))
        if not _is_absolute(old):
            raise ValueError(
                f"{old!r} is no absolute path; write it as the IOC does, from / or from its drive, "
                "or as a file URI"
            )
        if not new.is_absolute():
            raise ValueError(
                f"{old!r} is to be replaced by {str(new)!r}, which is no absolute path; write it "
                "as this machine does, from / or ~"
            )
        if parts in seen:
            raise ValueError(f"{old!r} and {seen[parts]!r} are the same folder; keep one of them")
        seen[parts] = old


def _is_absolute(path: str) -> bool:
    return _is_windows(path) or _without_scheme(path).startswith("/")


def _is_windows(path: str) -> bool:
    r"""Tell whether a path is of a drive or a share: ``C:\data``, ``C:/data``, ``\\host\data``."""
    return bool(_DRIVE.match(path)) or path.startswith("\\\\")


def _without_scheme(path: str) -> str:
    """Return the path of a file URI, and any other path as it is; ``/C:/data`` loses its slash."""
    scheme = _FILE_URI.match(path)
    bare = path[scheme.end() :] if scheme else path
    return bare[1:] if bare.startswith("/") and _DRIVE.match(bare[1:]) else bare


def _parts(path: str) -> _Parts:
    bare = _without_scheme(path)
    if _is_windows(bare):
        share = ("\\\\",) if bare.startswith("\\\\") else ()
        return (*share, *(part for part in re.split(r"[/\\]", bare) if part))
    return PurePosixPath(bare).parts


def _comparable(parts: _Parts) -> _Parts:
    """Return names as they are compared: Windows makes no difference between cases."""
    is_windows = bool(parts) and (parts[0] == "\\\\" or bool(_DRIVE.fullmatch(parts[0])))
    return tuple(part.casefold() for part in parts) if is_windows else parts
