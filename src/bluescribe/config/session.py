"""What is of the whole session, and stands in DATA_FILES only."""

from __future__ import annotations

from pydantic import Field

from ..contract.settings import CheckedSettings
from ..spool import SpoolSettings

__all__ = ["OF_SESSION", "ROOTS", "SessionSettings"]

ROOTS = "ROOTS"
"""A setting of each format that has to be the same for all: it says where nobody gets out."""


class SessionSettings(CheckedSettings):
    """What can be set for what a session shows."""

    show_files: bool = Field(
        default=True,
        description="Whether the console names the folders at the start, and the files of each run",
    )


_NAMES = (*SpoolSettings.model_fields, *SessionSettings.model_fields)
OF_SESSION = (ROOTS, *(name.upper() for name in _NAMES))
"""Keys that stand in DATA_FILES only."""
