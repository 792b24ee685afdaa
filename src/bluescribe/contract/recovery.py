"""What a format knows of files that a crash left incomplete; `recover` asks it.

A format without a `Recovery` is left alone by ``bluescribe recover``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import ConfigError
from ..files.job_note import settings_of
from ..files.run_names import is_by_default, is_surely_by
from ..model.run import Document
from .glance import Glance
from .held_run import HeldRun
from .rewriting import Documents, Keep, NotAloneError, RecoveryError, Source, changing, play

if TYPE_CHECKING:
    from ..recording.writer import Writer

__all__ = [
    "COPIES_ARE_ALL_THERE_IS",
    "Documents",
    "Found",
    "Keep",
    "NotAloneError",
    "Recovery",
    "RecoveryError",
    "Source",
    "changing",
    "play",
]

COPIES_ARE_ALL_THERE_IS = "it holds copies of images whose own files are not there any more"
"""Why a file is left as it is, although its journal has more of the run."""

_OF_A_SESSION = ("on_error", "retry_seconds", "drain_timeout", "low_space", "master_file")
"""Settings that are not those of a file."""


@dataclass(frozen=True, slots=True)
class Found:
    """One run in one file, as far as the file tells."""

    path: Path
    stem: str
    """The name without its ending: files of a run have it in common, unless they are told not."""
    run: str = ""
    """Its uid; empty when the file does not tell."""
    events: Mapping[str, int] = field(default_factory=dict)
    """By stream, those that are whole."""
    has_stop: bool = False
    problem: str = ""
    """What is wrong with the file by itself; empty when nothing is."""
    doubt: str = ""
    """Why more may have been measured than is there: a matter for the journal, if there is one."""
    is_readable: bool = True
    """Whether it can be made whole without a journal."""
    is_by_name: bool = False
    """Whether nothing but its name tells that it is of this format."""


class Recovery(Glance, ABC):
    """Finds, mends and writes anew the files of one format.

    Parameters
    ----------
    plugin
        The format.
    settings
        How it is to be written.
    """

    holds_all_streams: ClassVar[bool] = True
    """Whether a stream that a file does not have is missing there."""
    sets_aside: ClassVar[bool] = False
    """Whether a file that cannot be made whole without a journal gets another name: no document."""
    has_parts: ClassVar[bool] = False
    """Whether what `files.part_beside` made beside its files is of no use after a kill."""
    is_slow: ClassVar[bool] = False
    """Whether it takes long to look into a file, as HDF5 does, which can end its process, too."""

    @property
    def name(self) -> str:
        """The format's name."""
        return self.plugin.name

    def chosen(self, *names: str) -> dict[str, Any]:
        """Return those of some settings that were given."""
        given = self._settings.model_fields_set
        return {name: getattr(self._settings, name) for name in names if name in given}

    def is_called_so(self, path: Path) -> bool:
        """Tell whether a file has a name of ours: the default one, or as the settings have it."""
        return is_by_default(path.name) or is_surely_by(self._settings.file_name, path.name)

    @property
    def ending_rank(self) -> tuple[bool, int]:
        """How much the ending of a name tells: one that was set more than a usual one."""
        return "file_extension" in self._settings.model_fields_set, len(self.ending)

    @abstractmethod
    def examine(self, path: Path) -> list[Found]:
        """Return the runs in a file; nothing if it is no file of this format.

        Raises
        ------
        OSError
            It cannot be read.
        """

    def runs_in(self, path: Path, head: bytes) -> Iterator[HeldRun]:
        """Yield what a file tells of its runs, at a glance; nothing if it is none of this format.

        Parameters
        ----------
        path
            Any file.
        head
            Its first bytes.

        Raises
        ------
        OSError
            It cannot be read.
        """
        for found in self.examine(path) if self.has_ending(path) else ():
            if found.run:
                stop: Document | None = {} if found.has_stop else None
                yield HeldRun(path, self.name, {"uid": found.run}, stop, found.events)

    def is_named_after(self, found: Found, stem: str, start: Document) -> bool:
        """Tell whether a file that does not tell its run is that of a run, by its name.

        Parameters
        ----------
        found
            The file.
        stem
            What the run's journal is called.
        start
            The run.
        """
        return found.stem == stem

    def files(self, path: Path) -> list[Path]:
        """Return the files of a run that is not written any more, by its main file.

        They need not be there.

        Raises
        ------
        OSError
            It cannot be read.
        """
        return [path]

    def told_files(self, path: Path) -> list[Path]:
        """Return the same, as far as the main file tells: the folder is not searched.

        Raises
        ------
        OSError
            It cannot be read.
        """
        return self.files(path)

    def documents(self, path: Path) -> Iterator[tuple[str, Document]] | None:
        """Return all documents of a run, from a file that has them; None for other formats."""
        return None

    @abstractmethod
    def mend(self, path: Path, keep: Keep) -> str:
        """Make a file readable that has no journal; return what was done.

        Raises
        ------
        OSError, RecoveryError
            It could not be done.
        """

    @abstractmethod
    def rebuild(self, path: Path, sources: Sequence[Source], keep: Keep) -> str:
        """Write runs of a file anew; return what was done.

        Raises
        ------
        OSError, RecoveryError
            It could not be done.
        """

    def write_again(self, path: Path, source: Source, ending: str, **values: Any) -> list[str]:
        """Write a run to files of the same name, with the format's own writer.

        Parameters
        ----------
        path
            The main file, which is not there any more.
        source
            The run.
        ending
            What stands behind the name's stem.
        values
            Settings that differ from those that are given.

        Returns
        -------
        list[str]
            What is not there, as `play` tells.
        """
        stem = path.name.removesuffix(ending).replace("{", "{{").replace("}", "}}")
        folder = str(path.parent).replace("{", "{{").replace("}", "}}")
        known = {*_OF_A_SESSION, *self._settings.model_fields_set}
        noted = {k: v for k, v in settings_of(path).items() if k not in known}
        return play(self.writer(Path(folder), **{**noted, **values, "file_name": stem}), source)

    def writer(self, folder: Path, **values: Any) -> Writer:
        """Make a writer with the settings that are given, but for `values`."""
        settings = {name: getattr(self._settings, name) for name in self._settings.model_fields_set}
        settings |= {"on_error": "warn", "retry_seconds": 1.0, "drain_timeout": 60.0, **values}
        if self.plugin.copies_images:
            settings["images_timeout"] = 0.0  # what is not there by now will not come
        settings.pop("directory", None)
        try:
            return self.plugin.writer(folder, **settings)
        except ConfigError as error:
            raise RecoveryError(str(error)) from None
