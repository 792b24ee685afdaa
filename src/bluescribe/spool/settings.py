"""Where a spool is, and how large it may get: keys of DATA_FILES."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from ..contract.settings import CheckedSettings, Size, expanded
from ..files.templates import check_meaning
from ..files.working_directory import working_directory

__all__ = ["SpoolSettings"]


PROCESS_VARIABLE = "BLUESCRIBE_PROCESS"
"""Environment variable: the default of PROCESS, for writers that are subscribed alone, too."""
_LEAST_BYTES = 10**6


def _is_process_wanted() -> bool:
    return os.environ.get(PROCESS_VARIABLE, "").lower() not in ("0", "false", "no", "off")


class SpoolSettings(CheckedSettings):
    """What can be set for the spool of a session."""

    spool: Path | None = Field(
        default=None,
        description="Folder on a local disk for what is received; null for one of the user's own",
    )
    spool_limit: Size = Field(
        default=10 * 10**9,
        description="Bytes that a session's spool may have, or text such as 10 GB",
    )

    process: bool = Field(
        default_factory=_is_process_wanted,
        description="Whether formats that open HDF5 are written by processes of their own",
    )

    @field_validator("spool", mode="before")
    @classmethod
    def _check_spool(cls, value: Any) -> Any:
        if not isinstance(value, str | Path):
            return value
        if not str(value) or "\0" in str(value):
            raise ValueError("a path is needed")
        check_meaning(str(value))
        if "{" in str(value):
            raise ValueError("it is of the whole session: {keys} of a run have no meaning there")
        return working_directory() / expanded(value)  # the session may go elsewhere

    @field_validator("spool_limit", mode="before")
    @classmethod
    def _refuse_switch(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError('a number of bytes is needed, or text such as "10 GB"')  # noqa: TRY004
        return value

    @field_validator("spool_limit")
    @classmethod
    def _check_limit(cls, value: int) -> int:
        if value < _LEAST_BYTES:
            raise ValueError("a spool needs 1 MB at the least")
        return value
