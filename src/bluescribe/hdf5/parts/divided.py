"""A run that goes on in another file when its file gets large: parts, and a main file for all.

A run that stays below `max_file_size` has one file, as ever. The first time that it does not, its
file is closed and becomes ``NAME-part1``; ``NAME`` is from then on a small file that shows the rows
of all parts that are closed. Each part is a file as the format makes it, with all that tells of the
run, and is not touched again. The main file is replaced, never changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from ...assets.asset import Asset, Frames
from ...files import Place, part_of
from ...model.run import Descriptor, Document, Page, Stream
from ..documents import Documents
from ..file import LiveFile
from ..objects import set_attribute
from ..preallocate import telling_of_system
from ..runfile import Hdf5RunFile
from ..settings import DividedFileSettings
from ..table import ColumnTable
from .gathered import MAIN, NUMBER, gather
from .pieces import Where

__all__ = ["DividedRunFile"]

Settings = TypeVar("Settings", bound=DividedFileSettings)
Table = TypeVar("Table", bound=ColumnTable)


class DividedRunFile(Hdf5RunFile[Settings, Table]):
    """The file of one run, or its parts and the main file that shows them."""

    where: ClassVar[Where]
    """Where the format has what grows."""
    takes_typed_columns: ClassVar[bool] = True

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._parts: list[Place] = []
        """Those that are closed."""
        self._is_between = False
        """Whether the last part is closed, and the next one not begun."""
        self._is_shown = False
        """Whether the main file shows all parts that are closed."""
        self._former: dict[str, Table] = {}
        self._declared: list[tuple[Stream, Descriptor]] = []
        self._resources: list[tuple[str, Document]] = []
        self._linked: dict[tuple[str, str], tuple[Stream, str]] = {}
        self._baseline: list[tuple[Stream, Page]] = []
        """What each part is to have, as it tells of the run."""

    def record(self, name: str, doc: Document) -> None:
        """Keep the documents of external data as they came."""
        super().record(name, doc)
        if name in ("resource", "stream_resource") and self.settings.max_file_size:
            self._resources.append((name, doc))

    @telling_of_system
    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None:
        """Write the descriptor, and make the table of a new stream."""
        super().add_descriptor(stream, descriptor)
        if (stream, descriptor) not in self._declared:
            self._declared.append((stream, descriptor))

    @telling_of_system
    def write_events(self, stream: Stream, page: Page) -> None:
        """Append rows to the stream's columns, in the next part if this one is full."""
        if self._is_between or (not stream.is_baseline and self._is_full()):
            self._divide()
        super().write_events(stream, page)
        if stream.is_baseline and self.settings.max_file_size:
            self._baseline.append((stream, page))

    def link_assets(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> None:
        """Link an external file from the field's group."""
        super().link_assets(stream, field, asset, frames)
        self._linked[stream.name, field] = stream, field

    @telling_of_system
    def close(self, stop: Document | None) -> None:
        """Write what is known at the end and leave ordinary HDF5 files."""
        if not self._parts:
            super().close(stop)
            return
        self._end_part()
        with self._new_main() as main:
            self._file = main
            self._documents = Documents(main, self.documents_group)
            for table in self._former.values():
                table.move_to(main)
                table.take_over(main.h5)
            self._show_news()
            super().close(stop)

    @property
    def _is_whole(self) -> bool:
        return self.is_ending and not self.settings.max_file_size  # a part is to show what it has

    def _is_full(self) -> bool:
        most = self.settings.max_file_size
        if not most or self._file.size < most:
            return False
        return any(t.has_rows for t in self._tables.values() if not t.stream.is_baseline)

    def _divide(self) -> None:
        """Close this part and begin the next one; to be repeated as it is after a failure."""
        self._end_part()
        if not self._is_shown:
            self._show_parts()
        self._begin_part()
        self._is_between = False

    def _end_part(self) -> None:
        """Close the part, and give the first one its name."""
        if self._is_between:
            return
        self._file.make_last_room()
        self._documents.write()
        part = self._place_of_part(len(self._parts) + 1)
        self._name(self._file.plain().file, part)
        self._file.end()
        if not self._parts:
            self._place.replace(part)
        self._parts.append(part)
        self._former = self._tables
        self._is_between, self._is_shown = True, False

    def _begin_part(self) -> None:
        part = self._place_of_part(len(self._parts) + 1)
        self._begin(part)
        self._name(self._file.h5, part)
        for name, doc in self._resources:
            self._documents.add(name, doc)
        for stream, descriptor in self._declared:
            self.add_descriptor(stream, descriptor)
        for name, table in self._tables.items():
            table.name_as(self._former[name])
        for stream, page in self._baseline:
            super().write_events(stream, page)
        for stream, field in self._linked.values():
            self._write_links(stream, field)

    def _show_parts(self) -> None:
        """Make the main file of the parts that are closed."""
        with self._new_main() as main:
            main.end()
        self._is_shown = True

    @contextmanager
    def _new_main(self) -> Iterator[LiveFile]:
        """Make a main file, which takes its place when the block ends well."""
        with part_of(self._place) as new:
            main = self._new_file(new, may_be_compact=False)
            try:
                gather(main, self._parts, self.where)
                self._name(main.h5, self._place)
                yield main
            except BaseException:
                main.abandon()
                raise

    def _place_of_part(self, number: int) -> Place:
        return self.claim(self._run, f"-part{number}{self.settings.ending}")

    def _name(self, h5: Any, place: Place) -> None:
        """Have a file say what it is called, and a part of what."""
        if "file_name" in h5.attrs:
            set_attribute(h5, "file_name", place.name)
        if place == self._place:
            for key in (MAIN, NUMBER):
                h5.attrs.pop(key, None)
        else:
            set_attribute(h5, MAIN, self._place.name)
            set_attribute(h5, NUMBER, len(self._parts) + 1)
