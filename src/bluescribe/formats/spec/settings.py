"""The settings of SPEC files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, PositiveFloat, field_validator, model_validator

from ...contract.settings import Need, WriterSettings, expanded

__all__ = ["SpecSettings"]


class SpecSettings(WriterSettings):
    """Settings of SPEC files."""

    file_extension: str = Field("dat", description="Ending of the files' names, without the dot")
    one_file_a_run: bool = Field(
        False,
        description="Write every run to a file of its own, called by file_name, not to a session's",
    )
    append_to: Path | None = Field(
        None,
        description="File that all runs are appended to, in whatever folder they are; by default "
        "a file of the session in the folder of each",
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

    of_instrument: ClassVar[frozenset[str]] = WriterSettings.of_instrument | {"append_to"}

    @property
    def elsewhere(self) -> Path | None:
        """The one file that all runs are appended to."""
        return self.append_to

    def needs(self) -> Iterator[Need]:
        """Yield what reads all motors."""
        if self.motor_positions:
            yield Need("apstools", "aps", "MOTOR_POSITIONS")

    @property
    def target(self) -> tuple[str, ...]:
        """What says where a run goes."""
        return (*super().target, str(self.append_to))

    @field_validator("append_to")
    @classmethod
    def _check_append_to(cls, value: Path | None) -> Path | None:
        if value is not None and (not value.name or not str(value).isprintable()):
            raise ValueError("the path of a file is needed")
        return None if value is None else expanded(value)

    @model_validator(mode="after")
    def _check_one_file(self) -> SpecSettings:
        if self.append_to is not None and self.one_file_a_run:
            raise ValueError(
                "append_to names one file for all runs, and one_file_a_run asks for many"
            )
        return self
