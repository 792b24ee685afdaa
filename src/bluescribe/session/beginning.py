"""What a session begins with that the RunEngine's thread need not wait for."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from ..at_exit import begin_thread
from ..files.working_directory import working_directory
from ..later import IMPORTING, later
from ..spool.folder import has_left_folders
from ..spool.home import known_homes
from .writers import Writers

__all__ = ["begin_early"]

logger = logging.getLogger(__name__)

# on the thread, and recovery only where a session has left something
_adopt_later = later("bluescribe.archive.adoption.later", "adopt_later")
_log_incomplete = later("bluescribe.recording.unfinished_runs", "log_incomplete")
_places_of = later("bluescribe.recording.unfinished_runs", "places_of")
_take_up_owed = later("bluescribe.recording.owed_jobs", "take_up_owed")


def begin_early(writers: Writers) -> None:
    """Begin processes, import what writes the other formats, and look what was left before.

    One thread does it: a thread that begins is waited for, and takes turns with the one that
    subscribes.
    """
    has_left = any(map(has_left_folders, known_homes(writers.spool.spool)))
    cwd = working_directory()  # the session may go elsewhere
    begin_thread("bluescribe-begins", _begin, writers, has_left, cwd)


def _begin(stop: threading.Event, writers: Writers, has_left: bool, cwd: Path) -> None:
    try:
        # a process takes longest, and does not take turns with this one
        for writer in sorted(writers, key=lambda each: not each.is_elsewhere):
            if stop.is_set():
                return
            writer.begin_early()
        if not stop.is_set():
            _look_back(writers, has_left, cwd)
    except Exception:
        if not threading.main_thread().is_alive():
            return  # a program that ends as it begins: no thread can be started any more
        logger.exception("a fault inside bluescribe; please report it")


def _look_back(writers: Writers, has_left: bool, cwd: Path) -> None:
    """Write what an earlier session left, and then tell what else it did not finish."""

    def then() -> None:
        with IMPORTING:  # what looks into the files of each format
            places = _places_of(writers, cwd)
        _log_incomplete(places)
        _take_up_owed(writers, cwd)

    if has_left:
        kinds = {writer.format: type(writer) for writer in writers}
        _adopt_later(writers.spool, kinds, then, writers.deliver_adopted)
    else:
        then()
