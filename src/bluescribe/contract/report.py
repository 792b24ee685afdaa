"""What became of a run in one format: told once, when nothing more is done for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

__all__ = ["Discrepancy", "Failure", "LeftOut", "RunReport", "Tell"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that is not complete in its file."""

    time: float
    """Epoch seconds."""
    run: str
    path: Path | None
    """None where no file could be made: nothing of the run is there."""
    cause: str
    remedy: str

    def __str__(self) -> str:
        """Return one line for people."""
        when = datetime.fromtimestamp(self.time).astimezone().strftime("%H:%M:%S")
        what = "is not written at all" if self.path is None else f"is incomplete in {self.path}"
        return f"{when} {self.run} {what}: {self.cause}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A run that did not come as its stop document says: a fault before the writer."""

    time: float
    """Epoch seconds."""
    uid: str
    run: str
    path: Path
    what: tuple[str, ...]

    def __str__(self) -> str:
        """Return one line for people."""
        when = datetime.fromtimestamp(self.time).astimezone().strftime("%H:%M:%S")
        return f"{when} {self.run} in {self.path}: {'; '.join(self.what)}"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What a format does not write of a run, on purpose."""

    stream: str
    field: str | None
    """None for the whole stream."""
    why: str

    def __str__(self) -> str:
        """Return a few words for people."""
        what = f"stream {self.stream!r}" if self.field is None else f"{self.field!r}"
        where = "" if self.field is None else f" of {self.stream!r}"
        return f"{what}{where}: {self.why}"


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run in one format, when its files are final.

    That is after a file was closed and images were copied, after it was given up, and when the
    format did not want the run: then there are no files and no failures.
    """

    format: str
    start: Mapping[str, Any]
    """The run's start document."""
    stop: Mapping[str, Any] | None = field(default=None, kw_only=True)
    """The run's stop document. None for a run that was never stopped; and where the process that
    wrote the file died since, as nobody has the document any more."""
    files: tuple[Path, ...] = ()
    """Absolute, the main one first."""
    failures: tuple[Failure, ...] = ()
    """What is not in the files: all from some moment on, or images that could not be copied."""
    discrepancies: tuple[str, ...] = ()
    """In what the run differs from what its stop document says; the files say so too."""
    left_out: tuple[LeftOut, ...] = ()
    """What the files lack on purpose: fields that `EXCLUDE` names, what the format has no place
    for and says only here."""
    refused: int = 0
    """Damaged documents that no file could take, while the run went on."""
    is_given_up: bool = False
    """Whether the files end before the run does."""
    is_owed: bool = False
    """Whether the files lack what the next session, or `bluescribe recover`, will complete."""

    @property
    def uid(self) -> str:
        """The run's uid."""
        return str(self.start.get("uid"))


Tell = Callable[[RunReport], None]
"""Is told what became of a run."""
