"""The name by which others import the trial of folders: it is in `contract.folders`."""

from __future__ import annotations

from ..contract.folders import check_folders, known_folder

__all__ = ["check_folders", "known_folder"]
