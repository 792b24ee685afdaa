"""Whether the files of a run that was cut short are finished, and which they are."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ...contract.recovery import Recovery
from ...errors import ConfigError
from ...files.backup import is_being_recovered
from ...files.job_note import notes_of
from ...formats import load_plugin
from ...recording.unfinished_runs import BOOK, is_cut_short
from .begun import Left, LeftFile

__all__ = ["Finishing"]

logger = logging.getLogger(__name__)


class Finishing:
    """Look at what was left until `bluescribe recover` is done with it."""

    def __init__(self) -> None:
        self._recoveries: dict[tuple[str, str], Recovery | None] = {}
        """By format and ending."""
        self._looked: dict[Path, object] = {}
        """How the files of a note were when they were not finished."""

    def files(self, left: Left) -> list[Path] | None:
        """Return the files that are there of a run; None while one of them is not finished.

        Raises
        ------
        OSError
            One cannot be read.
        """
        state = list(_states(left))
        if self._looked.get(left.note) == state:
            return None
        self._looked[left.note] = state
        known = [(f.path, r) for f in left.files if (r := self._recovery(f)) is not None]
        uid = str(left.start.get("uid"))
        for path, recovery in known:
            if is_being_recovered(path) or (path.exists() and notes_of(path)):
                return None
            if path.exists() and (is_cut_short(path, recovery) or _is_torn(path, recovery, uid)):
                return None
        found = dict.fromkeys(file for path, recovery in known for file in recovery.files(path))
        return [file for file in found if file.exists()]

    def unknown(self, left: Left) -> list[str]:
        """Return the formats of which nobody knows whether their files are finished."""
        return sorted({file.format for file in left.files if self._recovery(file) is None})

    def _recovery(self, file: LeftFile) -> Recovery | None:
        """Return what knows the files of a format, whether it is switched on or not."""
        key = file.format, file.extension
        if key not in self._recoveries:
            self._recoveries[key] = self._make_recovery(*key)
        return self._recoveries[key]

    def _make_recovery(self, name: str, extension: str) -> Recovery | None:
        try:
            plugin = load_plugin(name)
            if (kind := plugin.recovery) is None:
                return None
            return kind(plugin, plugin.settings.validated(name, {"file_extension": extension}))
        except (ConfigError, ImportError) as error:
            logger.warning("globus: what was left of %s is not sent: %s", name, error)
            return None


def _is_torn(path: Path, recovery: Recovery, uid: str) -> bool:
    return any(found.problem for found in recovery.examine(path) if found.run in ("", uid))


def _states(left: Left) -> Iterator[tuple[Path, int, int] | None]:
    """Yield what changes when a file does, or what is owed to it, or what `recover` has seen."""
    for file in left.files:
        notes: list[Path] = []
        with suppress(OSError):
            notes = notes_of(file.path)
        for one in (file.path, file.path.with_name(BOOK), *notes):
            state = None
            with suppress(OSError):
                stat = one.stat()
                state = (one, stat.st_mtime_ns, stat.st_size)
            yield state
