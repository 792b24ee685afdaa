"""What the scans of one writer share: their files, one a folder, and what is said between them."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...contract.session import FormatSession
from ...errors import ConfigError
from ...files import Folder, Place
from ...files.run_names import clean
from ...files.working_directory import working_directory
from ...later import Later, later
from ...model.run import Document, Run
from .session_names import NamedFile, Namings, free, is_path, next_folder, session_name, target

if TYPE_CHECKING:
    from ...contract.runfile import RunFile
    from .sessionfile import SessionFile
    from .settings import SpecSettings

__all__ = ["SpecSession"]

# what writes, and looks into files: the run's file imports it too
_new_file = later(f"{__package__}.sessionfile", "SessionFile")
_highest_scan = later(f"{__package__}.existing", "highest_scan")
_date = later(f"{__package__}.header", "date")
_remark = later(f"{__package__}.lines", "remark")

logger = logging.getLogger(__name__)

_MOST_FILES = 3
"""Files that are kept from other writers while no run is open in them: each keeps a mount busy."""

_MOST_FOLDERS = 1_000
"""Folders of which the file is remembered."""


class SpecSession(FormatSession["SpecSettings"]):
    """Which file the next run goes into.

    The folder is that of the run, as in every format. In each folder the session has one file,
    called by the time of its first run there or by the title that the console gave. A file that
    the console named by its path belongs to the folder of the run that came next, and to the one
    that it is in.

    The console names files, the writer's thread opens them: both may come at any time. A run
    that is open stays in the file it began in.
    """

    def __init__(self, settings: SpecSettings, file_class: type[RunFile[Any]] | Later) -> None:
        super().__init__(settings, file_class)
        self._lock = threading.Lock()
        self._namings = Namings()
        self._names: dict[tuple[_Key, int], str] = {}
        """How the session's file in each folder is called, the latest folder last."""
        self._going_on: dict[tuple[int, int], str] = {}
        """The file in a folder that all runs are appended to, whatever was named."""
        self._files: weakref.WeakValueDictionary[_Key, SessionFile] = weakref.WeakValueDictionary()
        self._latest: list[SessionFile] = []
        self._current: SessionFile | None = None
        self._shown: Path | None = None
        self._remarks: list[bytes] = []

    @property
    def shares_files(self) -> bool:
        """Whether the runs of a session go into one file."""
        return not self.settings.one_file_a_run

    def new_file(self) -> RunFile[Any]:
        """Return what writes the scan of the next run."""
        make: Any = self.file_class  # unlike others, it takes the session
        file: RunFile[Any] = make(self.settings, self)
        return file

    def control(self, verb: str, asked: Document) -> None:
        """Write a comment behind the last scan, or keep it for the first one."""
        if verb == "comment":
            self.add_remark(_remark(_date(asked["time"]), asked["text"]))

    @property
    def path(self) -> Path | None:
        """The file of the last run, or the one named since; None before the first run."""
        current = self._current
        return self._shown if current is None else current.path

    def file_for(self, run: Run, settings: SpecSettings) -> SessionFile:
        """Return the file of a run that begins, and make it.

        Parameters
        ----------
        run
            The run.
        settings
            Those of the run, which may have been changed since the session began.

        Raises
        ------
        OSError
            The folder or the file cannot be made.
        """
        with self._lock:
            if settings.append_to is not None:
                return self._file_at(run, run.cwd / settings.append_to, settings)
            naming = self._namings.of(run.uid)
            folder, title = target(
                run, settings, naming, lambda at: ((at.identity, ""), naming.number) in self._names
            )
            asked = (folder.identity, title or ""), naming.number
            known = self._going_on.get(folder.identity) or self._names.get(asked)
            name = known or title or session_name(run.start) + settings.ending
            # of a run of long ago, others of its session may be in that file
            may_be_there = title is not None and (naming.goes_on or run.is_replayed)
            goes_on = known is not None or may_be_there
            file = self._files.get((folder.identity, name)) if goes_on else None
            if file is None:
                file = _new_file(Place(folder, name), goes_on=goes_on)
            file.look_in(folder)
            self._begin(file, run)
            if naming.number == self._namings.next.number:
                self._current = file
            self._remember(asked, file)
            return file

    def _file_at(self, run: Run, path: Path, settings: SpecSettings) -> SessionFile:
        """Return the file that the settings of a run name, and make it."""
        folder = Folder.made(path.parent, settings.rights, run.claims)
        file = self._files.get((folder.identity, path.name))
        file = file or _new_file(Place(folder, path.name), goes_on=True)
        file.look_in(folder)
        self._begin(file, run)
        self._current = file
        return file

    def file_of_its_own(self, run: Run, place: Place) -> SessionFile:
        """Return the file of a run that shares it with no other, and make it.

        Parameters
        ----------
        run
            The run.
        place
            Where it is to be, without ending.
        """
        with self._lock:
            file: SessionFile = _new_file(place.with_name(place.name + self._ending))
            file.make(run)
            self._files[file.place.folder.identity, file.place.name] = self._current = file
            return file

    def _begin(self, file: SessionFile, run: Run) -> None:
        """Make a file, or go on in it; what is tried again after a failure is the same object."""
        place = file.place
        self._files[place.folder.identity, place.name] = file
        self._latest = [*(other for other in self._latest if other is not file), file]
        del self._latest[:-_MOST_FILES]
        file.make(run)
        self._files[file.place.folder.identity, file.place.name] = file

    def _remember(self, asked: tuple[_Key, int], file: SessionFile) -> None:
        self._names.pop(asked, None)
        self._names[asked] = file.place.name
        if len(self._names) > _MOST_FOLDERS:
            del self._names[next(iter(self._names))]

    def close(self) -> None:
        """Let other writers have the files; tell of comments that no scan has come for."""
        for line in self.take_remarks():
            logger.warning("spec: no run came for this comment: %s", line.decode().strip())
        with self._lock:
            for file in list(self._files.values()):
                file.unlock()

    def add_remark(self, line: bytes) -> None:
        """Write a comment behind the last scan, or keep it for the first one."""
        current = self._current
        if current is None or not current.add_remark(line):
            self._remarks.append(line)

    def take_remarks(self) -> list[bytes]:
        """Return what was said while there was no scan to say it of."""
        taken, self._remarks = self._remarks, []
        return taken

    def give_back(self, remarks: list[bytes]) -> None:
        """Keep what was taken for the next scan."""
        self._remarks = [*remarks, *self._remarks]

    def newfile(
        self, title: str | Path | None, md: Mapping[str, Any] | None = None
    ) -> tuple[Path, int | None]:
        """Go on in other files; return that of the next run, and the highest scan number in it.

        Parameters
        ----------
        title
            A title, a path, or None for the time.
        md
            Fills the keys of the directory; without it, they are filled when a run begins, and
            nobody can tell what is in the file.

        Raises
        ------
        ConfigError
            There is one file a run, or what is there is not a SPEC file.
        """
        if self.settings.one_file_a_run:
            raise ConfigError("newfile() has no use where every run has a file of its own")
        if self.settings.append_to is not None:
            raise ConfigError("newfile() has no use where append_to names the file")
        if title is not None and is_path(title):
            return self._use(Path(title).expanduser().resolve(), md)
        stem = session_name({"time": time.time()})
        if title is not None:
            stem = clean(str(title).removesuffix(self._ending))
        folder, highest = next_folder(self.upcoming, md), None
        path = (folder or working_directory() / self.upcoming.directory) / (stem + self._ending)
        if folder is not None:
            path = free(path) if title is None else path
            highest = None if title is None else self.highest_in(path)
        with self._lock:
            self._call(path, title=path.name, goes_on=title is not None)
        return path, highest

    def _use(self, path: Path, md: Mapping[str, Any] | None) -> tuple[Path, int | None]:
        """Go on in a file that is named by its path, in which no link is left."""
        highest = self.highest_in(path)
        folder = None if md is None else next_folder(self.upcoming, md)
        with self._lock:
            self._call(path, named=NamedFile(path, folder))
        return path, highest

    def _call(
        self,
        path: Path,
        *,
        title: str | None = None,
        named: NamedFile | None = None,
        goes_on: bool = True,
    ) -> None:
        """Have the files of the next runs called so."""
        self._namings.begin(title, named, goes_on=goes_on)
        self._current, self._shown = None, path

    def announced(self) -> dict[str, Any]:
        """Return how the file of the run that begins next is called."""
        return self._namings.next.told()

    def take(self, uid: str, told: Document) -> None:
        """Take how the file of a run is called; of this session, or of one that has died."""
        self._namings.take(uid, told)

    def go_on(self, path: Path) -> None:
        """Append the runs of a folder to the file that is there."""
        place = Place.at(path)
        self._going_on[place.folder.identity] = place.name

    def folders(self, md: Mapping[str, Any] | None) -> list[Path]:
        """Return where the console looks for a file: the folder of the next, or the last run."""
        folder = next_folder(self.upcoming, md)
        if folder is not None:
            return [folder]
        return [] if self._current is None else [self._current.place.parent]

    def highest_in(self, path: Path) -> int | None:
        """Return the highest scan number in a file; None if it does not exist."""
        if path.is_dir():
            raise ConfigError(f"{path} is a folder, and no SPEC file")
        if not path.is_file() or path.is_symlink():
            return None
        place = Place.at(path)
        known = self._files.get((place.folder.identity, place.name))
        highest: int = _highest_scan(place)
        return max(highest, -1 if known is None else known.numbers.highest)

    @property
    def _ending(self) -> str:
        return self.settings.ending


_Key = tuple[tuple[int, int], str]
"""A folder, by device and inode, and a name in it."""
