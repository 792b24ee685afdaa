"""FormatPlugin: all that the rest of bluescribe knows of a format. It asks nothing else."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DefinitionError
from .hooks import check_complete
from .session import FormatSession

if TYPE_CHECKING:
    from ..recording.writer import Writer
    from .glance import Glance
    from .recovery import Recovery
    from .runfile import RunFile
    from .settings import WriterSettings

__all__ = ["FormatPlugin"]

ReadBack = Callable[[Sequence[Path], Any], Mapping[str, Sequence[Any]]]

_IMAGES = {"images", "images_timeout"}
"""Settings of all formats that copy images: what is to be copied, and how long it is waited for."""


@dataclass(frozen=True)
class FormatPlugin:
    """One format: its writer, and what it can do.

    A format says ``FORMAT = FormatPlugin(XyWriter, ...)`` once, below its writer. Subclasses of
    the writer can what it can.

    Parameters
    ----------
    writer
        Writes the format; its name, its run file and its settings are those that it names.
    opens_hdf5
        Whether it opens HDF5 files, to write or to copy from: HDF5 has one lock for all, and can
        end its process.
    copies_images
        Whether it copies images when ``images`` is ``"copy"``, and waits ``images_timeout`` for
        them.
    session
        What the runs of one writer share, where they share a file or their user speaks to it.
    readers
        What opens its files, in one line for people who have nothing but the files.
    read_back
        Returns what the files of a run hold of its primary stream, field by field and row by row;
        it is called with the files and the settings. ``bluescribe check`` writes a run of a motor,
        a detector and a small image, and compares all that this returns of them.

    Raises
    ------
    DefinitionError
        The writer lacks what it needs, or is not what the record says.
    """

    writer: type[Writer]
    _: KW_ONLY
    opens_hdf5: bool = False
    copies_images: bool = False
    session: type[FormatSession[Any]] = FormatSession
    readers: str = "see its documentation"
    read_back: ReadBack | None = None

    def __post_init__(self) -> None:
        """Check what is said, and let the class find its record again; see `of`."""
        check_complete(self.writer)
        if self.copies_images and not self.settings.model_fields.keys() >= _IMAGES:
            raise DefinitionError(
                f"{self.settings.__name__} needs the fields {' and '.join(sorted(_IMAGES))}, as "
                f"the FormatPlugin of {self.writer.__name__} says copies_images=True"
            )
        self.writer._plugin = self

    @classmethod
    def of(cls, writer: type[Writer]) -> FormatPlugin:
        """Return the record of a writer, whoever made it.

        A class without one extends a format, and can what that can; or it is of a package from
        before there were records: then its settings tell whether it copies images.
        """
        known = writer._plugin
        if known is not None and known.writer is writer:
            return known
        if known is None or not issubclass(writer.file_class, known.run_file):
            copies = writer.settings_class.model_fields.keys() >= _IMAGES
            return cls(writer, copies_images=copies)
        return replace(known, writer=writer)

    @property
    def name(self) -> str:
        """What the format is called: in iconfig.yml, on the command line, in messages."""
        return self.writer.format

    def new_session(self, settings: WriterSettings) -> FormatSession[Any]:
        """Return what the runs of a new writer share; what writes one is not imported for that."""
        return self.session(settings, inspect.getattr_static(self.writer, "file_class"))

    @property
    def run_file(self) -> type[RunFile[Any]]:
        """What writes one run, imported when it is asked for."""
        return self.writer.file_class

    @property
    def settings(self) -> type[WriterSettings]:
        """What its settings have to be."""
        return self.writer.settings_class

    @property
    def takes_raw_documents(self) -> bool:
        """Whether it keeps documents as they come, and wants no pages of events."""
        return not self.run_file.takes_pages

    @property
    def may_share_files(self) -> bool:
        """Whether one file may take several runs; ``Writer.shares_files`` says so of one writer."""
        is_older = sum("shares_files" in vars(kind) for kind in self.writer.__mro__) > 1
        return self.session is not FormatSession or is_older  # from before there were sessions

    @property
    def is_journal(self) -> bool:
        """Whether its files hold all documents, so that sources find runs in them."""
        return self.recovery is not None and self.recovery.is_journal

    @property
    def recovery(self) -> type[Recovery] | None:
        """What finishes files of the format after a crash, imported when it is asked for."""
        return self.writer.recovery()

    @property
    def glance(self) -> type[Glance] | None:
        """What tells at a glance whether a run in one of its files was cut short."""
        return self.writer.glance()
