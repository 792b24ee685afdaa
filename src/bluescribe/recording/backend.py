"""Backend: all that stands behind one writer, from the spool to its files.

Files that HDF5 writes are written by a process of their own, where that can be done; all others on
the thread of the writer's lane.
"""

from __future__ import annotations

import time
import weakref
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..at_exit import at_the_end
from ..contract.settings import WriterSettings, told
from ..files.space import SpaceWatch
from ..later import later
from ..spool import Hang, Lane, Spool, SpoolSettings
from .account import Account
from .here import Here
from .notices import Notice
from .process import is_safe_in_a_process, why_not

if TYPE_CHECKING:
    from ..contract.plugin import FormatPlugin
    from ..contract.session import FormatSession
    from ..files.job_note import Note
    from .process import RemoteRecorder, Worker
    from .recorder import Recorder

__all__ = ["Backend", "close", "end"]

# what writes: a session needs it for formats that it writes itself, and their processes need
# nothing of what leads to a process
_REMOTE = later(f"{__package__}.process.remote", "RemoteRecorder")
_POST_RUN = later(f"{__package__}.post_run", "PostRunJobs")
_RECORDER = later(f"{__package__}.recorder", "Recorder")
_WORKER = later(f"{__package__}.process.worker", "Worker")
_work_of = later(f"{__package__}.owed_jobs", "work_of")

_EXIT_SECONDS = 60.0
"""How long a program that ends waits for all files, and for images to be copied; `Writer.close`
waits for all."""
_LEAST_SECONDS = 2.0
"""What of that is left to each writer, also when another one has waited for all of it."""
_LANES: weakref.WeakSet[Lane] = weakref.WeakSet()
_exits: list[float] = []
"""When the interpreter began to end."""


class Backend:
    """What a writer has behind it; it must not hold the writer, whose end ends it.

    Parameters
    ----------
    plugin
        The format, as the class of the writer has it.
    settings
        Of the writer.
    """

    def __init__(self, plugin: FormatPlugin, settings: WriterSettings) -> None:
        self._plugin = plugin
        self._settings = settings
        self.account = Account(plugin.name)
        self.session = plugin.new_session(settings)
        make = partial(_new_recorder, plugin, settings, self.session, self.account)
        self._here = Here(plugin.name, make)  # neither holds this object, which holds them
        self._make_worker = partial(_new_worker, plugin, settings, self._here)
        spool = Spool(SpoolSettings())
        interval = plugin.writer.interval
        self.lane = Lane(spool, self._here, name=plugin.name, interval=interval)
        self.lane.about = partial(_about, plugin.name, settings)
        self.account.spool = self.lane
        self._remote: RemoteRecorder | None = None
        """Has a process of its own write."""
        _LANES.add(self.lane)
        self._choose_recorder(spool)

    def follow(self, spool: Spool, *, is_adopted: bool = True) -> None:
        """Take what comes through another spool from now on.

        Parameters
        ----------
        spool
            The spool.
        is_adopted
            Whether the next session is to write what this one leaves there.
        """
        if not is_adopted:
            self.lane.about = dict
        self.lane.follow(spool)
        self._choose_recorder(spool)

    def _choose_recorder(self, spool: Spool) -> None:
        """Have files that HDF5 writes written by a process of their own, where that can be done."""
        kind, before = self._plugin.writer, self._remote
        self._remote, self.lane.recipient = None, self._here
        if before is not None:
            before.leave(bool)
        is_wanted = spool.uses_processes and self._plugin.opens_hdf5
        if is_wanted and is_safe_in_a_process(kind) and not why_not():
            about = {
                "class": (kind.__module__, kind.__qualname__),
                "settings": told(self._settings),
            }
            self._remote = _REMOTE(about, self.lane, self.account, self._make_worker)
            self.lane.recipient = self._remote

    def worker(self) -> Worker:
        """Return what does in this process what a session asks.

        Raises
        ------
        ImportError
            What that takes cannot be imported.
        """
        return self._make_worker()

    @property
    def is_elsewhere(self) -> bool:
        """Whether a process of its own writes."""
        return self._remote is not None

    def begin_early(self) -> None:
        """Have what takes long to begin begin before the first run."""
        if self._remote is not None:
            self._remote.begin()
        else:
            self._here.load_early()

    def load(self) -> None:
        """Import what writes in this process, if it is written here.

        Raises
        ------
        ImportError
            It cannot be imported.
        """
        if self._remote is None:
            self._here.load()

    def take_up(self, note: Note) -> None:
        """Do in the background what an earlier session owed to a file of this format."""
        if self._remote is not None:
            note.release()
            self.lane.post("owed", {"path": str(note.place.path)})
            return
        work = _work_of(self._plugin, note, **_chosen(self._settings))
        self._here.load().post_run.add(note.run, note.file.path, work, note=note)


def _new_recorder(
    plugin: FormatPlugin, settings: WriterSettings, session: FormatSession[Any], account: Account
) -> Recorder:
    """Import what writes runs in this process, the format's own too, and make it."""
    plugin.run_file  # noqa: B018  # it is imported now, and not when a run begins
    recorder: Recorder = _RECORDER(
        session,
        retry_seconds=settings.retry_seconds,
        account=account,
        post_run=_POST_RUN(account),
        space=SpaceWatch(plugin.name, settings.low_space),
    )
    return recorder


def _new_worker(plugin: FormatPlugin, settings: WriterSettings, here: Here) -> Worker:
    worker: Worker = _WORKER(plugin, here.load(), **_chosen(settings))
    return worker


def _about(format_name: str, settings: WriterSettings) -> dict[str, Any]:
    """Return what those have to know who find what a writer left in the spool."""
    return {"format": format_name, "settings": told(settings)}


def _chosen(settings: WriterSettings) -> dict[str, Any]:
    """Return the settings that files of earlier sessions are completed with."""
    return {"path_map": settings.path_map} if settings.path_map else {}


def end(is_dropped: bool, lane: Lane, account: Account, directory: Path) -> None:
    """Finish every file; of a writer that was dropped, on its own threads, which then end."""
    if not is_dropped:
        close(lane, account, directory, _exit_seconds())
        return
    # if the interpreter ends before they do, it waits for them, as it does for other writers
    rest = at_the_end(lane, end, lane, account, directory)
    recipient = lane.recipient  # the lane is not to hold itself by what it calls at its end

    def then() -> None:
        account.spool = None
        recipient.leave(rest.detach)

    lane.leave(then)


def _exit_seconds() -> float:
    """Return how long a writer is waited for as the interpreter ends; all of them end together."""
    now = time.monotonic()
    if not _exits or now > _exits[0] + 2 * _EXIT_SECONDS:
        _exits[:] = [now]
        for lane in tuple(_LANES):
            lane.begin_to_close()
    return max(min(_LEAST_SECONDS, _EXIT_SECONDS), _exits[0] + _EXIT_SECONDS - now)


def close(
    lane: Lane,
    account: Account,
    directory: Path,
    timeout: float | None,
    *,
    patience: float | None = None,
) -> None:
    """Finish every file, and what remains to be done; give that up after a time, if there is one.

    Parameters
    ----------
    lane, account
        The lane of a writer, and its account.
    directory
        Where its files are, for messages.
    timeout
        Seconds; None waits for all.
    patience
        Seconds after which a disk is said to hang that does nothing; None waits as long as it does.
    """
    began = time.monotonic()
    if hang := lane.close(timeout, patience=patience):
        account.notifier.notify("hung", _notice(account, directory, hang))
    account.spool = None
    if timeout is not None:
        timeout = max(min(_LEAST_SECONDS, timeout), began + timeout - time.monotonic())
    lane.recipient.end(timeout)
    account.notifier.flush_when_closed()


def _notice(account: Account, directory: Path, hang: Hang) -> Notice:
    """Return what is to be told of a disk that hangs: once a folder, with all its formats."""
    name, seconds = account.format_name, hang.seconds
    if hang.is_spool:
        rest = "All is in the files; the spool stays where it is, and the next session sees to it"
        return Notice(name, "", "the disk of the spool", remedy=rest, seconds=seconds)
    folder = next((path.parent for path in list(account.open_files.values())), directory)
    rest = (
        "What is missing is in the spool, and is written by the next session, or by "
        f"bluescribe recover {folder}"
    )
    return Notice(name, str(folder), f"the disk of {folder}", remedy=rest, seconds=seconds)
