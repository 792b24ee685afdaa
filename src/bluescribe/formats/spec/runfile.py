"""SpecFile: one run as one scan."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ...assets.asset import Asset, Frames
from ...contract.runfile import RunFile
from ...files import Place
from ...files.run_names import open_stem
from ...files.run_paths import claim, late_keys
from ...files.textfile import TextFile
from ...files.unneeded import remove_unneeded
from ...model.run import Descriptor, Document, Page, Run, Stream
from .columns import layout
from .command import command, preset
from .header import LABEL, Positions, date, ending, file_header, is_positions, left_out, scan_header
from .late import LateComments
from .lines import comment, one_line, remark
from .links import Links
from .rows import Rows
from .session import SpecSession
from .sessionfile import SessionFile
from .waiting import KeptScan

if TYPE_CHECKING:
    from .settings import SpecSettings

__all__ = ["SpecFile"]


class SpecFile(RunFile["SpecSettings"]):
    """The scan of one run, in the session's file or, while that is held, in one beside it.

    The header waits for the first row: a baseline may come before it or after the descriptor.
    While it is open whether there will be a primary stream, the first other one is written to a
    file beside the session's, and forgotten if the primary comes.
    """

    _home: SessionFile
    _number: int
    _epoch: int
    """Seconds of the #E that the column Epoch counts from."""
    _out: TextFile | None = None
    _beside: Place | None = None
    """The file of a scan that is not in the session's file, or not yet."""
    _start = 0
    """Where the scan begins in that file."""
    _began = 0
    """Where the header before it begins, if there is one."""
    _main: Stream | None = None
    _rows: Rows | None = None
    _positions: Positions | None = None
    _begun_with: tuple[str, ...] | None = None
    """The motors of the scan that has begun: a baseline may still come when it is too late."""
    _is_written = False
    _is_over = False
    _is_side = False
    """Whether it is one of several scans of its run, that of another stream than the primary."""

    def __init__(self, settings: SpecSettings, session: SpecSession | None = None) -> None:
        super().__init__(settings)
        self._session = session or SpecSession(settings, type(self))
        self._links = Links()
        self._remarks: list[bytes] = []
        """What was said before the first row."""
        self._taken: list[bytes] = []
        """What was said before the run."""
        self._late: LateComments | None = None
        """What was said since the first row, where it does not stand between the rows."""
        self._sides: dict[str, SpecFile] = {}
        """The scans of other streams, where they have one."""
        self._last_words: list[bytes] = []

    @property
    def paths(self) -> list[Path]:
        """The session's file, and the one beside it while there is one."""
        if "_home" not in self.__dict__:
            return []
        beside = [] if self._beside is None else [self._beside.path]
        return [self._home.path, *beside]

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
            self._home = self._session.file_of_its_own(run, self.place(run))
        else:
            self._home = self._session.file_for(run, self.settings)
        self._taken = self._session.take_remarks()
        self._remarks += self._taken
        self._number = self._home.numbers.next(run, self._home.path)
        self._epoch = self._home.epoch(run)

    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None:
        """Turn to the primary stream when it is declared; name any other."""
        if stream.name == "primary" and self._main is not stream:
            self._forget_scan()
            self._main = stream
        elif self._out is not None and stream is not self._main and len(stream.descriptors) == 1:
            self._say(comment(left_out(stream, as_scans=self._as_scans)))

    def write_events(self, stream: Stream, page: Page) -> None:
        """Write rows; of a baseline, take the positions."""
        if not len(page):
            return
        if is_positions(stream):
            if self._positions is None or stream.name == LABEL:
                self._positions = Positions.from_page(page)
            return
        if self._has_side(stream):
            self._side(stream).write_events(stream, page)
        elif self._main is None:
            self._main = stream
        if stream is self._main:
            rows, out = self._begun(page)
            out.put(rows.block(page))
            if self._late is not None:
                self._late.add(rows.comments)
                rows.comments.clear()

    def link_assets(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> None:
        """Name the file that holds a field's values, when it is another one than before."""
        if self._has_side(stream):
            return self._side(stream).link_assets(stream, field, asset, frames)
        if self._links.knows(stream, field, asset):
            return None
        if self._rows is None and self._links.is_full:
            self._main = self._main or stream
            self._begun(None)
        if self._rows is not None and self._out is not None:
            words = self._links.words(stream.name, field, asset.place, main=self._main)
            self._say(comment(f"from row {self._rows.count + 1}: {words}"))
        return self._links.add(stream, field, asset)

    def add_comment(self, text: str, seconds: float, *, at_end: bool = False) -> None:
        """Write a comment behind the rows so far, or behind the last one."""
        line = remark(date(seconds), text)
        if at_end:
            self._last_words.append(line)
        else:
            self._say(line)
            if self._main is None or self._main.name != "primary" or self._out is None:
                self._remarks.append(line)  # a primary stream may take the place of this scan

    def sync(self) -> None:
        """Write the rows that came since."""
        if self._out is not None:
            self._out.flush()
            if self._late is not None:
                self._late.sync(self._out.place)
        for side in self._sides.values():
            side.sync()

    def close(self, stop: Document | None) -> None:
        """Write how the run ended, and bring the scan into the session's file."""
        if self._main is None and not self._sides:
            self._main = self._run.primary
        has_scan = self._main is not None or not self._sides
        if has_scan:
            self._close_scan(stop)
        for side in self._sides.values():
            side.discrepancies = () if has_scan else self.discrepancies
            side._close_scan(stop)

    def _close_scan(self, stop: Document | None) -> None:
        rows, out = self._begun(None, is_certain=True)
        if not self._is_written:
            if self._late is not None:
                self._late.copy_into(out)
            out.put(b"".join(self._last_words))
            out.put(b"".join(self._links.nameless(self._main)))
            out.put(b"".join(comment(one_line(text)) for text in self.discrepancies))
            end = ending(self._run, self._main, rows.count, stop, as_scans=self._as_scans)
            out.put(end)
            self._is_written = True
        out.close()
        if self._late is not None:
            self._late.remove()
        if self._beside is None:
            self._home.release(self, out)
        elif not self._is_over:
            header, motors = self._header(), self._motors
            scan = KeptScan(self._beside, self._start, header, motors, self._epoch)
            self._home.waiting.keep(scan)
        self._is_over = True
        self._home.append_waiting()
        self._beside = None

    def abandon(self) -> None:
        """Cut off a half line and let the next scan come."""
        if self._out is not None:
            self._out.abandon()
            if self._late is not None:
                self._late.abandon(self._out.place)
        if "_home" in self.__dict__:
            self._home.give_up(self)
        for side in self._sides.values():
            side.abandon()

    def discard(self) -> None:
        """Take back what was written of the scan, where nothing stands behind it."""
        for side in self._sides.values():
            side.discard()
        if self._beside is not None:
            with suppress(FileNotFoundError):
                self._beside.folder.found()
                self._beside.remove()
        if "_home" in self.__dict__ and not self._is_side:
            if self._late is not None:
                self._late.remove()
            if self.settings.one_file_a_run:
                self._home.remove()
            else:
                out = self._out if self._beside is None else None
                self._home.take_back(self._number, out, self._began)
            self._session.give_back(self._taken)
            self._taken = []

    def _say(self, line: bytes) -> None:
        """Write a comment behind the rows so far, or have it wait for the last one."""
        if self._late is not None:
            self._late.add([line])
        elif self._out is not None:
            self._out.put(line)

    @property
    def _as_scans(self) -> bool:
        return self.settings.streams == "scans"

    def _has_side(self, stream: Stream) -> bool:
        """Tell whether a stream gets a scan of its own."""
        is_other = stream.name != "primary" and not is_positions(stream)
        return self._as_scans and is_other and not self._is_side

    def _side(self, stream: Stream) -> SpecFile:
        """Return the scan of another stream: it is kept beside, and appended when the run ends."""
        if stream.name not in self._sides:
            side = SpecFile(self.settings, self._session)
            side._is_side = True
            side._run, side._home = self._run, self._home
            side._number, side._epoch = self._number, self._epoch
            side._main, side._positions = stream, self._positions
            self._sides[stream.name] = side
        return self._sides[stream.name]

    @property
    def _motors(self) -> tuple[str, ...]:
        if self._begun_with is not None:
            return self._begun_with
        return tuple(self._positions.motors) if self._positions is not None else ()

    def _begun(self, page: Page | None, *, is_certain: bool = False) -> tuple[Rows, TextFile]:
        """Return what to write rows with and to, after the header.

        Parameters
        ----------
        page
            Its first row tells what are columns.
        is_certain
            Whether no primary stream can come any more.
        """
        if self._rows is not None and self._out is not None:
            return self._rows, self._out
        descriptor = self._main.descriptors[0] if self._main and self._main.descriptors else None
        settings = self.settings
        each = preset(self._run, descriptor, settings.count_time, settings.monitor_counts)
        columns = layout(self._run, self._main, page, is_timed=each is not None)
        self._begun_with = self._motors
        is_certain = is_certain or (self._main is not None and self._main.name == "primary")
        if is_certain and not self._is_side and self._home.take(self):
            out, header = self._home.append(self._header(), self._motors, self._epoch)
        else:
            out, header = self._opened_beside()
        self._began, self._start = len(out), len(out) + len(header)
        words = command(self._run, each, style=settings.command)
        scan = scan_header(
            self._run,
            self._main,
            scan=f"{self._number} {words}",
            preset=each,
            positions=self._positions,
            layout=columns,
            first=page,
            as_scans=self._as_scans,
            notes=[*self._links.comments(self._main), *self._remarks],
        )
        out.put(header + scan)
        are_apart = settings.one_file_a_run
        self._late = LateComments(self._run.uid) if are_apart else None
        self._out, self._rows = out, Rows(columns, self._epoch, are_apart=are_apart)
        return self._rows, out

    def _opened_beside(self) -> tuple[TextFile, bytes]:
        """Make a SPEC file beside the session's, which can be read while it is there."""
        if self._beside is None:
            home = self._home.place
            name = open_stem(home.stem, self._number, self._run.uid)
            self._beside = claim(home.with_name(name), home.suffix)
        return TextFile(self._beside), self._header()

    def _header(self) -> bytes:
        return file_header(self._home.place.name, self._epoch, self._run, self._motors)

    def _forget_scan(self) -> None:
        """Drop what was written of another stream than the primary one."""
        if self._out is not None:
            self._out.abandon()
        if self._late is not None:
            self._late.remove()
        if self._beside is not None:
            remove_unneeded(self._beside)
        self._out = self._rows = self._beside = self._begun_with = self._late = None
        self._is_written = False
