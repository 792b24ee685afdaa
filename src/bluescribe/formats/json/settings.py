"""The settings of JSON files."""

from __future__ import annotations

from pydantic import Field

from ...contract.settings import WriterSettings

__all__ = ["JsonSettings"]


class JsonSettings(WriterSettings):
    """Settings of JSON."""

    file_extension: str = Field("json", description="Ending of the files' names, without the dot")
