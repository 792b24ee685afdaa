"""Whether the files of a run that was cut short are finished, and which they are."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ...formats import load_format
from ...incomplete import BOOK, is_cut_short
from ...recovery import Recovery
from ...writer import Writer
from .begun import Left

__all__ = ["Finishing"]

logger = logging.getLogger(__name__)


class Finishing:
    """Look at what was left until `bluescribe recover` is done with it.

    Parameters
    ----------
    writers
        Those of this session: their settings tell what their files are called.
    """

    def __init__(self, writers: Iterable[Writer]) -> None:
        kinds = {writer.format: (writer.recovery(), writer) for writer in writers}
        self._recoveries: dict[str, Recovery | None] = {
            name: kind(type(writer), writer.settings) if kind is not None else None
            for name, (kind, writer) in kinds.items()
        }
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
        known = [(path, r) for name, path in left.files if (r := self._recovery(name)) is not None]
        uid = str(left.start.get("uid"))
        for path, recovery in known:
            if path.exists() and (is_cut_short(path, recovery) or _is_torn(path, recovery, uid)):
                return None
        found = dict.fromkeys(file for path, recovery in known for file in recovery.files(path))
        return [file for file in found if file.exists()]

    def unknown(self, left: Left) -> list[str]:
        """Return the formats of which nobody knows whether their files are finished."""
        names = dict.fromkeys(name for name, _ in left.files)
        return [name for name in names if self._recovery(name) is None]

    def _recovery(self, name: str) -> Recovery | None:
        """Return what knows the files of a format, whether it is switched on or not."""
        if name not in self._recoveries:
            self._recoveries[name] = None
            try:
                writer_class = load_format(name)
            except ImportError as error:
                logger.warning("globus: what was left of %s is not sent: %s", name, error)
            else:
                kind, settings = writer_class.recovery(), writer_class.settings_class
                if kind is not None:
                    self._recoveries[name] = kind(writer_class, settings.validated(name, {}))
        return self._recoveries[name]


def _is_torn(path: Path, recovery: Recovery, uid: str) -> bool:
    return any(found.problem for found in recovery.examine(path) if found.run in ("", uid))


def _states(left: Left) -> Iterator[tuple[Path, int, int] | None]:
    """Yield what changes when a file does, or when `recover` has seen its journal."""
    for _, path in left.files:
        for one in (path, path.with_name(BOOK)):
            state = None
            with suppress(OSError):
                stat = one.stat()
                state = (one, stat.st_mtime_ns, stat.st_size)
            yield state
