"""All checks, in their order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any

from ..config.configuration import Configuration
from . import configuration as configurations
from .deliveries import deliveries
from .example import Example
from .folders import Folders
from .interrupts import Interrupts
from .names import names
from .paths import answering, led
from .spool import homes_as_they_were, spool
from .subject import Subject
from .surroundings import extras, image_folders
from .trial import trial
from .upcoming import as_asked
from .verdict import CheckReport, Verdict

__all__ = ["check_iconfig", "check_made"]

Tell = Callable[[Verdict], None]


def check_iconfig(
    iconfig: str | Path | Mapping[str, Any],
    *,
    metadata: Mapping[str, Any] | None = None,
    rate: int = 0,
    tell: Tell | None = None,
) -> CheckReport:
    """Check a configuration and all that it needs; nothing stays behind.

    Parameters
    ----------
    iconfig
        Path of ``iconfig.yml``, or its content.
    metadata
        What start documents will have, beside that which bluesky itself puts there.
    rate
        Bytes a second that the disks have to take; 0 where nobody says.
    tell
        Is called with each verdict when it is known.

    Raises
    ------
    ConfigError
        The configuration cannot be read at all.
    """
    configuration, verdicts = configurations.read(iconfig)
    with Interrupts() as interrupts:
        subject = Subject(configuration, metadata or {}, rate, interrupts.heed)
        return _report(subject, verdicts, tell)


def check_made(
    configuration: Configuration,
    *,
    metadata: Mapping[str, Any] | None = None,
    rate: int = 0,
    off: Collection[str] = (),
) -> CheckReport:
    """Check what writers and deliveries that are made already need.

    Parameters
    ----------
    configuration
        The formats with the settings of the runs that begin from now on.
    metadata
        As `check_iconfig`; what ``bluescribe`` in it asks for is heeded.
    rate
        As `check_iconfig`.
    off
        Formats in which the runs that begin from now on are not written.
    """
    with Interrupts() as interrupts:
        subject = Subject(configuration, metadata or {}, rate, interrupts.heed)
        return _report(*as_asked(subject, off), None)


def _report(subject: Subject, known: list[Verdict], tell: Tell | None) -> CheckReport:
    found = []
    with ExitStack() as stack:
        for verdict in chain(known, _verdicts(subject, stack)):
            found.append(verdict)
            if tell is not None:
                tell(verdict)
            subject.heed()
    return CheckReport(tuple(found))


def _verdicts(subject: Subject, stack: ExitStack) -> Iterator[Verdict]:
    """Yield all verdicts; the stack removes what is made for them."""
    yield from extras(subject)
    subject, found = answering(subject)
    yield from found
    example = Example(subject.formats, subject.metadata)
    yield from names(subject, example.known)
    subject = led(subject, example.start)
    stack.enter_context(homes_as_they_were(subject.configuration.spool))
    if subject.formats or subject.configuration.deliveries:
        yield from spool(subject)
    folders = Folders(subject, stack)
    yield from folders.verdicts()
    yield from image_folders(subject)
    yield from deliveries(subject)
    yield from trial(subject, folders, example)
