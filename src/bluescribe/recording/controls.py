"""Controls: what the console and plans change of a writer while the session runs."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from ..contract.folders import check_folders, known_folder
from ..contract.settings import WriterSettings
from ..errors import ConfigError
from .announcing import Announcing
from .changes import ENABLED, asker, words_of

__all__ = ["Controls", "Turned"]

logger = logging.getLogger(__name__)


_Directory = TypeVar("_Directory", bound=Path | dict[str, Path])
_Name = TypeVar("_Name", bound=str | dict[str, str])
_IsOn = TypeVar("_IsOn", bound=bool | dict[str, bool])


class Turned(ABC, Generic[_Directory, _Name, _IsOn]):
    """What the next runs have, of one format or of all: it can be read and set."""

    @property
    def directory(self) -> _Directory:
        """Folder of the runs that begin from now on, as given; a template may have {keys}.

        It can be set. A relative one is in the working directory that the session has at each run.
        Of `Writers` by format, where these have several.
        """
        found: _Directory = self._upcoming("directory")
        return found

    @directory.setter
    def directory(self, value: str | Path) -> None:
        self.update(directory=value)

    @property
    def file_name(self) -> _Name:
        """Template of the names of the runs that begin from now on; it can be set.

        Of `Writers` by format, where these have several; set for those with a file a run.
        """
        found: _Name = self._upcoming("file_name")
        return found

    @file_name.setter
    def file_name(self, value: str) -> None:
        self.update(file_name=value)

    @property
    def enabled(self) -> _IsOn:
        """Whether the runs that begin from now on are written; it can be set.

        Of `Writers` by format, where that differs.
        """
        found: _IsOn = self._upcoming(ENABLED)
        return found

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self.update(enabled=value)

    @abstractmethod
    def update(self, **settings: Any) -> None:
        """Have runs that begin from now on written with some other settings."""

    @abstractmethod
    def _upcoming(self, name: str) -> Any:
        """Return what the next runs have of a setting, or ``enabled``."""

    def update_plan_stub(self, **settings: Any) -> Iterator[Any]:
        """Change the same in a plan, when the plan comes to it.

        Examples
        --------
        >>> yield from writers.nexus.update_plan_stub(enabled=False)  # doctest: +SKIP  # in a plan
        """
        self.update(**settings)
        yield from ()


class Controls(Announcing, Turned[Path, str, bool]):
    """The part of a `Writer` that its user turns: folder, name, on and off, for the next run.

    A run that is open stays as it began. What is said here is said in one line of the log, stands
    in the spool in its order, and is undone by `reset`.
    """

    @property
    def shares_files(self) -> bool:
        """Whether one file takes several runs, so that only one writer can write them."""
        return self._session.shares_files

    @property
    def upcoming(self) -> WriterSettings:
        """Settings of the runs that begin from now on; metadata of a run may change them for it."""
        settings: WriterSettings = self._session.upcoming
        return settings

    def _upcoming(self, name: str) -> Any:
        return self._is_enabled if name == ENABLED else getattr(self.upcoming, name)

    def update(self, **settings: Any) -> None:
        """Have runs that begin from now on written with some other settings; open ones keep theirs.

        Parameters
        ----------
        **settings
            ``directory``, ``file_name``, ``enabled`` and all that `change` takes. What was changed
            before and is not given stays so.

        Raises
        ------
        ConfigError
            A setting is unknown, has a value that is not allowed, is one of the session, or would
            change nothing in this format.
        DirectoryError
            Asked at the console: the folder cannot be made or written.
        """
        self.turn(self.turned(settings), settings, asker())
        logger.info("%s", words_of(settings, [self.format], asker()))

    def turned(self, settings: Mapping[str, Any]) -> WriterSettings:
        """Return what settings would make of the next runs; nothing changes.

        Raises
        ------
        ConfigError
            As `update`.
        """
        enabled = settings.get(ENABLED, True)
        if not isinstance(enabled, bool):
            raise ConfigError(f"{self.format}.enabled is True or False; found {enabled!r}")
        if "file_name" in settings and self.shares_files:
            raise ConfigError(
                f"{self.format}: one file takes all runs, and file_name does not name it: "
                f"writers.{self.format}.newfile(title) begins another one"
            )
        asked = {name: value for name, value in settings.items() if name != ENABLED}
        changed = self._checked({**self._changes, **asked})
        is_at_console = threading.current_thread() is threading.main_thread()
        if "directory" in asked and is_at_console:  # a scan does not wait for a folder
            check_folders([(self.format, known_folder(changed))])
        return changed

    def turn(self, changed: WriterSettings, settings: Mapping[str, Any], by: str) -> None:
        """Have the next runs written as `turned` has told; nothing is said of it."""
        names = {*self._changes, *settings} - {ENABLED}
        self._changes = changed.model_dump(mode="json", include=names)
        self._session.upcoming = changed
        self._is_enabled = settings.get(ENABLED, self._is_enabled)
        self._note(settings, by)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out the runs that begin inside; what was before is so again behind it."""
        before = self._is_enabled
        self.update(enabled=False)
        try:
            yield
        finally:
            self.update(enabled=before)

    def reset(self) -> None:
        """Undo all that was changed: the next runs are written as the writer was made."""
        if names := self.undo(asker()):
            logger.info("%s: as configured from the next run on: %s", self.format, names)

    def undo(self, by: str) -> str:
        """Undo all that was changed and return what that was; nothing is said of it."""
        names = ", ".join(self._changed)
        self._changes, self._session.upcoming = {}, self.settings
        self._is_enabled = True
        if names:
            self._note({}, by, is_all=True)
        return names
