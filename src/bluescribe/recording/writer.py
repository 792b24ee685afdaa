"""Writer: one format, all runs. It is what ``RE.subscribe`` gets."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..at_exit import at_the_end
from ..contract.hooks import check_complete
from ..contract.plugin import FormatPlugin
from ..contract.session import CONTROL
from ..errors import RecordingError
from ..files.working_directory import working_directory
from . import run_owners
from .backend import Backend, close, end
from .controls import Controls
from .definition import WriterDefinition
from .following import Following
from .listeners import Listeners
from .snapshot import Snapshots
from .tables import ShowsStatus
from .unstopped_runs import OpenRuns
from .waiting import wait_until_written

if TYPE_CHECKING:
    from ..contract.glance import Glance
    from ..contract.recovery import Recovery
    from ..files.job_note import Note
    from .status import Status

__all__ = ["Writer"]

_HANGS_SECONDS = 60.0
"""How much longer than the settings say something may take before its disk is said to hang."""


class Writer(WriterDefinition, Following, Controls, Listeners, ShowsStatus):
    """Write every run that is received to a file of one format.

    Parameters
    ----------
    directory
        Folder for the files; made when it is missing.
    **settings
        The other fields of `settings_class`: ``file_name``, ``file_extension``, ``on_error``,
        ``retry_seconds``, ``drain_timeout`` and those of the format.

    Raises
    ------
    ConfigError
        A setting is unknown or has a value that is not allowed.
    DefinitionError
        The class lacks what it needs, such as a method of its ``file_class``.

    Examples
    --------
    >>> RE.subscribe(CsvWriter("data").receiver)  # doctest: +SKIP  # needs a RunEngine
    """

    def __init__(self, directory: str | Path = ".", **settings: Any) -> None:
        check_complete(type(self))
        values = {"directory": directory, **settings}
        self.settings = self.settings_class.validated(type(self).__name__, values)
        backend = Backend(FormatPlugin.of(type(self)), self.settings)
        self._backend, self._session = backend, backend.session
        self._lane, self._account = backend.lane, backend.account
        self._snapshot = Snapshots()
        self._open_runs = OpenRuns()
        self.post = self._lane.post
        """Receive a document that nobody will change any more, without waiting at a stop."""
        self._aborts = self.settings.on_error == "abort"
        self._changes, self._changed, self._is_enabled = {}, {}, True
        self._close = at_the_end(self, end, self._lane, self._account, self._folder)

    @property
    def receiver(self) -> Self:
        """What to subscribe: the writer itself, as a RunEngine holds bound methods only weakly.

        What writes is imported by now, unless another process does that, and not by the first run.
        """
        self.load()
        return self

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Receive a document on the RunEngine's thread.

        Raises
        ------
        RecordingError
            A run could not be written and ``on_error`` is ``"abort"``.
        """
        # Nearly all documents are plain events, and each point of a scan pays for what stands here
        intake = self._lane.intake
        if name == "event" and len(intake.items) < intake.limit and not self._aborts:
            plain = self._snapshot.plain_event(doc)
            if plain is not None:
                intake.items.append((name, plain, 0, self._lane.itself))
                return
        copy, size = self._snapshot(name, doc)
        if name in ("start", "stop"):
            for uid in self._open_runs.see(name, copy):
                self.end_unstopped(uid)
        if name == "start":
            self.begin(copy, size, working_directory())
        else:
            self.post(name, copy, size)
        if name == "stop":
            self.end(copy)
            self._wait_for_files()
        if self._aborts:
            self.raise_failure()

    def begin(self, start: dict[str, Any], size: int, cwd: Path | None) -> None:
        """Receive a start document that nobody will change any more.

        A run that another writer of the session is writing into the same files is left to it: the
        start-up was run twice, say.

        Parameters
        ----------
        start, size
            The document, and the bytes of the arrays in it.
        cwd
            The working directory of the session.
        """
        self.announce(start)
        self.post("cwd", cwd)
        self.post("start", start, size)

    def end(self, stop: dict[str, Any]) -> None:
        """Note that a run is over, whose stop document was received."""
        run_owners.ends(stop, self._close)

    def end_unstopped(self, uid: str) -> None:
        """Have the files of a run closed that gets no stop document any more."""
        self._lane.post("unstopped", {"run_start": uid})
        self.end({"run_start": uid})

    def leave(self, uid: str) -> None:
        """Write nothing more of a run, at once, as another process writes it; on any thread."""
        self._account.leave(uid)
        self.end_unstopped(uid)

    def take_back(self, uid: str) -> None:
        """Take a run that was left for one to be written again, as it comes back."""
        self._account.take_back(uid)

    @classmethod
    def recovery(cls) -> type[Recovery] | None:
        """Return what mends files of this format after a crash, if there is something."""
        return None

    @classmethod
    def glance(cls) -> type[Glance] | None:
        """Return what tells at a glance whether files were cut short; by default what mends them.

        A format whose `recovery` imports much has one of its own.
        """
        return cls.recovery()

    def take_up(self, note: Note) -> None:
        """Do in the background what an earlier session owed to a file of this format."""
        self._backend.take_up(note)

    def prepare(self, RE: Any) -> None:
        """Set up in a RunEngine what the format wants there; `subscribe_writers` calls it.

        Raises
        ------
        ConfigError
            A setting cannot be met.
        """

    def stand_aside(self) -> None:
        """Leave to other writers what the session asks for without naming one."""

    def request_sync(self) -> threading.Event:
        """Ask that all that was received be brought to disk; the event tells when it is."""
        return self._lane.request("sync")

    def request_flush(self) -> threading.Event:
        """Ask for the same, and that runs that are late be tried now."""
        return self._lane.request("flush")

    def request_finish(self) -> threading.Event:
        """Ask that every run that is open be finished, stopped or not; the event tells when."""
        return self._lane.request("finish")

    def go_on(self, path: Path) -> None:
        """Append the runs of its folder to a file that an export has begun, if files are shared."""
        self._session.go_on(path)

    def control(self, verb: str, **asked: Any) -> None:
        """Ask something of the format, behind all that came so far.

        The run that began last gets it as `RunFile.control`, or between two runs the session of
        the format as `FormatSession.control`.

        Parameters
        ----------
        verb, asked
            What is asked, and all that belongs to it: plain values.
        """
        self.post(CONTROL, {"verb": verb, **asked})

    def raise_failure(self) -> None:
        """Raise the failure that the RunEngine has not been told of, if its owner wants that.

        Raises
        ------
        RecordingError
            It names the run, the file, the cause and the remedy.
        """
        if not self._aborts:
            return
        with suppress(IndexError):  # there is none, or another RunEngine was told just now
            failure = self._account.unraised.popleft()
            raise RecordingError(f"{self.format}: {failure}")

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was received is on disk; images that are copied later may not be.

        Parameters
        ----------
        timeout
            Seconds to wait at the most; None waits as long as it takes.

        Returns
        -------
        bool
            Whether it is.
        """
        if not self._close.alive:
            return True
        requests = [(self, self.request_flush())]
        return wait_until_written(requests, timeout) and not self._account.postponed

    def close(self) -> None:
        """Finish every file, images that are being copied included, and end the threads.

        A second call does nothing. A disk that hangs is waited for a minute longer than a run waits
        for it; then a warning tells that the rest is left in the spool.
        """
        self._close.detach()
        patience = _HANGS_SECONDS + self.settings.drain_timeout + self.settings.retry_seconds
        waits = None if self._account.is_replay else patience
        close(self._lane, self._account, self._folder, None, patience=waits)
        self._session.close()

    def begin_to_close(self) -> None:
        """Ask for what `close` waits for."""
        self._lane.begin_to_close()

    def status(self) -> Status:
        """Tell what is being written, what was, what waits and what failed."""
        status = self._account.status(self._folder, len(self._lane))
        changes = tuple(self._changed.values())
        return replace(status, is_enabled=self._is_enabled, changes=changes)

    @property
    def _folder(self) -> Path:
        """Folder of the runs that begin from now on, below the present working directory."""
        return working_directory() / self.directory

    def __enter__(self) -> Self:
        """Return the writer; leaving the block closes it."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the writer."""
        self.close()

    def __repr__(self) -> str:
        """Name the format and the directory."""
        return f"{type(self).__name__}({str(self.settings.directory)!r})"

    _repr_pretty_ = ShowsStatus._repr_pretty_  # IPython looks no further than to __repr__

    def _wait_for_files(self) -> None:
        """Wait, at the end of a run, until its files are complete: as long as is configured."""
        wait_until_written([(self, self.request_sync())], self.settings.drain_timeout)
