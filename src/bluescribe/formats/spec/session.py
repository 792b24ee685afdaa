"""Which file the runs of a session go into."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import ConfigError
from ...paths import clean, run_path
from ...run import Run
from ...settings import WriterSettings
from .sessionfile import SessionFile

__all__ = ["Session"]

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
        """Tell of comments that no scan has come for."""
        for line in self.take_remarks():
            logger.warning("spec: no run came for this comment: %s", line.decode().strip())

    def add_remark(self, line: bytes) -> None:
        """Write a comment behind the last scan, or keep it for the first one."""
        current = self._current
        if current is None or not current.add_remark(line):
            self._remarks.append(line)

    def take_remarks(self) -> list[bytes]:
        """Return what was said while there was no scan to say it of."""
        taken, self._remarks = self._remarks, []
        return taken

    def newfile(self, title: str | Path | None) -> tuple[Path, int | None]:
        """Go on in another file; return it, and the highest scan number of one that exists.

        Raises
        ------
        ConfigError
            There is one file a run, or what is there is not a SPEC file.
        """
        if self._one_file_a_run:
            raise ConfigError("newfile() has no use where every run has a file of its own")
        path = self._named(title)
        highest = _highest_scan(path) if title is not None and path.exists() else None
        with self._lock:
            known = self._in_use.get(path.absolute()) if title is not None else None
            if known is not None and highest is not None:
                highest = max(highest, known.highest)
            self._current = known or SessionFile(
                path, goes_on=title is not None, highest=-1 if highest is None else highest
            )
        return path, highest

    def _named(self, title: str | Path | None) -> Path:
        """Return the path that a title stands for; only a path may lead out of the directory."""
        now = {"time": time.time()}
        if title is None:
            return _free(self._place(_NAME, now))
        if isinstance(title, Path) or title.startswith(("/", "~")):
            return Path(title).expanduser()
        name = clean(title.removesuffix(self._ending))
        return self._place(name.replace("{", "{{").replace("}", "}}"), now)

    def _place(self, template: str, start: Mapping[str, Any]) -> Path:
        stem = run_path(self._settings.directory, template, start)
        return stem.with_name(stem.name + self._ending)

    @property
    def _ending(self) -> str:
        return f".{self._settings.file_extension}" if self._settings.file_extension else ""


def _free(path: Path) -> Path:
    """Return a path that nothing has."""
    number, free = 2, path
    while free.exists():
        free, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return free


def _highest_scan(path: Path) -> int:
    """Return the highest scan number in a SPEC file, 0 when it has no scan.

    Raises
    ------
    ConfigError
        It is not a SPEC file.
    """
    highest, is_spec, is_empty = 0, False, True
    with path.open("rb") as lines:
        for line in lines:
            is_empty = False
            is_spec = is_spec or line.startswith((b"#F ", b"#S "))
            word = line.split(maxsplit=2)[1:2] if line.startswith(b"#S ") else []
            if word and word[0].isdigit():
                highest = max(highest, int(word[0]))
    if not (is_spec or is_empty):
        raise ConfigError(f"{path} is not a SPEC file: nothing will be appended to it")
    return highest
