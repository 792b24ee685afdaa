"""Writer: one format, all runs. It is what ``RE.subscribe`` gets."""

from __future__ import annotations

import inspect
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from . import openruns
from .afterwards import Afterwards
from .attributes import KnownAttributes
from .ending import at_the_end
from .errors import DefinitionError, RecordingError
from .formats.base import RunFile
from .formats.plugin import FormatPlugin
from .hooks import check_complete, check_hooks, hooks_of
from .process import Hands, Remote, is_safe_in_a_process, why_not
from .resumed import work_of
from .router import Router
from .run import working_directory
from .runreport import Tell
from .settings import WriterSettings, told
from .snapshot import Snapshots
from .space import SpaceWatch
from .spool import Lane, Spool, SpoolSettings
from .status import Ledger, Status, Told
from .telling import Silence, Teller
from .unstopped import OpenRuns

if TYPE_CHECKING:
    from .owed import Note
    from .recovery import Recovery

logger = logging.getLogger(__name__)

_EXIT_SECONDS = 60.0
"""How long a program that ends waits for images to be copied; `Writer.close` waits for all."""
_HANGS_SECONDS = 60.0
"""How much longer than the settings say something may take before its disk is said to hang."""


class Writer(KnownAttributes):
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

    format: ClassVar[str]
    """Name of the format: its module and its key in iconfig.yml."""
    file_class: ClassVar[type[RunFile[Any]]]
    settings_class: ClassVar[type[WriterSettings]] = WriterSettings
    interval: ClassVar[float] = 0.1
    """Seconds after which what was received is on disk, while a run is open."""

    process_safe: ClassVar[bool] = False
    """Whether another process may import the class by its name, and write files with its hooks."""

    _plugin: ClassVar[FormatPlugin | None] = None
    """The record of the class, or of one that it extends; ask `FormatPlugin.of`."""
    _decided = frozenset({"format", "file_class", "interval", "settings", "settings_class"})

    def __init__(self, directory: str | Path = ".", **settings: Any) -> None:
        check_complete(type(self), RunFile)
        values = {"directory": directory, **settings}
        self.settings = self.settings_class.validated(type(self).__name__, values)
        self._ledger = Ledger(self.format)
        self._afterwards = Afterwards(self._ledger)
        self._router = Router(
            self._file_maker(),
            retry_seconds=self.settings.retry_seconds,
            ledger=self._ledger,
            afterwards=self._afterwards,
            space=SpaceWatch(self.format, self.settings.low_space),
        )
        spool = Spool(SpoolSettings())
        self._lane = Lane(spool, self._router, name=self.format, interval=self.interval)
        self._lane.about = partial(_about, self.format, self.settings)
        self._ledger.spool = self._lane
        self._snapshot = Snapshots()
        self._open_runs = OpenRuns()
        self.post = self._lane.post
        """Receive a document that nobody will change any more, without waiting at a stop."""
        self._aborts = self.settings.on_error == "abort"
        self._settle_where(spool)
        self._close = at_the_end(self, _end, self._lane, self._ledger)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Show the settings in the signature that IPython's ``SpecWriter?`` displays.

        Raises
        ------
        DefinitionError
            The class defines a hook that nobody would call.
        """
        super().__init_subclass__(**kwargs)
        if not issubclass(cls.settings_class, WriterSettings):
            raise DefinitionError(
                f"{cls.__name__}.settings_class has to be a subclass of WriterSettings; found "
                f"{cls.settings_class!r}"
            )
        check_hooks(cls, elsewhere=cls._hooks_of_files(), settings=cls.settings_class)
        fields = cls.settings_class.model_fields
        parameters = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY if name != "directory" else _POSITIONAL,
                default="." if name == "directory" else info.default,
                annotation=info.annotation,
            )
            for name, info in fields.items()
        ]
        cls.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # for inspect

    @property
    def receiver(self) -> Self:
        """What to subscribe: the writer itself, as a RunEngine holds bound methods only weakly."""
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
            self._wait(self.request_sync(), self.settings.drain_timeout)
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
        self.leave_to_others(start)
        self.post("cwd", cwd)
        self.post("start", start, size)

    def leave_to_others(self, start: dict[str, Any]) -> None:
        """Leave the run that begins to another writer of the session, if that writes it already."""
        if not self._close.alive:
            logger.warning("%s: a closed writer ignores the run that begins", self.format)
        elif not openruns.is_first(start, self.format, self.settings, self._close):
            self._lane.post("elsewhere", {"uid": start["uid"]})

    def end(self, stop: dict[str, Any]) -> None:
        """Note that a run is over, whose stop document was received."""
        openruns.ends(stop, self.format, self.settings, self._close)

    def end_unstopped(self, uid: str) -> None:
        """Have the files of a run closed that gets no stop document any more."""
        self._lane.post("unstopped", {"run_start": uid})
        self.end({"run_start": uid})

    @classmethod
    def recovery(cls) -> type[Recovery] | None:
        """Return what mends files of this format after a crash, if there is something."""
        return None

    def take_up(self, note: Note) -> None:
        """Do in the background what an earlier session owed to a file of this format."""
        if isinstance(self._lane.recipient, Remote):
            note.release()
            self._lane.post("owed", {"path": str(note.place.path)})
            return
        work = work_of(FormatPlugin.of(type(self)), note, **_chosen(self.settings))
        self._afterwards.add(note.run, note.file.path, work, note=note)

    def prepare(self, RE: Any) -> None:
        """Set up in a RunEngine what the format wants there; `subscribe_writers` calls it.

        Raises
        ------
        ConfigError
            A setting cannot be met.
        """

    def request_sync(self) -> threading.Event:
        """Ask that all that was received be brought to disk; the event tells when it is."""
        return self._lane.request("sync")

    def request_flush(self) -> threading.Event:
        """Ask for the same, and that runs that are late be tried now."""
        return self._lane.request("flush")

    def request_finish(self) -> threading.Event:
        """Ask that every run that is open be finished, stopped or not; the event tells when."""
        return self._lane.request("finish")

    @property
    def shares_files(self) -> bool:
        """Whether one file takes several runs, so that only one writer can write them."""
        return False

    def go_on(self, path: Path) -> None:
        """Append the runs of its folder to a file that an export has begun, if files are shared."""

    def replay(self, *, is_told: bool = True) -> None:
        """Take what comes from now on for runs of long ago.

        Images are not waited for, and nothing is kept in a spool: the runs are somewhere already.

        Parameters
        ----------
        is_told
            Whether the log says what cannot be written; a `RunReport` has it too.
        """
        self._ledger.is_replay = True
        if not is_told:
            self._ledger.teller = Silence()
        spool = Spool()
        self._lane.follow(spool)
        self._settle_where(spool)

    def follow(self, spool: Spool, *, is_adopted: bool = True) -> None:
        """Take from now on what comes through a spool that other writers follow, too.

        Parameters
        ----------
        spool
            The spool.
        is_adopted
            Whether the next session is to write what this one leaves there.
        """
        if not is_adopted:
            self._lane.about = dict
        self._lane.follow(spool)
        self._settle_where(spool)

    def _settle_where(self, spool: Spool) -> None:
        """Have files that HDF5 writes written by a process of their own, where that can be done."""
        kind, before = type(self), self._lane.recipient
        self._lane.recipient = self._router
        if isinstance(before, Remote):
            before.leave(bool)
        is_wanted = spool.uses_processes and FormatPlugin.of(kind).opens_hdf5
        if is_wanted and is_safe_in_a_process(kind) and not why_not():
            about = {
                "task": "write",
                "class": (kind.__module__, kind.__qualname__),
                "settings": told(self.settings),
            }
            here = partial(
                _hands, kind, self.settings, self._router, self._ledger, self._afterwards
            )
            self._lane.recipient = Remote(about, self._lane, self._ledger, here)

    def hands(self) -> tuple[Hands, Ledger]:
        """Return what gives documents to its router, and its account; for its process."""
        parts = self._router, self._ledger, self._afterwards
        return _hands(type(self), self.settings, *parts), self._ledger

    def begin_early(self) -> None:
        """Have what takes long to begin begin before the first run."""
        if isinstance(self._lane.recipient, Remote):
            self._lane.recipient.begin()

    def tell_of_claims(
        self, tell: Callable[[Path], None] | None, *, before: Callable[[Path], None] | None = None
    ) -> None:
        """Have `tell` called, on the writer's thread, with each file that is made from now on.

        Parameters
        ----------
        tell
            Is called when the file is there, still empty.
        before
            Is called when it is about to be made.
        """
        self._ledger.claims.made, self._ledger.claims.before = tell, before

    def tell_of_begun(self, tell: Callable[[Mapping[str, Any], Sequence[Path]], None]) -> None:
        """Have `tell` called, on the writer's thread, with each run and the files that it has.

        It is called when the run begins, and again when there are more files.
        """
        self._ledger.on_begin.append(tell)

    def tell_of_finished(self, tell: Tell) -> None:
        """Have `tell` called, once for each run that ends from now on, when its files are final.

        It gets a `RunReport` on a thread of the writer, when the file was closed and images were
        copied; what it raises is logged.
        """
        self._ledger.on_finish.append(tell)

    def awaits(self, uid: str) -> bool:
        """Tell whether a run was begun whose report is still to come."""
        return self._ledger.awaits(uid)

    def tell_together(self, told: Told) -> None:
        """Tell once, with other writers of the same runs, what all of them meet."""
        self._ledger.told = told

    @staticmethod
    def share_teller(writers: Sequence[Writer]) -> Teller:
        """Have writers that receive the same runs tell once what several of them meet."""
        teller = Teller([writer._ledger for writer in writers])
        for writer in writers:
            writer._ledger.teller = teller
        return teller

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
            failure = self._ledger.unraised.popleft()
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
        return self._wait(self.request_flush(), timeout) and not self._ledger.postponed

    def close(self) -> None:
        """Finish every file, images that are being copied included, and end the threads.

        A second call does nothing. A disk that hangs is waited for a minute longer than a run waits
        for it; then a warning tells that the rest is left in the spool.
        """
        self._close.detach()
        patience = _HANGS_SECONDS + self.settings.drain_timeout + self.settings.retry_seconds
        _close(self._lane, self._ledger, None, None if self._ledger.is_replay else patience)

    def begin_to_close(self) -> None:
        """Ask for what `close` waits for."""
        self._lane.begin_to_close()

    def status(self) -> Status:
        """Tell what is being written, what was, what waits and what failed."""
        directory = working_directory() / self.settings.directory
        return self._ledger.status(directory, len(self._lane))

    def __enter__(self) -> Self:
        """Return the writer; leaving the block closes it."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the writer."""
        self.close()

    def __repr__(self) -> str:
        """Name the format and the directory."""
        return f"{type(self).__name__}({str(self.settings.directory)!r})"

    @classmethod
    def _hooks_of_files(cls) -> dict[str, str]:
        file_class = getattr(cls, "file_class", RunFile)
        where = f"it is a hook of the run's file: define it in a subclass of {file_class.__name__}"
        return dict.fromkeys(hooks_of(file_class), f"{where}, and name that in file_class")

    def _instead_of(self, name: str) -> str:
        """Return what somebody is to do who wants to assign an attribute."""
        fields = type(self).settings_class.model_fields
        if name in fields:
            where = f"{type(self).__name__}(..., {name}=...), or {name.upper()} in iconfig.yml"
            return f"settings are given when the writer is made: {where}"
        if name == "settings":
            return f"settings are given when the writer is made: {', '.join(fields)}"
        if name in self._decided:
            return "it is decided when the writer is made; subclass it"
        return super()._instead_of(name)

    def _file_maker(self) -> Callable[[], RunFile[Any]]:
        """Return what makes the file of each new run; it must not hold the writer itself."""
        return partial(self.file_class, self.settings)

    def _wait(self, done: threading.Event, timeout: float | None) -> bool:
        return wait_until_written([(self, done)], timeout)


def _about(format_name: str, settings: WriterSettings) -> dict[str, Any]:
    """Return what those have to know who find what a writer left in the spool."""
    return {"format": format_name, "settings": told(settings)}


def _chosen(settings: WriterSettings) -> dict[str, Any]:
    """Return the settings that files of earlier sessions are completed with."""
    return {"path_map": settings.path_map} if settings.path_map else {}


def _hands(
    kind: type[Writer],
    settings: WriterSettings,
    router: Router,
    ledger: Ledger,
    afterwards: Afterwards,
) -> Hands:
    return Hands(FormatPlugin.of(kind), router, ledger, afterwards, _chosen(settings))


def _end(is_dropped: bool, lane: Lane, ledger: Ledger) -> None:
    """Finish every file; of a writer that was dropped, on its own threads, which then end."""
    if not is_dropped:
        _close(lane, ledger, _EXIT_SECONDS)
        return
    # if the interpreter ends before they do, it waits for them, as it does for other writers
    rest = at_the_end(lane, _end, lane, ledger)
    recipient = lane.recipient  # the lane is not to hold itself by what it calls at its end

    def then() -> None:
        ledger.spool = None
        recipient.leave(rest.detach)

    lane.leave(then)


def _close(
    lane: Lane, ledger: Ledger, timeout: float | None, patience: float | None = None
) -> None:
    lane.close(timeout, patience=patience)
    ledger.spool = None
    lane.recipient.end(timeout)
    ledger.teller.flush()


_POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD


def wait_until_written(
    requests: list[tuple[Writer, threading.Event]], timeout: float | None
) -> bool:
    """Wait for several writers at once; warn of those that are not done in time.

    Parameters
    ----------
    requests
        Writers and what `Writer.request_flush` gave for each.
    timeout
        Seconds for all of them together; None for as long as it takes.

    Returns
    -------
    bool
        Whether all are done.
    """
    timeout = None if timeout is None else min(timeout, threading.TIMEOUT_MAX)
    deadline = None if timeout is None else time.monotonic() + timeout
    late = [
        writer
        for writer, done in requests
        if not done.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
    ]
    if late:
        logger.warning(
            "%s: not all is on disk after %.1f s; %d documents wait, and the writing goes on",
            ", ".join(writer.format for writer in late),
            timeout,
            max(writer.status().backlog for writer in late),
        )
    return not late
