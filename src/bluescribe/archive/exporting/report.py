"""The report of an export: files, failures, discrepancies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Export", "ExportedRun"]


@dataclass(frozen=True)
class ExportedRun:
    """What became of one run."""

    uid: str
    label: str
    files: dict[str, list[Path]] = field(default_factory=dict)
    """The run's files by format, the main one first."""
    failures: dict[str, str] = field(default_factory=dict)
    """Why a format's files are not complete, by format."""
    discrepancies: tuple[str, ...] = ()
    """How the run differs from its stop document: it was incomplete at its source."""
    skipped: tuple[str, ...] = ()
    """Formats that were complete before, and were not written."""
    events: int = 0
    bytes: int = 0
    """Bytes of the files written now; of a shared file, those that the run adds."""


@dataclass(frozen=True)
class Export(Sequence[ExportedRun]):
    """The runs of an export, in its order; prints well."""

    runs: tuple[ExportedRun, ...]
    left_out: tuple[str, ...] = ()
    """Other failures, one line each, that belong to no run."""

    @property
    def files(self) -> list[Path]:
        """All files, each once."""
        every = (p for run in self.runs for paths in run.files.values() for p in paths)
        return list(dict.fromkeys(every))

    @property
    def failures(self) -> list[str]:
        """One line for each run and format that is not complete."""
        failed = [
            f"{run.label}, {name}: {cause}"
            for run in self.runs
            for name, cause in run.failures.items()
        ]
        return [*failed, *self.left_out]

    @property
    def discrepancies(self) -> list[str]:
        """One line for each run that is not complete at its source; what is there was written."""
        return [f"{r.label}: {'; '.join(r.discrepancies)}" for r in self.runs if r.discrepancies]

    @property
    def events(self) -> int:
        """Events that were written."""
        return sum(run.events for run in self.runs)

    @property
    def bytes(self) -> int:
        """Bytes that were written."""
        return sum(run.bytes for run in self.runs)

    def __getitem__(self, index: Any) -> Any:
        """Return a run by its place."""
        return self.runs[index]

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.runs)

    def __iter__(self) -> Iterator[ExportedRun]:
        """Iterate over the runs."""
        return iter(self.runs)

    def __str__(self) -> str:
        """Return a line for each file and each failure."""
        lines = [
            f"{run.label}  {name}  {path}"
            for run in self.runs
            for name, paths in run.files.items()
            for path in paths
        ]
        lines += [f"INCOMPLETE AT ITS SOURCE: {line}" for line in self.discrepancies]
        return "\n".join([*lines, *(f"FAILED: {line}" for line in self.failures)]) or "no runs"

    __repr__ = __str__
