"""What all writers and deliveries of a session are doing, as it is told to people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..recording.status import Status
from ..recording.tables import Column, Table

if TYPE_CHECKING:
    from ..delivery.status import DeliveryStatus

__all__ = ["WritersStatus"]

_COLUMNS = (
    Column("format"),
    Column("state"),
    Column("runs", is_number=True),
    Column("events", is_number=True),
    Column("waiting", is_number=True),
    Column("latest files"),
)


class WritersStatus(dict[str, Status]):
    """The status of each format, by its name, and of each delivery; prints as a table.

    Parameters
    ----------
    writers, deliveries
        The status of each.
    files
        The files of the latest run, by format; absolute.
    """

    def __init__(
        self,
        writers: Mapping[str, Status],
        deliveries: Mapping[str, DeliveryStatus],
        files: Mapping[str, tuple[Path, ...]] | None = None,
    ) -> None:
        super().__init__(writers)
        self.deliveries = dict(deliveries)
        self._files = dict(files or {})

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for name, status in self.items():
            numbers = (status.runs_written, status.events_written, status.backlog)
            first, *others = self._paths(name, status)
            yield (name, status.state, *map(str, numbers), first)
            yield from (("", "", "", "", "", path) for path in others)

    def _paths(self, name: str, status: Status) -> list[str]:
        """Return the files of a format to show; where it has none yet, the folder of the next."""
        main = status.current_files or ((status.last_file,) if status.last_file else ())
        paths = self._files.get(name) or main
        return [str(path) for path in paths] or [f"(next: {status.directory})"]

    def _table(self) -> Table:
        told: dict[str, list[str]] = {}
        for name, status in self.items():
            for note in status.notes():
                told.setdefault(" ".join(note.split()), []).append(name)
        notes = [f"{', '.join(names)}: {note}" for note, names in told.items()]
        deliveries = [line for each in self.deliveries.values() for line in str(each).splitlines()]
        return Table(_COLUMNS, list(self._rows()), notes=[*notes, *deliveries])

    def __str__(self) -> str:
        """Return a table, and lines below it of all that is not as usual."""
        if not self:
            return "\n".join(map(str, self.deliveries.values())) or "no writers"
        return str(self._table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._table().html() if self else f"<p>{self}</p>"
