"""FormatSession: what all runs of one writer have in common, for formats whose runs share a file.

Most formats have nothing in common between their runs, and say nothing of it. One that appends
several runs to a file, or that its user speaks to between the documents, declares a subclass in its
`FormatPlugin`. What the user asks is a control record: it stands in the spool in its order, as the
documents do, and is handed to the run that began last, or to the session while no run is open.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..later import Later
from .settings import WriterSettings

if TYPE_CHECKING:
    from ..model.run import Document
    from .runfile import RunFile

__all__ = ["CONTROL", "FormatSession"]

CONTROL = "control"
"""What a control record is called among the documents; its ``verb`` says what is asked."""

Settings = TypeVar("Settings", bound=WriterSettings)


class FormatSession(Generic[Settings]):
    """The runs of one writer; `new_file` and `control` are called on the writer's thread.

    Parameters
    ----------
    settings
        Of the writer.
    file_class
        Writes one run; `Later` where it is imported when the first one begins, or before.
    """

    def __init__(self, settings: Settings, file_class: type[RunFile[Any]] | Later) -> None:
        self.settings = settings
        self.upcoming = settings
        """Those of the runs that begin from now on, as the console has changed them."""
        self._file_class = file_class

    @property
    def file_class(self) -> type[RunFile[Any]]:
        """What writes one run."""
        known = self._file_class
        found: type[RunFile[Any]] = known.load() if isinstance(known, Later) else known
        return found

    def new_file(self) -> RunFile[Any]:
        """Return what writes the next run."""
        return self.file_class(self.settings)

    def control(self, verb: str, asked: Document) -> None:
        """Take a control record while no run is open; a session that does not know it leaves it."""

    def announced(self) -> dict[str, Any]:
        """Return what has to be known of the run that begins next, beside its documents.

        It stands in the spool before the start document: whoever writes the run, however late, has
        it by `take`. Plain values; nothing at all where the settings say everything. Runs whose
        files are not the same though nothing else tells them apart have another ``number``. This is
        called on the RunEngine's thread, and must not wait.
        """
        return {}

    def take(self, uid: str, told: Document) -> None:
        """Take what was announced of a run that begins, or begins again."""

    @property
    def shares_files(self) -> bool:
        """Whether one file takes several runs, so that only one writer can write them."""
        return False

    def go_on(self, path: Path) -> None:
        """Append the runs of its folder to a file that an export has begun, if files are shared."""

    def close(self) -> None:
        """Let go of what the runs share: none comes any more."""
