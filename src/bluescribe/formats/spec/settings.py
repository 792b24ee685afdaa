"""The settings of SPEC files."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveFloat

from ...contract.settings import WriterSettings

__all__ = ["SpecSettings"]


class SpecSettings(WriterSettings):
    """Settings of SPEC files."""

    file_extension: str = Field("dat", description="Ending of the files' names, without the dot")
    one_file_a_run: bool = Field(
        False,
        description="Write every run to a file of its own, called by file_name, not to a session's",
    )
    streams: Literal["comment", "scans"] = Field(
        "comment",
        description="What becomes of other streams than primary: named in a comment, or scans",
    )
    command: Literal["spec", "apstools"] = Field(
        "spec",
        description="Words of #S: SPEC's macro where there is one, or plan(args) as apstools",
    )
    count_time: PositiveFloat | None = Field(
        None, description="Seconds for #T where the documents of a run tell nothing"
    )
    monitor_counts: PositiveFloat | None = Field(
        None, description="Counts of the monitor for #M where the documents tell nothing"
    )
    motor_positions: bool = Field(
        False,
        description="Record all motors at the start of each run, by apstools' label_stream_wrapper",
    )
    warn_missing: bool = Field(
        True,
        description="Taken from existing configurations; a SPEC file has nothing to be missed",
    )
