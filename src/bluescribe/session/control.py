"""What the console and plans change of all writers of a session together."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ..contract.attributes import KnownAttributes
from ..errors import ConfigError
from ..recording.changes import ENABLED, asker, words_of
from ..recording.writer import Writer

__all__ = ["ControlsOfAll"]

logger = logging.getLogger(__name__)

_Value = TypeVar("_Value", Path, str, bool)


class ControlsOfAll(KnownAttributes):
    """The part of `Writers` that its user turns, for the runs that begin from then on.

    A run that is open stays as it began. Each format has the same for itself alone:
    ``writers.nexus.directory``, ``writers.nexus.enabled``...
    """

    _writers: dict[str, Writer]

    @property
    def directory(self) -> Path | dict[str, Path]:
        """Folder of the runs that begin from now on; by format where these have several.

        It can be set, for all formats. A relative one is in the working directory that the session
        has at each run.
        """
        return _one_or_each({name: each.directory for name, each in self._writers.items()})

    @directory.setter
    def directory(self, value: str | Path) -> None:
        self.update(directory=value)

    @property
    def file_name(self) -> str | dict[str, str]:
        """Template of the names of the runs that begin from now on; by format where they differ.

        It can be set, for all formats of which each run has a file of its own.
        """
        return _one_or_each({name: each.file_name for name, each in self._writers.items()})

    @file_name.setter
    def file_name(self, value: str) -> None:
        self.update(file_name=value)

    @property
    def enabled(self) -> bool | dict[str, bool]:
        """Whether the runs that begin from now on are written; by format where that differs.

        It can be set, for all formats.
        """
        return _one_or_each({name: each.enabled for name, each in self._writers.items()})

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self.update(enabled=value)

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

    def update_plan_stub(self, **settings: Any) -> Iterator[Any]:
        """Change the same in a plan, when the plan comes to it.

        Examples
        --------
        >>> yield from writers.update_plan_stub(directory="/data/GUP-3")  # doctest: +SKIP
        """
        self.update(**settings)
        yield from ()

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


def _one_or_each(values: dict[str, _Value]) -> _Value | dict[str, _Value]:
    """Return what all formats have, or what each has."""
    found = list(values.values())
    return found[0] if found and all(value == found[0] for value in found) else values
