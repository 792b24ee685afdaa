"""SpecFile: one run as one scan, or as one for each of its streams."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ...assets.asset import Asset, Frames
from ...contract.runfile import RunFile
from ...files.run_paths import late_keys
from ...model.run import Descriptor, Document, Page, Run, Stream
from .header import LABEL, Positions, date, is_positions, left_out
from .lines import comment, remark
from .numbered import NumberedRun, Preface
from .scan import Scan
from .session import SpecSession

if TYPE_CHECKING:
    from .settings import SpecSettings

__all__ = ["SpecFile"]


class SpecFile(RunFile["SpecSettings"]):
    """The scan of one run: it chooses the stream whose events are the rows.

    The header waits for the first row: a baseline may come before it or after the descriptor.
    While it is open whether there will be a primary stream, the first other one is written to a
    file beside the session's, and forgotten if the primary comes.

    Where each stream is a scan, those of the others stand beside until the run ends.
    """

    def __init__(self, settings: SpecSettings, session: SpecSession | None = None) -> None:
        super().__init__(settings)
        self._session = session or SpecSession(settings, type(self))
        self._numbered: NumberedRun | None = None
        """The run, once it is open."""
        self._main: Scan | None = None
        """The scan, once its stream is chosen; that of the primary stream if there are several."""
        self._sides: dict[str, Scan] = {}
        """The scans of other streams, where each stream is a scan."""
        self._preface = Preface()
        """What the header of the main scan tells, whichever that turns out to be."""
        self._taken: list[bytes] = []
        """What was said before the run."""
        self._last_words: list[bytes] = []

    @property
    def paths(self) -> list[Path]:
        """The session's file, and the one beside it while there is one."""
        if self._numbered is None:
            return []
        beside = None if self._main is None else self._main.beside
        return [self._numbered.home.path, *([] if beside is None else [beside.path])]

    def late_keys(self, run: Run) -> frozenset[tuple[str, ...]]:
        """Return those of the folder: only a file of its own is called by the run."""
        if self.settings.one_file_a_run:
            return super().late_keys(run)
        if self.settings.append_to is not None:
            return frozenset()
        return late_keys(str(self.settings.directory))

    def open(self, run: Run) -> None:
        """Find the session's file and the scan number."""
        self._run = run
        if self.settings.one_file_a_run:
            home = self._session.file_of_its_own(run, self.place(run))
        else:
            home = self._session.file_for(run, self.settings)
        self._taken = self._session.take_remarks()
        self._preface.remarks += self._taken
        number = home.numbers.next(run, home.path)
        self._numbered = NumberedRun(run, self.settings, home, number, home.epoch(run))

    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None:
        """Turn to the primary stream when it is declared; name any other."""
        main = self._main
        is_main = main is not None and main.stream is stream
        if stream.name == "primary" and not is_main:
            if main is not None:
                main.forget()
            self._main = self._scan_of(stream)
        elif main is not None and not is_main and len(stream.descriptors) == 1:
            main.say(comment(left_out(stream, as_scans=self._as_scans)))

    def write_events(self, stream: Stream, page: Page) -> None:
        """Write rows; of a baseline, take the positions."""
        if not len(page):
            return
        if is_positions(stream):
            if self._preface.positions is None or stream.name == LABEL:
                self._preface.positions = Positions.from_page(page)
        elif self._has_side(stream):
            self._side(stream).put(page)
        else:
            if self._main is None:
                self._main = self._scan_of(stream)
            if self._main.stream is stream:
                self._main.put(page)

    def link_assets(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> None:
        """Name the file that holds a field's values, when it is another one than before."""
        scan = self._side(stream) if self._has_side(stream) else self._main
        links = self._preface.links if scan is None else scan.preface.links
        if links.knows(stream, field, asset):
            return
        if scan is None and links.is_full:
            scan = self._main = self._scan_of(stream)
        if scan is not None:
            scan.name_file(stream, field, asset)
        links.add(stream, field, asset)

    def add_comment(self, text: str, seconds: float, *, at_end: bool = False) -> None:
        """Write a comment behind the rows so far, or behind the last one."""
        line = remark(date(seconds), text)
        if at_end:
            self._last_words.append(line)
            return
        if self._main is not None:
            self._main.say(line)
        if self._main is None or not self._main.is_settled:
            self._preface.remarks.append(line)  # a header is still to come, or may come again

    def sync(self) -> None:
        """Write the rows that came since."""
        for scan in self._scans:
            scan.sync()

    def close(self, stop: Document | None) -> None:
        """Write how the run ended, and bring its scans into the session's file."""
        if self._main is None and not self._sides:
            self._main = self._scan_of(self._run.primary)
        discrepancies, words = self.discrepancies, self._last_words
        if self._main is not None:
            self._main.close(stop, discrepancies, words)
            discrepancies, words = (), []
        else:  # no header is to come in which the others would stand
            words = [*self._preface.remarks, *words]
        for side in self._sides.values():
            side.close(stop, discrepancies, words)
            words = []

    def abandon(self) -> None:
        """Cut off a half line and let the next scan come."""
        for scan in self._scans:
            scan.abandon()

    def discard(self) -> None:
        """Take back what was written of the run, where nothing stands behind it."""
        for side in self._sides.values():
            side.discard()
        if self._main is not None:
            self._main.discard()
        if self._numbered is not None:
            self._take_back(self._numbered)

    def _take_back(self, numbered: NumberedRun) -> None:
        """Cut off the scan; have its number, and what was said before it, come again with it."""
        if self.settings.one_file_a_run:
            numbered.home.remove()
        else:
            written = None if self._main is None else self._main.written
            numbered.home.take_back(numbered.number, written)
        self._session.give_back(self._taken)
        self._taken = []

    @property
    def _scans(self) -> Iterator[Scan]:
        """All scans of the run, the main one first."""
        if self._main is not None:
            yield self._main
        yield from self._sides.values()

    @property
    def _as_scans(self) -> bool:
        return self.settings.streams == "scans"

    def _has_side(self, stream: Stream) -> bool:
        """Tell whether a stream gets a scan of its own beside that of the primary stream."""
        return self._as_scans and stream.name != "primary" and not is_positions(stream)

    def _side(self, stream: Stream) -> Scan:
        """Return the scan of another stream: it is kept beside, and appended when the run ends."""
        if stream.name not in self._sides:
            preface = Preface(self._preface.positions)
            self._sides[stream.name] = Scan(self._opened, stream, preface, is_side=True)
        return self._sides[stream.name]

    def _scan_of(self, stream: Stream | None) -> Scan:
        """Return the main scan, which has not begun, of the stream that was chosen."""
        return Scan(self._opened, stream, self._preface)

    @property
    def _opened(self) -> NumberedRun:
        assert self._numbered is not None  # `open` was called before
        return self._numbered
