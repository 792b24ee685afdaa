"""What is owed to a finished NexusFile, so that another process can do it: its note, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from ...assets.hdf5.marked import meet_all, opened_whole
from ...assets.images import Images
from ...files import Place
from ...files.job_note import Note
from ...hdf5.images.links import AssetLinks
from ...model.run import Run
from .entryviews import EntryViews
from .master import Master
from .metadata import BLUESKY
from .settings import NexusSettings
from .table import StreamTable

__all__ = ["Finished", "Owed", "noted"]


@dataclass(frozen=True, slots=True)
class Owed:
    """What is to be done when a file is finished."""

    images: Sequence[Images] = ()
    """Fields whose images are to be copied."""
    master: Master | None = None
    """Where the run is to be linked."""

    @property
    def what(self) -> str:
        """What that is, as messages say it."""
        words = ["its images are in it"] * bool(self.images)
        if self.master is not None:
            words.append(f"it is linked in {self.master.path.name}")
        return " and ".join(words)

    def __bool__(self) -> bool:
        """Tell whether there is something."""
        return bool(self.images) or self.master is not None


def noted(
    run: Run, place: Place, owed: Owed, links: AssetLinks, tables: Mapping[str, StreamTable]
) -> dict[str, Any]:
    """Return what `Finished.read` needs."""
    return {
        "run": run.noted(),
        "links": links.noted(),
        "tables": {name: [table.root, table.groups] for name, table in tables.items()},
        "copies": bool(owed.images),
        "master": owed.master.noted(place.folder) if owed.master is not None else None,
    }


@dataclass
class Finished:
    """A file that an earlier process finished, and what it owed to it."""

    run: Run
    owed: Owed
    links: AssetLinks
    settings: NexusSettings
    tables: Mapping[str, tuple[str, Mapping[str, str]]]
    """Of each stream, the paths of its group and of those of its fields."""

    @classmethod
    def read(cls, note: Note, settings: NexusSettings, locate: Callable[[str], Path]) -> Finished:
        """Return what a note and its file tell.

        Parameters
        ----------
        note
            The note.
        settings
            Of the run.
        locate
            Returns where an external file is.

        Raises
        ------
        OSError
            The file cannot be read, or is that of another run.
        """
        told = note.about
        run = Run.from_note(told["run"])
        links = AssetLinks(note.file.parent)
        links.take_in(told["links"], run.streams, locate)
        links.may_open = True
        master = Master.found(told["master"], note.place.folder) if told["master"] else None
        quiet = settings.model_copy(update={"warn_missing": False})  # it was told
        found = cls(run, Owed((), master), links, quiet, told["tables"])
        with opened_whole(Path(note.file)) as marked:
            h5 = marked.file
            meet_all(h5, marked.size)
            if h5[f"{BLUESKY}/uid"].asstr()[()] != run.uid:
                raise OSError(f"{note.file} is the file of another run")
            images = list(found._to_copy(h5)) if told["copies"] else []
        found.owed = Owed(images, master)
        return found

    def show(self, h5: h5py.File, copied: Sequence[tuple[Images, tuple[int, ...]]]) -> None:
        """Lead the views of a copy of the file to images that are in it now."""
        for images, shape in copied:
            self.links.set_here(images, shape)
        tables = {
            name: StreamTable.of_finished(h5, root, self.run, self.run.streams[name], groups)
            for name, (root, groups) in self.tables.items()
        }
        EntryViews(self.run, self.settings, tables, self.links).write_again(h5["entry"])

    def _to_copy(self, h5: h5py.File) -> Iterator[Images]:
        """Yield what is not copied yet; what is, and what is shown of several files, is known."""
        for images in self.links.images(self._group_of):
            value = h5[images.group].get("value", getlink=True)
            here = h5[f"{images.group}/value"] if isinstance(value, h5py.HardLink) else None
            if here is not None:
                self.links.set_here(images, tuple(here.shape))
            if here is None or "copied_from" not in here.attrs:
                yield images

    def _group_of(self, stream: str, name: str) -> str:
        return self.tables[stream][1][name]
