"""The functions that users of SPEC files at the APS know, ready for a startup file."""

from __future__ import annotations

import re
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ConfigError

if TYPE_CHECKING:
    from .writer import SpecWriter

__all__ = ["forget", "newSpecFile", "remember", "spec_comment"]

_DOCUMENTS = ("start", "descriptor", "event", "resource", "datum", "stop")

_writers: list[weakref.ref[SpecWriter]] = []


def remember(writer: SpecWriter) -> None:
    """Make a writer the one that the functions below speak to."""
    _writers.append(weakref.ref(writer))


def forget(writer: SpecWriter) -> None:
    """Make it none of those."""
    _writers[:] = [known for known in _writers if known() is not writer]


def newSpecFile(  # noqa: N802  the name that users know
    title: str, scan_id: int | None = None, RE: Any = None, *, writer: SpecWriter | None = None
) -> Path:
    """Go on in the SPEC file ``MM_DD_title.dat``; month and day are today's.

    Parameters
    ----------
    title
        What is not a letter or digit becomes ``_``.
    scan_id
        The last scan number: the next run gets the one after it. 0 when it is not given. In a
        file that exists, the highest number there.
    RE
        The RunEngine that counts on from there; without it, nothing changes in any RunEngine.
    writer
        The SPEC writer, when there are several; else the one that was made last.

    Returns
    -------
    Path
        The file; it is made when the next run begins.
    """
    name = f"{time.strftime('%m_%d')}_{re.sub(r'[^A-Za-z0-9_]', '_', title.strip())}"
    return _found(writer).newfile(name, scan_id or 0, RE)


def spec_comment(
    comment: str, doc: str | None = None, writer: SpecWriter | None = None
) -> Iterator[Any]:
    """Write a comment into the SPEC file, between the points of the scan that is running.

    It does so at once when it is called, in a plan or at the prompt. It returns an empty plan, so
    that ``yield from spec_comment("...")`` is right, too.

    Parameters
    ----------
    comment
        One line or several.
    doc
        ``"stop"`` puts the comment at the end of the scan. The other names of documents that
        apstools knows mean where the scan is when this is called.
    writer
        The SPEC writer, when there are several; else the one that was made last.

    Raises
    ------
    ValueError
        `doc` names no document, or there is no writer.
    """
    if doc is not None and doc not in _DOCUMENTS:
        raise ValueError(f"doc = {doc!r}: allowed are {', '.join(_DOCUMENTS)} and None")
    _found(writer).comment(comment, at_end=doc == "stop")
    return iter(())


def _found(writer: SpecWriter | None) -> SpecWriter:
    """Return `writer`, or the last one made that is still there."""
    if writer is not None:
        return writer
    while _writers:
        if (found := _writers[-1]()) is not None and not found.is_closed:
            return found
        _writers.pop()
    raise ConfigError(
        "there is no SPEC writer in this session: subscribe_writers(RE, ...) with "
        "SPEC_DATA_FILES switched on makes one"
    )
