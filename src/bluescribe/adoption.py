"""What a dead session left in its spool is written now: by the next session, or by `recover`.

Files that were cut short are put aside, and their runs played again. Nothing else is known of how
the session died, nor has to be.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from .adopted import Adopted
from .ending import at_the_end
from .recovered import Step
from .spool.folder import SpoolFolder, left_folders
from .spool.home import known_homes
from .spool.left import LeftSpool
from .spool.problems import BrokenSpoolError
from .writer import Writer

__all__ = ["adopt", "adopt_later"]

logger = logging.getLogger(__name__)

_EXIT_SECONDS = 60.0
"""How long the end of a session waits for the run that is being written."""
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
"""Seconds between two tries of what cannot be written yet."""


def adopt(
    spool: Path | None = None,
    *,
    is_dry_run: bool = False,
    kinds: Mapping[str, type[Writer]] = MappingProxyType({}),
    stop: threading.Event | None = None,
) -> list[Step]:
    """Write what dead sessions of this user and this computer left in their spools.

    Parameters
    ----------
    spool
        Where to look beside the usual places: ``SPOOL`` of ``DATA_FILES``.
    is_dry_run
        Only tell what would be done.
    kinds
        Writers of this session, by format, that may have hooks; others are the formats' own.
    stop
        Ends it after the run that is being written, when it is set.

    Returns
    -------
    list of Step
        What was done to each file. What failed stays in the spool.
    """
    stop = stop or threading.Event()
    steps: list[Step] = []
    for home in known_homes(spool):
        with suppress(OSError):
            for path in left_folders(home):
                steps += _adopt_folder(path, kinds, stop, is_dry_run=is_dry_run)
    return steps


def adopt_later(
    spool: Path | None, kinds: Mapping[str, type[Writer]], then: Callable[[], object]
) -> None:
    """Do so in the background, until nothing is left.

    Parameters
    ----------
    spool, kinds
        As `adopt`.
    then
        Is called when all was tried once.
    """
    stop = threading.Event()
    thread = threading.Thread(
        target=_adopt_all,
        args=(spool, dict(kinds), then, stop),
        name="bluescribe-adopts",
        daemon=True,
    )
    thread.start()
    at_the_end(thread, _stop, stop, weakref.ref(thread))


def _stop(is_over: bool, stop: threading.Event, thread: weakref.ref[threading.Thread]) -> None:
    """Wait for the run that is being written: HDF5 would wait for ever where it is broken off."""
    stop.set()
    running = None if is_over else thread()
    if running is not None:
        running.join(_EXIT_SECONDS)


def _adopt_all(
    spool: Path | None,
    kinds: Mapping[str, type[Writer]],
    then: Callable[[], object] | None,
    stop: threading.Event,
) -> None:
    pause = _FIRST_PAUSE
    told: set[Path] = set()
    while True:
        steps = adopt(spool, kinds=kinds, stop=stop)
        done = [step.path for step in steps if step.outcome == "written anew"]
        if done:
            logger.warning(
                "an earlier session ended before it had written these files, which is done now: %s",
                ", ".join(map(str, done)),
            )
        failed = [step for step in steps if step.outcome in ("FAILED", "left")]
        new = [step for step in failed if step.path not in told]
        told.update(step.path for step in new)
        if new:
            logger.warning(
                "an earlier session ended before it had written these files, which is tried again "
                "until it can be done: %s. The first: %s",
                ", ".join(str(step.path) for step in new),
                new[0].what,
            )
        if then is not None:
            then()
            then = None  # it may hold the writers
        if not failed or stop.wait(pause):
            return
        pause = min(2 * pause, _LONGEST_PAUSE)


def _adopt_folder(
    path: Path, kinds: Mapping[str, type[Writer]], stop: threading.Event, *, is_dry_run: bool
) -> list[Step]:
    folder = SpoolFolder.taken(path)
    if folder is None:  # its session lives
        return []
    steps: list[Step] = []
    try:
        left = LeftSpool(folder)
        for run in left.runs.values():
            for lane in left.lanes:
                # deliveries see to what is theirs, and say nothing of themselves
                if lane not in run.done and left.lanes[lane] and not stop.is_set():
                    adopted = Adopted(left, run, lane, kinds)
                    steps += adopted.written(is_dry_run=is_dry_run)
        left.close()
    except (OSError, BrokenSpoolError) as error:
        steps.append(Step(path, "FAILED", str(error)))
    is_left = any(step.outcome in ("FAILED", "left") for step in steps)
    if is_dry_run or is_left or stop.is_set():
        folder.release()
    else:
        folder.remove()
    return steps
