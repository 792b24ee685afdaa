"""What a writer has done and what it could not do, as it is told to people: one moment of it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from ..contract.report import Discrepancy, Failure
from .changes import Change

__all__ = ["Status"]


@dataclass(frozen=True, slots=True)
class Status:
    """The state of one writer at one moment."""

    format: str
    directory: Path
    current_files: tuple[Path, ...]
    """Main files of the runs that are open."""
    last_file: Path | None
    """Main file of the run that was finished last."""
    runs_written: int
    events_written: int
    backlog: int
    """Documents that wait to be written."""
    retrying: str
    """The error that is being retried right now; empty when all is well."""
    failures: tuple[Failure, ...]
    """The latest failures, oldest first."""
    documents_refused: int
    """Damaged documents that no file could take."""
    copying: tuple[Path, ...] = ()
    """Files of finished runs into which images are being copied, or will be."""
    owed: tuple[Path, ...] = ()
    """Files of finished runs that the system refused to complete; the next session tries again."""
    discrepancies: tuple[Discrepancy, ...] = ()
    """The latest runs that did not come as their stop documents say, oldest first."""
    late: tuple[Failure, ...] = ()
    """Runs that could not be written so far; the spool has them, and they are tried again."""
    is_enabled: bool = True
    """Whether the runs that begin from now on are written."""
    changes: tuple[Change, ...] = ()
    """What is not as it was configured, and by whom."""

    @property
    def state(self) -> str:
        """Return in a word what it does."""
        if self.retrying:
            return "RETRYING"
        if self.late:
            return "LATE"
        if self.current_files:
            return "writing" if self.is_enabled else "writing, then off"
        return "on" if self.is_enabled else "off"

    def __str__(self) -> str:
        """Return a few lines for people."""
        writing = ", ".join(str(path) for path in self.current_files) or "-"
        lines = [
            f"{self.format}: {_count(self.runs_written, 'run')}, "
            f"{_count(self.events_written, 'event')}, {_count(self.backlog, 'document')} waiting, "
            f"{_count(len(self.failures), 'failure')}",
            f"  now writing: {writing}",
            f"  last file:   {self.last_file or '-'}",
        ]
        if not self.is_enabled:
            lines.append("  OFF:         the next runs are not written")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes())])

    def notes(self) -> list[str]:
        """Return a line for each thing that is not as usual."""
        lines = [f"changed:     {change}" for change in self.changes]
        if self.copying:
            lines.append(f"copying:     {', '.join(map(str, self.copying))}")
        if self.owed:
            owed = ", ".join(map(str, self.owed))
            lines.append(f"OWED:        {owed} (to be completed: bluescribe recover)")
        if self.retrying:
            lines.append(f"RETRYING:    {self.retrying}")
        lines += [
            f"LATE:        {late.run}, safe in the spool: {late.cause}; {late.remedy}"
            for late in self.late
        ]
        if self.documents_refused:
            lines.append(f"refused:     {_count(self.documents_refused, 'damaged document')}")
        lines += [f"CAME AMISS:  {discrepancy}" for discrepancy in self.discrepancies]
        return [*lines, *(f"FAILED:      {failure}" for failure in self.failures)]

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    __repr__ = __str__


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
