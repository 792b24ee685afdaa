"""Where a spool is, and how large it may get: keys of DATA_FILES."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from ..settings import CheckedSettings, Size, expanded

__all__ = ["SpoolSettings"]


class SpoolSettings(CheckedSettings):
    """What can be set for the spool of a session."""

    spool: Path | None = Field(
        default=None,
        description="Folder on a local disk for what is received; null for one of the user's own",
    )
    spool_limit: Size = Field(
        default=10 * 10**9,
        ge=10**6,
        description="Bytes that a session's spool may have, or text such as 10 GB",
    )

    @field_validator("spool", mode="before")
    @classmethod
    def _expand_home(cls, value: Any) -> Any:
        return expanded(value) if isinstance(value, str) and value else value
