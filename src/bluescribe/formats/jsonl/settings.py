"""The settings of JSON Lines files."""

from __future__ import annotations

from pydantic import Field

from ...contract.settings import WriterSettings

__all__ = ["JsonlSettings"]


class JsonlSettings(WriterSettings):
    """Settings of the journal."""

    file_extension: str = Field("jsonl", description="Ending of the files' names, without the dot")
    strict: bool = Field(
        False,
        description="Write NaN and infinities as texts: JSON has no such numbers, Python's has",
    )
