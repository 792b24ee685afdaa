"""Adoption: the runs that a dead session left in its spool are written now.

The next session does it, or `recover`. Files that were cut short are put aside, and their runs are
replayed from the spool. How the session died does not matter.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from types import MappingProxyType

from ...recording.writer import Writer
from ...spool.folder import SpoolFolder, left_folders
from ...spool.home import known_homes
from ...spool.left import LeftSpool
from ...spool.problems import BrokenSpoolError
from ..recovery_report import Step
from .one_run import Adopted

__all__ = ["adopt"]

logger = logging.getLogger(__name__)


def adopt(
    spool: Path | None = None,
    *,
    is_dry_run: bool = False,
    kinds: Mapping[str, type[Writer]] = MappingProxyType({}),
    stop: threading.Event | None = None,
    begins: Callable[[], object] = bool,
) -> list[Step]:
    """Write what dead sessions of this user and this computer left in their spools.

    Parameters
    ----------
    spool
        Where to look beside the usual places: ``SPOOL`` of ``DATA_FILES``.
    is_dry_run
        Only report what would be done.
    kinds
        Writers of this session, by format, that may have hooks; others are the formats' own.
    stop
        When set, ends adoption after the run that is being written.
    begins
        Called when a writer was made.

    Returns
    -------
    list of Step
        What was done to each file. Runs that failed stay in the spool.
    """
    stop = stop or threading.Event()
    steps: list[Step] = []
    for home in known_homes(spool):
        with suppress(OSError):
            for path in left_folders(home):
                steps += _adopt_folder(path, kinds, stop, begins, is_dry_run=is_dry_run)
    return steps


def _adopt_folder(
    path: Path,
    kinds: Mapping[str, type[Writer]],
    stop: threading.Event,
    begins: Callable[[], object],
    *,
    is_dry_run: bool,
) -> list[Step]:
    folder = SpoolFolder.taken(path)
    if folder is None:  # its session lives
        return []
    steps: list[Step] = []
    try:
        with closing(LeftSpool(folder)) as left:
            for adopted in _unwritten(left, kinds, begins):
                if not stop.is_set():
                    steps += adopted.written(is_dry_run=is_dry_run)
    except BrokenSpoolError as error:
        steps.append(Step(path, "left", str(error)))
    except OSError as error:
        steps.append(Step(path, "FAILED", str(error)))
    is_left = any(step.outcome in ("FAILED", "left") for step in steps)
    if is_dry_run or is_left or stop.is_set():
        folder.release()
    else:
        folder.remove()
    return steps


def _unwritten(
    left: LeftSpool, kinds: Mapping[str, type[Writer]], begins: Callable[[], object]
) -> Iterator[Adopted]:
    """Yield the runs to write, with their lanes; deliveries handle their own lanes."""
    for run in left.runs.values():
        for lane in filter(left.lanes.get, left.lanes):
            adopted = Adopted(left, run, lane, kinds, begins)
            if lane not in run.done or adopted.waits_beside():
                yield adopted
