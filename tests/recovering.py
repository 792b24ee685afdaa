"""`recover` where the spool is lost, too: what journals, and the files, can give back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bluescribe.archive.recover import Report
from bluescribe.archive.recover import recover as with_spools
from bluescribe.spool.folder import SpoolFolder, left_folders
from bluescribe.spool.home import known_homes

__all__ = ["lose_spools", "recover"]


def recover(directory: str | Path, **options: Any) -> Report:
    """Recover a folder after the spools of dead sessions are gone."""
    lose_spools()
    return with_spools(directory, **options)


def lose_spools() -> None:
    """Remove what dead sessions left."""
    for path in [path for home in known_homes(None) for path in left_folders(home)]:
        folder = SpoolFolder.taken(path)
        if folder is not None:
            folder.remove()
