"""Recorder: takes for one format what a lane hands over, and writes again the runs that are late.

It is a router, on the lane's thread or in the process of the format. What the disk has refused for
too long, and what a process that died has left, it plays to a router of its own, from the spool.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..files.backup import put_aside
from ..spool.entries import Entry
from ..spool.problems import BrokenSpoolError
from ..spool.story import story_of
from .recording import Recording
from .router import Router

__all__ = ["Recorder"]

logger = logging.getLogger(__name__)

_SYNC_EVERY = 1_000
"""Entries of the spool after which what was read is brought to disk."""


class Recorder(Router):
    """The recipient of a lane: routes what comes, and plays late runs again."""

    reads_log = False

    @property
    def has_open_runs(self) -> bool:
        """Whether more documents are to be expected soon."""
        return bool(self.index.runs)

    @property
    def unfinished(self) -> set[str]:
        """Uids of runs that are open or late."""
        return {*self.index.runs, *self.late}

    def write_late(self, uid: str, entries: Iterator[Entry]) -> bool:
        """Write a run that is late from all that came since it began; tell whether it is done."""
        try:
            self.late[uid].discard()
        except OSError:  # its folder is away still, which was told
            return False
        except Exception as error:  # of a format
            return self._lose(uid, error)
        return self._write(uid, entries)

    def write_again(self, uid: str, files: Sequence[Path], entries: Iterator[Entry]) -> bool:
        """Write a run that another process has left; put aside what that has made of it."""
        try:
            for path in files:
                put_aside(path)
        except OSError as error:
            logger.warning("%s: %s", self.account.format_name, error)
            return False
        return self._write(uid, entries)

    def tend(self) -> None:
        """Nothing happens in this process of which it does not know."""

    def end(self, timeout: float | None) -> None:
        """Do what remains to be done for finished runs, or give it up after a time."""
        self.post_run.close(timeout)

    def leave(self, then: Callable[[], object]) -> None:
        """Do what remains, and then call `then`; nobody waits."""
        self.post_run.leave(then)

    def hush(self, uids: Sequence[str]) -> None:
        """Say nothing of what comes of runs that are to be written again."""
        if uids:
            self.strays.ignore()

    def _write(self, uid: str, entries: Iterator[Entry]) -> bool:
        try:
            written, is_open = self._written_anew(uid, entries)
        except BrokenSpoolError as error:
            return self._lose(uid, error)
        if written is None:  # its start document is damaged: that was told
            return True
        if written.is_late:
            self.late[uid] = written
            return False
        self.late.pop(uid, None)
        self.account.postponed.remove(uid)
        if not written.is_given_up:
            written.notify_written()
        if is_open:
            self.index.add(written)
        return True

    def _lose(self, uid: str, error: Exception) -> bool:
        self.account.postponed.remove(uid)
        if uid in self.late:
            self.late.pop(uid).give_up(error)
        else:
            self._log_loss(uid, error)
        return True

    def _log_loss(self, uid: str, error: Exception) -> None:
        """Log that a run is lost that another process has left."""
        cause = f"it cannot be written again: {error}"
        advice = (
            "what the process that died had written is called NAME.damaged; export the run from a "
            "catalog or a journal, or have bluescribe recover make that file readable"
        )
        name = self.account.format_name
        logger.error("%s: run %s is INCOMPLETE: %s. Remedy: %s.", name, uid[:7], cause, advice)
        self.account.lose({"uid": uid}, f"run {uid[:7]}", cause, advice)

    def _written_anew(self, uid: str, entries: Iterator[Entry]) -> tuple[Recording | None, bool]:
        """Play a run to a router of its own, which fails again where it fails.

        Returns
        -------
        recording : Recording or None
            None if it did not begin.
        is_open : bool
            Whether more is to come of it.
        """
        alone = Router(
            self._session, retry_seconds=0.0, account=self.account, post_run=self.post_run
        )
        alone.index.earlier_resources = dict(self.index.earlier_resources)
        recording = self.late.get(uid)
        try:
            for number, (name, doc) in enumerate(story_of(uid, entries)):
                alone.receive(name, doc)
                recording = alone.index.runs.get(uid, recording)
                if number % _SYNC_EVERY == 0:
                    alone.sync()
                if recording is not None and recording.is_late and uid in alone.late:
                    break
        except BrokenSpoolError:
            alone.close()
            raise
        alone.sync()
        return recording, uid in alone.index.runs
