"""What tells at a glance whether a run in a file was cut short: a session looks when it begins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ..files.write_lock import is_held

if TYPE_CHECKING:
    from .plugin import FormatPlugin
    from .settings import WriterSettings

__all__ = ["Glance"]


class Glance:
    """Looks at some bytes of the files of one format, and imports nothing that reads more.

    Parameters
    ----------
    plugin
        The format.
    settings
        How it is to be written.
    """

    is_journal: ClassVar[bool] = False
    """Whether its files hold all documents, one a line, the stop document last."""

    def __init__(self, plugin: FormatPlugin, settings: WriterSettings) -> None:
        self.plugin = plugin
        self._settings = settings

    @property
    def ending(self) -> str:
        """What the names of its files end in."""
        return self._settings.ending

    def has_ending(self, path: Path) -> bool:
        """Tell whether a file's name ends as those of its files; without an extension, in none."""
        return path.name.endswith(self.ending) if self.ending else not path.suffix

    def is_held(self, path: Path) -> bool:
        """Tell whether a living process writes a file."""
        return is_held(path)

    def seems_cut_short(self, path: Path) -> bool:
        """Tell, after a look at some bytes, whether a run in a file was not brought to its end.

        Raises
        ------
        OSError
            The file cannot be read.
        """
        return False
