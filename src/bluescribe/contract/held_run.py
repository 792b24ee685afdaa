"""HeldRun: what a file tells of a run in it, at a glance: for people who look for their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..model.times import local_time, seconds_of

__all__ = ["HeldRun"]


@dataclass(frozen=True, slots=True)
class HeldRun:
    """One run in one file."""

    path: Path
    """The main file of the run in a format."""
    format: str
    start: Mapping[str, Any]
    """Its start document, or as much of it as the file has."""
    stop: Mapping[str, Any] | None = None
    """Its stop document, or as much of it; None where the file has none."""
    events: Mapping[str, int] | None = None
    """By stream; None where only the stop document tells."""

    @property
    def uid(self) -> str:
        """The uid of the run; empty where the file does not tell."""
        return _text(self.start.get("uid"))

    @property
    def scan_id(self) -> Any:
        """The number of the scan; None where the file does not tell."""
        return self.start.get("scan_id")

    @property
    def plan(self) -> str:
        """The name of the plan, or the command."""
        return _text(self.start.get("plan_name"))

    @property
    def sample(self) -> str:
        """The name of the sample; empty where there is none."""
        said = self.start.get("sample", self.start.get("sample_name"))
        return _text(said.get("name", "") if isinstance(said, Mapping) else said)

    @property
    def began(self) -> datetime | None:
        """When the run began, in local time."""
        return local_time(seconds_of(self.start.get("time")))

    @property
    def points(self) -> Mapping[str, int] | None:
        """Events by stream, as counted or as the stop document says; None if nothing tells."""
        told = (self.stop or {}).get("num_events")
        if self.events is None and isinstance(told, Mapping):
            return {str(k): v for k, v in told.items() if isinstance(v, int)}
        return self.events

    @property
    def status(self) -> str:
        """How the run ended: as its stop document says, or that there is none."""
        if self.stop is None:
            return "no end"
        return _text(self.stop.get("exit_status")) or "ended"


def _text(value: Any) -> str:
    return "" if value is None else str(value)
