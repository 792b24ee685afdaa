"""Whether a pack is as it was packed: a folder, or a zip file, which is not unpacked."""

from __future__ import annotations

from pathlib import Path

from .sums import Verdict, compare, files_in
from .zipped import Zipped

__all__ = ["verify"]


def verify(place: str | Path) -> Verdict:
    """Compare the files of a pack with the hashes that it brought.

    Parameters
    ----------
    place
        The pack, or a zip file, which is not unpacked.

    Raises
    ------
    PackError
        There is no pack with hashes.
    """
    place = Path(place).expanduser()
    if place.is_file():
        with Zipped(place) as zipped:
            return zipped.verify()
    return compare(place, files_in(place), lambda name: (place / name).open("rb"))
