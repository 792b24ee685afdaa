"""Which file the runs of a session go into."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from string import Formatter
from typing import Any

from ...errors import ConfigError
from ...paths import clean, run_path
from ...run import Run
from ...settings import WriterSettings
from .existing import highest_scan
from .sessionfile import SessionFile

__all__ = ["Session", "session_name"]

logger = logging.getLogger(__name__)

_NAME = "{time:%Y%m%d-%H%M%S}"


class Session:
    """Which file the next run goes into.

    The console names files, the writer's thread opens them: both may come at any time. A run
    that is open stays in the file it began in.
    """

    def __init__(self, settings: WriterSettings, *, one_file_a_run: bool) -> None:
        self._settings = settings
        self._one_file_a_run = one_file_a_run
        self._lock = threading.Lock()
        self._current: SessionFile | None = None
        self._remarks: list[bytes] = []
        self._in_use: weakref.WeakValueDictionary[Path, SessionFile] = weakref.WeakValueDictionary()

    @property
    def path(self) -> Path | None:
        """The file of the session; None before the first run."""
        current = self._current
        return None if current is None else current.path

    def file_for(self, run: Run) -> SessionFile:
        """Return the file of a run that begins, and make it."""
        with self._lock:
            if self._current is None or self._one_file_a_run:
                template = self._settings.file_name if self._one_file_a_run else _NAME
                self._current = SessionFile(self._place(template, run.start))
            self._current.make(run)
            self._in_use[self._current.path.absolute()] = self._current
            return self._current

    @property
    def highest(self) -> int:
        """The highest scan number of the current file; negative when there is none."""
        current = self._current
        return -1 if current is None else current.highest

    def close(self) -> None:
        """Let other writers have the files; tell of comments that no scan has come for."""
        for line in self.take_remarks():
            logger.warning("spec: no run came for this comment: %s", line.decode().strip())
        with self._lock:
            for file in {*self._in_use.values(), *([self._current] if self._current else [])}:
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

    def newfile(
        self, title: str | Path | None, md: Mapping[str, Any] | None = None
    ) -> tuple[Path, int | None]:
        """Go on in another file; return it, and the highest scan number of one that exists.

        Parameters
        ----------
        title
            A title, a path, or None for the time.
        md
            Fills the keys of the directory; without it, they are filled when a run begins.

        Raises
        ------
        ConfigError
            There is one file a run, or what is there is not a SPEC file.
        """
        if self._one_file_a_run:
            raise ConfigError("newfile() has no use where every run has a file of its own")
        if md is None and self._has_keys and not _is_path(title):
            return self._newfile_later(title), None
        path = self._named(title, md or {})
        highest = highest_scan(path) if title is not None and path.exists() else None
        with self._lock:
            known = self._in_use.get(path.absolute()) if title is not None else None
            if known is not None and highest is not None:
                highest = max(highest, known.highest)
            self._current = known or SessionFile(
                path, goes_on=title is not None, highest=-1 if highest is None else highest
            )
        return path, highest

    def _newfile_later(self, title: str | Path | None) -> Path:
        """Name a file whose directory the next run will tell."""
        shown = self._settings.directory / self._named(title, {}, directory=Path()).name
        with self._lock:
            self._current = SessionFile(
                shown, goes_on=title is not None, place=partial(self._named, title)
            )
        return shown

    def _named(
        self, title: str | Path | None, md: Mapping[str, Any], *, directory: Path | None = None
    ) -> Path:
        """Return the path that a title stands for; only a path may lead out of the directory."""
        if _is_path(title):
            return Path(str(title)).expanduser()
        now = {**md, "time": time.time()}
        if title is None:
            return _free(self._place(_NAME, now, directory))
        name = clean(str(title).removesuffix(self._ending))
        return self._place(name.replace("{", "{{").replace("}", "}}"), now, directory)

    def _place(
        self, template: str, start: Mapping[str, Any], directory: Path | None = None
    ) -> Path:
        stem = run_path(directory or self._settings.directory, template, start)
        return stem.with_name(stem.name + self._ending)

    @property
    def _has_keys(self) -> bool:
        """Whether the directory's name depends on metadata."""
        keys = (key for _, key, _, _ in Formatter().parse(str(self._settings.directory)))
        return any(key not in (None, "time") for key in keys)

    @property
    def _ending(self) -> str:
        return f".{self._settings.file_extension}" if self._settings.file_extension else ""


def session_name(start: Mapping[str, Any]) -> str:
    """Return what a file is called, without ending, that begins with a run."""
    return run_path(Path(), _NAME, start).name


def _is_path(title: str | Path | None) -> bool:
    return isinstance(title, Path) or (title or "").startswith(("/", "~"))


def _free(path: Path) -> Path:
    """Return a path that nothing has."""
    number, free = 2, path
    while free.exists():
        free, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return free
