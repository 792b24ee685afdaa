"""What a check has found, as it is told to people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = ["CheckReport", "Level", "Verdict", "failed", "ok", "warning"]

Level = Literal["ok", "warning", "FAILED"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was looked at."""

    level: Level
    what: str
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return one line, and another one with the remedy."""
        line = f"{self.level:<8} {self.what}: {self.found}"
        return f"{line}\n         Remedy: {self.remedy}" if self.remedy else line


def ok(what: str, found: str) -> Verdict:
    """Return a verdict that all is well."""
    return Verdict("ok", what, found)


def warning(what: str, found: str, remedy: str) -> Verdict:
    """Return a verdict that runs are written, though not as somebody may want it."""
    return Verdict("warning", what, found, remedy)


def failed(what: str, found: str, remedy: str) -> Verdict:
    """Return a verdict that something is not ready."""
    return Verdict("FAILED", what, found, remedy)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All that a check has found; it prints well."""

    verdicts: tuple[Verdict, ...]

    @property
    def is_ready(self) -> bool:
        """Whether nothing has failed."""
        return not self.failures

    @property
    def failures(self) -> list[Verdict]:
        """What is not ready."""
        return [verdict for verdict in self.verdicts if verdict.level == "FAILED"]

    @property
    def warnings(self) -> list[Verdict]:
        """What somebody may want to know."""
        return [verdict for verdict in self.verdicts if verdict.level == "warning"]

    @property
    def last_line(self) -> str:
        """What comes of it, in one line."""
        asked = f"{len(self.verdicts)} checks, {len(self.warnings)} warnings"
        if self.is_ready:
            return f"{asked}: ready"
        return f"{asked}, {len(self.failures)} failed: NOT READY"

    def __iter__(self) -> Iterator[Verdict]:
        """Iterate over the verdicts."""
        return iter(self.verdicts)

    def __str__(self) -> str:
        """Return a line or two for each verdict, and one for all."""
        return "\n".join([*map(str, self.verdicts), self.last_line])

    __repr__ = __str__
