"""Worker: does what a session asks of a format: in a process of its own, or in the session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ...contract.plugin import FormatPlugin
from ...contract.report import Failure, RunReport
from ...files import Place
from ...files.job_note import Note
from ...files.run_names import of_noted
from ...spool.entries import Entry
from ...spool.event_rows import documents_in
from ...spool.problems import BrokenSpoolError
from ...spool.stretch import StretchReader
from ..owed_jobs import work_of
from ..recorder import Recorder

__all__ = ["Worker", "story_sent"]

_LITTLE_BYTES = 1 << 20
"""Of the log, which are read at once: a run whose stop is among them is over when it begins."""
_SYNC_EVERY = 1_000
"""Documents after which a long part of the log is brought to disk, so that it is seen to grow."""
_WRITE_EVERY_BYTES = 16 << 20
"""Bytes of the log after which arrays go into the file, so that their memory is used again: as many
as keep several cores at work that compress them."""


class Worker:
    """What a session can ask of the process that writes a format.

    Parameters
    ----------
    plugin
        The format.
    recorder
        Gives what came to the files of the runs.
    **chosen
        Settings that files of earlier sessions are completed with.
    """

    def __init__(self, plugin: FormatPlugin, recorder: Recorder, **chosen: Any) -> None:
        self.account = recorder.account
        self._recorder = recorder
        self.on_change: Callable[[], object] = bool
        """Is called when the account has changed between two commands."""
        self._chosen = chosen
        self._plugin = plugin
        self._post_run = recorder.post_run
        self._reader = StretchReader()

    def items(self, items: Sequence[tuple[str, Any]]) -> int:
        """Take documents, and return how many."""
        self._foresee(items)
        for name, doc in items:
            self._take(name, doc)
        return len(items)

    def segment(self, fd: int) -> None:
        """Read in a segment of the spool's log from now on."""
        self._reader.take(fd)

    def stretch(self, start: int, end: int, key: str) -> int:
        """Take what stands in a part of that segment, and return how many documents.

        Raises
        ------
        OSError
            It cannot be read.
        BrokenSpoolError
            It is damaged.
        """
        number = since = 0
        written = start
        documents = self._reader.read(start, end, key)
        if end - start <= _LITTLE_BYTES:
            documents = iter(read := [*documents])
            self._foresee(read)
        for name, doc in documents:
            self._take(name, doc)
            number += documents_in(doc)
            if number - since >= _SYNC_EVERY:
                self._recorder.sync()
                since, written = number, self._reader.at
            elif self._reader.at - written >= _WRITE_EVERY_BYTES:
                self._recorder.write_pending()
                written = self._reader.at
        return number

    def _foresee(self, items: Sequence[tuple[str, Any]]) -> None:
        if stops := [doc for name, doc in items if name == "stop"]:
            self._recorder.foresee(stops)

    def _take(self, name: str, doc: Any) -> None:
        if name == "owed":
            self.owed(Path(doc["path"]), None)
        else:
            self._recorder.receive(name, doc)

    def sync(self) -> None:
        """Bring to disk what was taken."""
        self._recorder.sync()

    def close(self) -> None:
        """Finish every file."""
        self._recorder.close()

    def hush(self, uids: Sequence[str]) -> None:
        """Say nothing of what comes of runs whose beginning comes later, all at once."""
        self._recorder.hush(uids)

    def late(self, uid: str, files: Sequence[Path] | None, entries: Iterable[Entry]) -> bool:
        """Write a run that is late; tell whether that is done.

        Parameters
        ----------
        uid
            The run.
        files
            What a process that has died has left of it; None if this one could not write it.
        entries
            All that came since it began.
        """
        story = iter(entries)
        try:
            if files is not None:
                return self._recorder.write_again(uid, files, story)
            return uid not in self._recorder.late or self._recorder.write_late(uid, story)
        finally:
            for _ in story:  # who sends it waits until all is taken
                pass

    def owed(self, path: Path, start: dict[str, Any] | None) -> None:
        """Do what is owed to a file, in the background.

        Parameters
        ----------
        path
            The note that tells of it.
        start
            The start document of a run of this session, which is reported then.
        """
        file = path.with_name(of_noted(path.name))
        then = partial(self._report, file, start)
        try:
            note = Note.taken(Place.at(path))
        except OSError:  # another process is at it
            return then((), is_owed=True)
        if note is None:  # all is done
            return then((), is_owed=False)
        work = work_of(self._plugin, note, **({} if start is not None else self._chosen))
        return self._post_run.add(note.run, note.file.path, work, then, note=note)

    def _report(
        self,
        file: Path,
        start: Mapping[str, Any] | None,
        failed: Sequence[Failure],
        *,
        is_owed: bool,
    ) -> None:
        """Report a run of this session whose images another process was to copy."""
        if start is not None:
            report = RunReport(self._plugin.name, start, (file,), tuple(failed), is_owed=is_owed)
            self.account.report(report)
        self.on_change()

    def end(self, timeout: float | None) -> None:
        """Wait until images are copied, or give it up after a time."""
        self._reader.close()
        self._post_run.close(timeout)

    def state(self) -> dict[str, Any]:
        """Return what the session has to know behind each answer."""
        return {
            "late": [*self._recorder.late],
            "unfinished": [*self._recorder.unfinished],
            "has_open_runs": self._recorder.has_open_runs,
        }


def story_sent(receive: Callable[[], Any]) -> Iterator[Entry]:
    """Yield the entries of a story that comes in several messages.

    Raises
    ------
    BrokenSpoolError
        The session could not read all of it.
    """
    while True:
        kind, *told = receive()
        if kind == "part":
            yield from told[0]
        elif kind == "broken":
            raise BrokenSpoolError(*told)
        else:
            return
