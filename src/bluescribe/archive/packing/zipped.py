"""Zip files of `bluescribe pack --zip` that came from somewhere: looked at whole, then unpacked.

Nothing is written before all that is in the file is known to be promised by its SHA256SUMS, to be
as it was packed, and to fit. A file's bytes are taken up to the size that the zip file's own
directory says, whatever its compressed data would give.
"""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import Self

from ...files import Place
from .sums import NAME, PackError, Verdict, compare
from .unfinished import unfinished

__all__ = ["Zipped"]

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_KINDS = (0, stat.S_IFREG, stat.S_IFDIR)
"""Of files in a zip file: not said, or ours."""
_IS_ENCRYPTED = 1
_ROOM = 64 * 2**20
"""Bytes that stay free on the disk."""
_BLOCK = 2**20


class Zipped:
    """A zip file of ours.

    Parameters
    ----------
    path
        Where it is.

    Raises
    ------
    PackError
        It is none, or not all of it is there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise PackError(f"{path} is no pack, or only part of one: {error}") from None
        try:
            self.top = self._checked()
        except BaseException:
            self._file.close()
            raise

    def verify(self) -> Verdict:
        """Compare what is in the file with the hashes that it brought; write nothing.

        Raises
        ------
        PackError
            It holds something that it does not promise.
        """
        names = [info.filename for info in self._files()]
        found = [name.removeprefix(f"{self.top}/") for name in names]
        others = [name for name in found if name != NAME]
        return compare(self.path, others, lambda name: self._file.open(f"{self.top}/{name}"))

    def unpack(self, target: Path) -> Path:
        """Unpack the file and return the new folder; leave nothing behind when that fails.

        Raises
        ------
        PackError
            There is such a folder already, no room, or the file cannot be read.
        """
        place = target / self.top
        if place.exists() or place.is_symlink():
            raise PackError(f"{place} is there already: give another --out")
        self._check_room(target)
        try:
            target.mkdir(parents=True, exist_ok=True)
            # beside the place where it is to be, so that nothing stands there in part
            with unfinished(target) as scratch:
                for info in self._files():
                    self._write(info, scratch / info.filename)
                (scratch / self.top).rename(place)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise PackError(f"{self.path} is damaged: {error}. Copy it again") from None
        except OSError as error:
            why = error.strerror or error
            raise PackError(f"{self.path} cannot be unpacked into {target}: {why}") from None
        return place

    def __enter__(self) -> Self:
        """Return the file; leaving the block closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._file.close()

    def _files(self) -> list[zipfile.ZipInfo]:
        return [info for info in self._file.infolist() if not info.is_dir()]

    def _checked(self) -> str:
        """Return the one folder that is in it, after a look at every entry."""
        is_none = f"{self.path} is no pack of bluescribe"
        seen: set[str] = set()
        for info in self._file.infolist():
            why = _fault(info)
            if info.filename in seen:
                why = "is in it twice"
            if why:
                raise PackError(f"{is_none}: {info.filename!r} {why}")
            seen.add(info.filename)
        tops = {name.partition("/")[0] for name in seen}
        if len(tops) != 1:
            raise PackError(f"{is_none}: it holds {len(tops)} things, not one")
        top = tops.pop()
        if f"{top}/{NAME}" not in seen:
            raise PackError(f"{is_none}: it has no {NAME}")
        return top

    def _check_room(self, target: Path) -> None:
        size = sum(info.file_size for info in self._files())
        there = target.absolute()
        while not there.exists():
            there = there.parent
        free = shutil.disk_usage(there).free
        if size + _ROOM > free:
            raise PackError(
                f"{self.path} holds {size:,} bytes, and {there} has room for {free:,}: free space "
                "there, or give another --out"
            )

    def _write(self, info: zipfile.ZipInfo, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        left = info.file_size
        with self._file.open(info) as old, Place.at(path).open("xb") as new:
            while block := old.read(_BLOCK):
                left -= len(block)
                new.write(block)
        if left:
            raise zipfile.BadZipFile(f"{info.filename} is not as long as it says")


def _fault(info: zipfile.ZipInfo) -> str:
    """Return why an entry is not taken; nothing of one that our own files could have."""
    parts = info.filename.removesuffix("/").split("/")
    if "\\" in info.filename or not {"", ".", ".."}.isdisjoint(parts):
        return "leads out of it"
    if stat.S_IFMT(info.external_attr >> 16) not in _KINDS:
        return "is no plain file"
    if info.flag_bits & _IS_ENCRYPTED:
        return "is encrypted"
    if info.compress_type not in _METHODS:
        return "is compressed in another way"
    return ""
