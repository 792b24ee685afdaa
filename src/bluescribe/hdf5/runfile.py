"""One run in one HDF5 file, readable while the run goes on: what all trees have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

import h5py

from ..assets.asset import Asset, Frames
from ..assets.images import Images, NotReadyError
from ..contract.runfile import RunFile
from ..files import Place
from ..files.json_text import dumps
from ..model.run import Descriptor, Document, Page, Run, Stream
from .documents import Documents
from .file import LiveFile
from .images.joined import join_files
from .images.links import AssetLinks
from .nodes import write_node
from .objects import set_attribute
from .preallocate import telling_of_system
from .removal import remove
from .settings import Hdf5FileSettings
from .table import ColumnTable, bytes_in

__all__ = ["Hdf5RunFile", "Unjoined"]

Settings = TypeVar("Settings", bound=Hdf5FileSettings)
Table = TypeVar("Table", bound=ColumnTable)

_A_FIELD = 5 << 10
"""Bytes that a field takes in a file, with its groups, datasets and attributes."""

Unjoined: TypeAlias = Sequence[tuple[Images, NotReadyError]]
"""Fields whose files are there, and cannot be read yet and shown as one dataset."""


class Hdf5RunFile(RunFile[Settings], Generic[Settings, Table]):
    """The file of one run: a table a stream, the documents, links to external files.

    A format says where they are in its tree, and adds what its readers look for.
    """

    documents_group: ClassVar[str]
    """Absolute path of the group of the documents."""
    takes_typed_columns: ClassVar[bool] = True
    _file: LiveFile

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Have a class that writes events itself get columns as `Page` says: lists or arrays."""
        super().__init_subclass__(**kwargs)
        if "write_events" in vars(cls) and "takes_typed_columns" not in vars(cls):
            cls.takes_typed_columns = False

    @telling_of_system
    def open(self, run: Run) -> None:
        """Make the file with all that the start document tells."""
        if hasattr(self, "_file"):  # a try that failed
            self._file.abandon()
        self._run = run
        self._place: Place = self.claim(run, self.settings.ending)
        self._links = AssetLinks(self._place.parent)
        self._unlinked: set[tuple[str, str]] = set()
        """Fields that have a new file whose link is not written yet: a disk may refuse it."""
        self._begin(self._place)

    def _begin(self, place: Place) -> None:
        """Make a file with all that the start document tells."""
        self._tables: dict[str, Table] = {}
        self._file = self._new_file(place)
        self._documents = Documents(self._file, self.documents_group)
        self._write_start(self._run)

    def _new_file(self, place: Place, *, may_be_compact: bool = True) -> LiveFile:
        return LiveFile(
            place,
            is_live=self.settings.live,
            compression=self.settings.compression,
            may_be_compact=may_be_compact,
            is_whole=self._is_whole,
        )

    @property
    def _is_whole(self) -> bool:
        """Whether all that comes is here: nobody waits for what is written so far."""
        return self.is_ending

    def _put_down(self) -> None:
        """Go on on the disk with a file that is held in memory."""
        if self._file.is_held:
            self._cut()
            self._file.put_down()

    def _hold(self, size: int) -> None:
        """Go on on the disk if so many bytes more are too much to be held in memory."""
        if self._file.is_held and not self._file.may_hold(size):
            self._put_down()

    def _cut(self) -> None:
        for table in self._tables.values():
            table.cut()

    def record(self, name: str, doc: Document) -> None:
        """Keep the documents of external data as they came."""
        if name in ("resource", "stream_resource"):
            self._documents.add(name, doc)
        elif name in ("datum", "datum_page"):
            self._documents.add_datum(name, doc)

    @telling_of_system
    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None:
        """Write the descriptor, and make the table of a new stream."""
        self._hold(len(dumps(descriptor.doc)) + _A_FIELD * len(descriptor.fields))
        self._documents.add("descriptor", descriptor.doc)
        if stream.name not in self._tables:
            self._tables[stream.name] = self._new_table(stream, descriptor)

    @telling_of_system
    def write_events(self, stream: Stream, page: Page) -> None:
        """Append rows to the stream's columns."""
        self._hold(bytes_in(page))
        if self._tables[stream.name].append(page):
            self._has_news()
            if not self._is_whole:
                self._show_news()
                self._file.go_live()  # at once: readers wait

    @telling_of_system
    def link_assets(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> None:
        """Link an external file from the field's group."""
        self._put_down()  # a virtual dataset in memory would read all of its other files there
        if self._links.add(stream, field, asset, frames):
            self._unlinked.add((stream.name, field))
        if (stream.name, field) in self._unlinked:
            self._write_links(stream, field)
            self._unlinked.discard((stream.name, field))

    def _write_links(self, stream: Stream, field: str) -> None:
        self._file.plain()
        group = self._group_of_links(stream, field)
        nodes = self._links.nodes(stream, field)
        if group.get("value", getlink=True) is not None and "value" not in nodes:
            remove(group, "value")  # a second file: each has a link with a number now
        for name, node in nodes.items():
            write_node(group, name, node)

    @telling_of_system
    def sync(self) -> None:
        """Let others see what was written."""
        self._put_down()
        self._documents.write()
        self._file.go_live()
        self._file.flush()

    @telling_of_system
    def close(self, stop: Document | None) -> None:
        """Write what is known at the end and leave an ordinary HDF5 file."""
        self._file.make_last_room()
        self._documents.write()
        h5 = self._file.plain()
        self._cut()
        self._links.may_open = True
        for stream, field, name, frames in self._links.frame_nodes():
            write_node(h5[self._group_of(stream, field)], name, frames)
        unjoined = join_files(h5, self._links, self._group_of, self._warn_of_images)
        self._write_end(h5, stop, unjoined)
        self._file.finish()
        for path in self._links.missing():
            self._warn_of_images(
                f"links {path}, which is not there (yet). If the file is elsewhere, move it or "
                "this one so that the relative link holds, or set PATH_MAP."
            )

    def abandon(self) -> None:
        """Let go of the file; what was flushed is in it."""
        if hasattr(self, "_file"):
            self._file.abandon()

    @abstractmethod
    def _write_start(self, run: Run) -> None:
        """Write what the start document tells, into a new file."""

    @abstractmethod
    def _new_table(self, stream: Stream, descriptor: Descriptor) -> Table:
        """Make the group of a new stream, and return its columns."""

    @abstractmethod
    def _write_end(self, h5: h5py.File, stop: Document | None, unjoined: Unjoined) -> None:
        """Write what is known at the end; `stop` is None when the run was never stopped."""

    @abstractmethod
    def _warn_of_images(self, message: str) -> None:
        """Log what is not right with external files."""

    def _has_news(self) -> None:
        """Note that there are new datasets, which readers are to find."""

    def _show_news(self) -> None:
        """Show them where readers look; the file is plain."""

    def _group_of_links(self, stream: Stream, field: str) -> h5py.Group:
        """Return the group of a field's links; it says whose it is."""
        path = self._group_of(stream.name, field)
        group = self._file.h5.require_group(path)
        if field != path.rpartition("/")[2]:
            set_attribute(group, "data_key", field)
        return group

    def _group_of(self, stream: str, field: str) -> str:
        return self._tables[stream].group_of(field)
