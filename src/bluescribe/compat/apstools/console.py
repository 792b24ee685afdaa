"""The functions that instruments built on apstools have for their users."""

from __future__ import annotations

import logging
import re
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ConfigError

if TYPE_CHECKING:
    from .spec import SpecWriterCallback2

__all__ = ["newSpecFile", "remember", "spec_comment"]

logger = logging.getLogger(__name__)

_latest: list[weakref.ref[SpecWriterCallback2]] = []


def remember(writer: SpecWriterCallback2) -> None:
    """Make a callback the one that the functions below speak to."""
    _latest[:] = [weakref.ref(writer)]


def spec_comment(comment: str, doc: str | None = None, writer: Any = None) -> Iterator[Any]:
    """Write a comment into the SPEC file, as apstools' function of this name.

    It does so when it is called, at the prompt or in a plan. ``yield from spec_comment(...)`` is
    right, too.

    Parameters
    ----------
    comment
        One line or several.
    doc
        The kind of document that it belongs to: ``"stop"`` puts it at the end of the scan. By
        default it stands between the points before and after it, or in the scan that comes next.
    writer
        The callback; by default the one that was made last.
    """
    writer = writer or _found()
    doc = doc or ("event" if writer.scanning else "start")
    for line in comment.splitlines():
        writer._cmt(doc, line)
    return iter(())


def newSpecFile(  # noqa: N802  # the name that users know
    title: str, scan_id: int | None = None, RE: Any = None, *, writer: Any = None
) -> Path:
    """Go on in the SPEC file ``MM_DD_title.dat``; month and day are today's.

    Parameters
    ----------
    title
        What is not a letter or digit becomes ``_``.
    scan_id
        The last scan number, 1 when nothing is said. In a file that exists it is the highest one
        there.
    RE
        The RunEngine that counts on from there; without it, nothing changes in any RunEngine.
    writer
        The callback; by default the one that was made last.

    Returns
    -------
    Path
        The file; it is made when the next run begins.
    """
    writer = writer or _found()
    clean = re.sub(r"[^A-Za-z0-9_]", "_", title)
    path = Path(f"{time.strftime('%m_%d')}_{clean}.{writer.file_extension}")
    if path.exists():
        logger.warning("%s is there already: the scans are appended to it", path)
        return Path(writer.newfile(path, RE=RE))
    return Path(writer.newfile(path, scan_id=scan_id or 1, RE=RE))


def _found() -> SpecWriterCallback2:
    for reference in _latest:
        if (writer := reference()) is not None:
            return writer
    raise ConfigError("there is no SPEC writer in this session: make a SpecWriterCallback2() first")
