"""Where the files of one run are: their folder and names, and those that were made."""

from __future__ import annotations

import logging
from abc import ABC
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

from ..files import MovedFolderError, Place
from ..files.run_paths import Roots, check_template, claim, late_keys, place_of_run, run_path
from ..model.run import Run
from .settings import WriterSettings

__all__ = ["RunPlaces", "Settings"]

logger = logging.getLogger(__name__)

Settings = TypeVar("Settings", bound=WriterSettings)


class RunPlaces(ABC, Generic[Settings]):
    """The part of `RunFile` that names files and makes them.

    Parameters
    ----------
    settings
        Those of the writer.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings: Settings = settings
        self._template_of_run: str | None = None
        self._stem: Place | None = None
        self._claimed: dict[str, Place] = {}

    @property
    def paths(self) -> list[Path]:
        """The files made so far, the main one first; absolute."""
        return [place.path for place in self._claimed.values()]

    def remove_empty(self) -> None:
        """Remove the files of a run that was given up before they had a byte."""
        for ending, place in list(self._claimed.items()):
            with suppress(OSError):  # one that is gone, or stays: it is empty
                if not place.size():
                    place.remove()
                    del self._claimed[ending]

    @property
    def places(self) -> list[Place]:
        """The files that were made so far and hold nothing but this run, the main one first."""
        return list(self._claimed.values())

    def _remove_all(self) -> None:
        """Remove what was made, but for what is in a folder that nobody finds any more.

        Raises
        ------
        OSError
            The folder is away, or cannot be written.
        """
        for place in reversed(self.places):
            with suppress(MovedFolderError):
                place.folder.found()
                if place.exists():
                    place.remove()
        self._claimed.clear()

    def file_name(self, run: Run) -> str:
        """Return the template of a run's file name, without extension; for subclasses.

        Keys in braces are filled and cleaned, as those of the setting ``file_name`` are. What leads
        out of the directory is not taken: the run then has the name that the settings say.
        """
        return self.settings.file_name

    def claim(self, run: Run, ending: str) -> Place:
        """Create a new file of the run and list it in `paths`; once for each ending.

        Parameters
        ----------
        run
            Gives the values for the file name's template.
        ending
            What follows the name, such as ``.csv``.

        Returns
        -------
        Place
            The file. It can be opened as often as that is needed, ``place.open("r+b")`` or by
            what takes names, ``h5py.File(place)``: it is found in the folder in which the run
            began, also when that was renamed since.

        Raises
        ------
        OSError
            The folder cannot be made or written, or its path leads to another one by now.
        """
        if ending not in self._claimed:
            self._claimed[ending] = claim(self.place(run), ending)
        return self._claimed[ending]

    def unclaim(self, ending: str) -> None:
        """Remove a file that `claim` made for the time of the run only, and list it no more.

        Raises
        ------
        OSError
            The folder cannot be written. A second call goes on.
        """
        place = self._claimed.get(ending)
        if place is not None:
            if place.exists():
                place.remove()
            del self._claimed[ending]

    def place(self, run: Run) -> Place:
        """Return where all files of the run are, with their name up to the ending.

        The folder is made, and from then on it is that one, wherever its path leads.

        Raises
        ------
        OSError
            The folder cannot be made.
        """
        if self._stem is None:
            template = self._template(run)
            roots = Roots(self.settings.roots, run.cwd)
            path = run_path(self.settings.directory, template, run.for_names, roots=roots)
            self._stem = place_of_run(run.cwd / path, self.settings.rights, run.claims)
        return self._stem

    def late_keys(self, run: Run) -> frozenset[tuple[str, ...]]:
        """Return what the names of the files take from descriptors and events: `names.late_keys`.

        The run is opened when that is known.
        """
        return late_keys(str(self.settings.directory)) | late_keys(self._template(run))

    def _template(self, run: Run) -> str:
        if self._template_of_run is None:
            self._template_of_run = self._asked_template(run)
        return self._template_of_run

    def _asked_template(self, run: Run) -> str:
        try:
            template = self.file_name(run)
            check_template(template, may_be_late=True)
        except Exception as error:
            logger.warning(
                "%s.file_name() gave no name for %s: %r. The file is called as the settings say.",
                type(self).__name__,
                run.label,
                error,
            )
            return self.settings.file_name
        return template
