"""A run that has its scan number, and what is written before and behind the rows of its scans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...files import Place
from ...files.run_names import open_stem
from ...files.run_paths import claim
from ...model.run import Document, Page, Run, Stream
from .columns import Layout, layout
from .command import command, preset
from .header import Positions, ending, file_header, scan_header
from .lines import comment, one_line
from .links import Links
from .sessionfile import SessionFile

if TYPE_CHECKING:
    from .settings import SpecSettings

__all__ = ["NumberedRun", "Preface"]


@dataclass(slots=True)
class Preface:
    """What came before the first row of a scan, and stands in its header."""

    positions: Positions | None = None
    links: Links = field(default_factory=Links)
    """The external files; they go on when the rows have begun."""
    remarks: list[bytes] = field(default_factory=list)

    @property
    def motors(self) -> tuple[str, ...]:
        """Labels of the motors whose positions are known."""
        return () if self.positions is None else tuple(self.positions.motors)


@dataclass(frozen=True, slots=True)
class NumberedRun:
    """A run that has its scan number in the session's file: what its scans have in common."""

    run: Run
    settings: SpecSettings
    home: SessionFile
    """The session's file."""
    number: int
    """Of the scan; if a run has several, all have this one."""
    epoch: int
    """Seconds of the ``#E`` that the column ``Epoch`` counts from."""

    @property
    def as_scans(self) -> bool:
        """Whether each stream is a scan."""
        return self.settings.streams == "scans"

    def claim_beside(self) -> Place:
        """Make the file of a scan that cannot be in the session's file yet."""
        home = self.home.place
        name = open_stem(home.stem, self.number, self.run.uid)
        return claim(home.with_name(name), home.suffix)

    def file_header(self, motors: Iterable[str]) -> bytes:
        """Return what stands before a scan where no header with these motors is in force."""
        return file_header(self.home.place.name, self.epoch, self.run, motors)

    def scan_header(
        self, stream: Stream | None, preface: Preface, first: Page | None
    ) -> tuple[bytes, Layout]:
        """Return what stands before the first row, and what the rows are made of.

        Parameters
        ----------
        stream
            Whose events are the rows, if there are any.
        preface
            What came before.
        first
            Holds the first row, if there is one.
        """
        descriptor = stream.descriptors[0] if stream and stream.descriptors else None
        settings = self.settings
        each = preset(self.run, descriptor, settings.count_time, settings.monitor_counts)
        columns = layout(self.run, stream, first, is_timed=each is not None)
        words = command(self.run, each, style=settings.command)
        header = scan_header(
            self.run,
            stream,
            scan=f"{self.number} {words}",
            preset=each,
            positions=preface.positions,
            layout=columns,
            first=first,
            as_scans=self.as_scans,
            notes=[*preface.links.comments(stream), *preface.remarks],
        )
        return header, columns

    def ending(
        self, stream: Stream | None, rows: int, stop: Document | None, discrepancies: Sequence[str]
    ) -> bytes:
        """Return the last lines of a scan: discrepancies, and how the run ended.

        Parameters
        ----------
        stream
            Whose events are the rows, if there are any.
        rows
            Their number.
        stop
            The stop document, if it came.
        discrepancies
            See `RunFile`.
        """
        differs = b"".join(comment(one_line(text)) for text in discrepancies)
        return differs + ending(self.run, stream, rows, stop, as_scans=self.as_scans)
