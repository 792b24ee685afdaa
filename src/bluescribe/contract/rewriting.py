"""How a file is written anew, or changed, when a crash has left it incomplete."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BluescribeError
from ..files import Place, part_of
from ..model.run import Document
from .report import RunReport

if TYPE_CHECKING:
    from ..recording.writer import Writer

__all__ = ["Documents", "Keep", "NotAloneError", "RecoveryError", "Source", "changing", "play"]

Documents = Iterable[tuple[str, Document]]

Keep = Callable[[Path], Path]
"""Moves a damaged file to another name and returns that."""


class RecoveryError(BluescribeError, RuntimeError):
    """A file could not be made whole; the message says why."""


class NotAloneError(RecoveryError):
    """A run cannot be written anew where it stands; it can be mended there."""


@dataclass(frozen=True, slots=True)
class Source:
    """A run to be written anew: its documents, in order, from the journal."""

    run: str
    read: Callable[[], Iterator[tuple[str, Document]]]


@contextmanager
def changing(path: Path, keep: Keep) -> Iterator[Place]:
    """Give a file another name, and change a copy; that takes its place if the block ends well.

    Raises
    ------
    OSError
        The disk refused, or the file is a link.
    """
    place = Place.at(path)
    kept = place.with_name(keep(path).name)
    with part_of(place) as part:
        kept.copy_into(part)
        yield part
        part.sync()


def play(writer: Writer, source: Source) -> list[str]:
    """Write a run again; without a stop document if it has none.

    Returns
    -------
    list[str]
        What a complete file does not hold: images in other files, which are not to be found.

    Raises
    ------
    RecoveryError
        It could not be written.
    """
    reports: list[RunReport] = []
    writer.keep_no_spool()  # what fails is told, and is not left to anybody else
    writer.on_complete(reports.append)
    with writer:
        for name, doc in source.read():
            writer(name, dict(doc))
    for report in reports:
        if report.is_given_up:
            raise RecoveryError("; ".join(f"{f.cause}; {f.remedy}" for f in report.failures))
    return [failure.cause for report in reports for failure in report.failures]
