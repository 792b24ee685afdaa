"""Scan: one scan of a run, from its header to how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from ...assets.asset import Asset
from ...files import Place
from ...files.textfile import TextFile
from ...files.unneeded import remove_unneeded
from ...model.run import Document, Page, Stream
from .late import LateComments
from .lines import comment
from .numbered import NumberedRun, Preface
from .rows import Rows
from .waiting import KeptScan

__all__ = ["Scan"]


class Scan:
    """One scan: a header, the events of one stream as rows, comments, and how the run ended.

    It begins with its first row. It stands in the session's file or, while another run holds that
    or a primary stream may still take its place, in a file beside it; from there it is appended to
    the session's file when it is complete.

    A method that an `OSError` ended is fit to be called again.

    Parameters
    ----------
    numbered
        The run, its scan number and the session's file.
    stream
        The rows are its events; None for a run that has no stream of rows.
    preface
        What the header is going to tell: it may grow until the first row comes.
    is_side
        Whether it is that of another stream than the primary, where each stream is a scan: it
        stands beside the session's file until the run ends.
    """

    def __init__(
        self,
        numbered: NumberedRun,
        stream: Stream | None,
        preface: Preface,
        *,
        is_side: bool = False,
    ) -> None:
        self.stream = stream
        self.preface = preface
        self.beside: Place | None = None
        """Its file while it is not in the session's file, or not yet."""
        self._numbered = numbered
        self._is_side = is_side
        self._is_primary = stream is not None and stream.name == "primary"
        are_apart = numbered.settings.one_file_a_run
        self._late = LateComments(numbered.run.uid) if are_apart else None
        """What was said since the first row, where it does not stand between the rows."""
        self._rows: Rows | None = None
        self._out: TextFile | None = None
        self._motors: tuple[str, ...] = ()
        """Those of the header: positions may still come when it is too late."""
        self._began = 0
        """Where the file header before the scan begins, or the scan if there is none."""
        self._start = 0
        """Where the scan begins in its file."""
        self._is_written = False
        """Whether all of it was put to its file, the end of the run included."""
        self._is_kept = False
        """Whether it was handed to the scans that wait for the session's file."""

    @property
    def is_settled(self) -> bool:
        """Whether it has begun and no other scan takes its place."""
        return self._is_primary and self._rows is not None

    @property
    def written(self) -> tuple[TextFile, int] | None:
        """The session's file and where the scan began in it; None if it is not there."""
        return None if self._out is None or self.beside is not None else (self._out, self._began)

    def put(self, page: Page) -> None:
        """Write the events of a page as rows; the first of them begins the scan."""
        rows, out = self._begun(page)
        out.put(rows.block(page))
        if self._late is not None:
            self._late.add(rows.comments)
            rows.comments.clear()

    def name_file(self, stream: Stream, field: str, asset: Asset) -> None:
        """Say that an external file holds a field's values from the next row on.

        Before the first row, the header will say it, unless it has no room: then it is written now.
        """
        links = self.preface.links
        if links.is_full:
            self._begun(None)
        if self._rows is not None:
            words = links.words(stream.name, field, asset.place, main=self.stream)
            self.say(comment(f"from row {self._rows.count + 1}: {words}"))

    def say(self, line: bytes) -> None:
        """Write a comment behind the rows so far, or have it wait for the last one.

        Before the first row nothing is written: what is said then belongs in the preface.
        """
        if self._out is None:
            return
        if self._late is not None:
            self._late.add([line])
        else:
            self._out.put(line)

    def sync(self) -> None:
        """Write the rows and the comments that came since."""
        if self._out is not None:
            self._out.flush()
            if self._late is not None:
                self._late.sync(self._out.place)

    def close(
        self, stop: Document | None, discrepancies: Sequence[str], last_words: Iterable[bytes] = ()
    ) -> None:
        """Write how the run ended, and bring the scan into the session's file.

        Parameters
        ----------
        stop
            The stop document; None when the run was never stopped.
        discrepancies
            See `RunFile`.
        last_words
            Comments that wait for the last row.
        """
        rows, out = self._begun(None, is_certain=True)
        if not self._is_written:
            if self._late is not None:
                self._late.copy_into(out)
            out.put(b"".join([*last_words, *self.preface.links.nameless(self.stream)]))
            out.put(self._numbered.ending(self.stream, rows.count, stop, discrepancies))
            self._is_written = True
        out.close()
        if self._late is not None:
            self._late.remove()
        self._go_home(out)

    def abandon(self) -> None:
        """Cut off a half line and let the next scan come, after a failure."""
        if self._out is not None:
            self._out.abandon()
            if self._late is not None:
                self._late.abandon(self._out.place)
        self._numbered.home.give_up(self._numbered.run)

    def forget(self) -> None:
        """Drop what was written: the primary stream came, and takes its place."""
        if self._out is not None:
            self._out.abandon()
        if self._late is not None:
            self._late.remove()
        if self.beside is not None:
            remove_unneeded(self.beside)

    def discard(self) -> None:
        """Remove what stands beside the session's file, after `abandon`: the run comes again.

        Raises
        ------
        OSError
            The folder is away, or cannot be written.
        """
        if self.beside is not None:
            with suppress(FileNotFoundError):
                self.beside.folder.found()
                self.beside.remove()
        if self._late is not None:
            self._late.remove()

    def _begun(self, first: Page | None, *, is_certain: bool = False) -> tuple[Rows, TextFile]:
        """Return what to write rows with and to, after the header.

        Parameters
        ----------
        first
            Its first row tells what are columns.
        is_certain
            Whether no primary stream can come any more.
        """
        if self._rows is not None and self._out is not None:
            return self._rows, self._out
        numbered = self._numbered
        scan_header, layout = numbered.scan_header(self.stream, self.preface, first)
        self._motors = self.preface.motors
        out, file_header = self._opened(may_hold=is_certain or self._is_primary)
        self._began, self._start = len(out), len(out) + len(file_header)
        out.put(file_header + scan_header)
        self._out = out
        self._rows = Rows(layout, numbered.epoch, are_apart=self._late is not None)
        return self._rows, out

    def _opened(self, *, may_hold: bool) -> tuple[TextFile, bytes]:
        """Open the session's file, or one beside it that can be read while it is there.

        Parameters
        ----------
        may_hold
            Whether the scan is going to stay: only then the session's file is held for it.

        Returns
        -------
        TextFile, bytes
            What to write to, and the file header if one has to come before the scan.
        """
        numbered, header = self._numbered, self._numbered.file_header(self._motors)
        if may_hold and not self._is_side and numbered.home.take(numbered.run):
            return numbered.home.append(header, self._motors, numbered.epoch)
        if self.beside is None:
            self.beside = numbered.claim_beside()
        return TextFile(self.beside), header

    def _go_home(self, out: TextFile) -> None:
        """Let go of the session's file, or have the scan appended to it as soon as it is free."""
        numbered, home = self._numbered, self._numbered.home
        if self.beside is None:
            home.release(numbered.run, out)
        elif not self._is_kept:
            header = numbered.file_header(self._motors)
            scan = KeptScan(self.beside, self._start, header, self._motors, numbered.epoch)
            home.waiting.keep(scan)
            self._is_kept = True
        home.append_waiting()
        self.beside = None
