"""What the console and plans change of all writers of a session together."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ..contract.attributes import KnownAttributes
from ..errors import ConfigError
from ..recording.changes import ENABLED, asker, words_of
from ..recording.controls import Turned
from ..recording.writer import Writer

__all__ = ["ControlsOfAll"]

logger = logging.getLogger(__name__)


class ControlsOfAll(
    Turned[Path | dict[str, Path], str | dict[str, str], bool | dict[str, bool]], KnownAttributes
):
    """The part of `Writers` that its user turns, for the runs that begin from then on.

    A run that is open stays as it began. Each format has the same for itself alone:
    ``writers.nexus.directory``, ``writers.nexus.enabled``...
    """

    _writers: dict[str, Writer]

    def _upcoming(self, name: str) -> Any:
        values = {each: getattr(writer, name) for each, writer in self._writers.items()}
        found = list(values.values())
        return found[0] if found and all(value == found[0] for value in found) else values

    def update(self, **settings: Any) -> None:
        """Have runs that begin from now on written with some other settings, in all formats.

        Parameters
        ----------
        **settings
            ``directory``, ``file_name``, ``enabled``, and others that all formats have. What was
            changed before and is not given stays so. ``file_name`` is for those formats of which
            each run has a file of its own.

        Raises
        ------
        ConfigError
            A setting is unknown, has a value that is not allowed, or is one of the session; then
            no format has changed.
        DirectoryError
            Asked at the console: the folder cannot be made or written.
        """
        writers = self._those_with(settings)
        turned = [(writer, writer.turned(settings)) for writer in writers]
        by = asker()
        for writer, changed in turned:
            writer.turn(changed, settings, by)
        logger.info("%s", words_of(settings, [writer.format for writer in writers], by))

    def _those_with(self, settings: dict[str, Any]) -> list[Writer]:
        """Return the writers that settings are for."""
        writers = list(self._writers.values())
        if "file_name" in settings:
            named = [writer for writer in writers if not writer.shares_files]
            if others := [writer for writer in writers if writer.shares_files]:
                kept = {name: value for name, value in settings.items() if name != "file_name"}
                if kept:
                    raise ConfigError(
                        f"{', '.join(w.format for w in others)}: one file takes all runs, and "
                        "file_name does not name it. Set file_name alone, and the rest after it"
                    )
                if not named:
                    raise ConfigError("no format has a file a run: newfile(title) begins another")
            return named
        return writers

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out the runs that begin inside; what was before is so again behind it."""
        before = {name: writer.enabled for name, writer in self._writers.items()}
        self.update(**{ENABLED: False})
        try:
            yield
        finally:
            with ExitStack() as each:
                for name, was_on in before.items():
                    each.callback(self._writers[name].update, enabled=was_on)

    def reset(self) -> None:
        """Undo all that was changed: the next runs are written as the session was configured."""
        by = asker()
        undone = {name: writer.undo(by) for name, writer in self._writers.items()}
        words = [f"{name} ({names})" for name, names in undone.items() if names]
        logger.info("as configured from the next run on: %s (by %s)", ", ".join(words) or "all", by)
