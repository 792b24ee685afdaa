"""Feed: the methods of the spool that lanes call; each takes items from memory or from the log."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import chain
from typing import Any

from .entries import NOTE, Entry
from .follower import Follower
from .keeping import Keeper
from .reading import read_part
from .settings import SpoolSettings
from .window import MOST_BYTES, MOST_UNKEPT_BYTES, Item, Window

__all__ = ["Feed"]


class Feed:
    """The lanes of a spool, and what each takes; its methods are called on the lanes' threads.

    Parameters
    ----------
    settings
        Where the log is; None keeps documents in memory only.
    """

    def __init__(self, settings: SpoolSettings | None) -> None:
        self.lanes: list[Follower] = []
        self._window = Window()
        self._keeper = Keeper(settings)
        self._wake = threading.Event()

    def add(self, lane: Follower) -> None:
        """Add a lane, which takes the documents from now on."""
        with self._window.lock:
            lane.at = self._window.next_number
            names = [each.key for each in self.lanes]
            lane.key = lane.name if lane.name not in names else f"{lane.name} {len(names)}"
            self.lanes = [*self.lanes, lane]

    def take(self, lane: Follower) -> list[Item] | None:
        """Return the items that a lane takes next, from memory or the log; None if none is there.

        Raises
        ------
        OSError
            The log cannot be read.
        """
        window = self._window
        with window.lock:
            if lane not in self.lanes:
                return None  # it follows another spool by now
            if lane.is_behind and self._is_level(lane):
                lane.is_behind, lane.at = False, window.first_number
            lane.reading = None
            if not lane.is_behind:
                items = window.take(lane)
                if not items:
                    lane.note_level()
                return items or None
            start, end = lane.cursor, lane.next_asked or window.dropped
        assert start is not None  # it was left behind at a place in the log
        assert end is not None
        if lane.recipient.reads_log:
            stretch, lane.cursor = self._keeper.stretch(start, end)
            lane.reading = start
            return [("stretch", stretch, 0, None)]
        entries = self._keeper.read(start, end)
        items, lane.cursor = read_part(entries, start, end, key=lane.key, name=lane.name)
        return items

    def settle(self, lane: Follower) -> None:
        """Note which runs a lane is done with; called on its thread."""
        with self._window.lock:
            done = self._keeper.needs.settle(lane, lane.recipient.unfinished)
            is_urgent = not self._keeper.needs or self._is_held_up()
        for uid in done:
            self.note("done", {"run_start": uid}, lane)
        if is_urgent:
            self._wake.set()  # to sweep, or to take what waits

    def story(self, uid: str, lane: Follower) -> Iterator[Entry] | None:
        """Return the entries that a lane took since a run began; None if the log lacks some."""
        with self._window.lock:
            end, tail = self._window.until(lane)
        entries = self._keeper.story(uid, end)
        entries = None if entries is None else chain(entries, tail)
        return None if entries is None else (e for e in entries if e[2] in ("", lane.key))

    def open_segment(self, number: int) -> int:
        """Return a file descriptor of a segment, for a process that reads it.

        Raises
        ------
        OSError
            There are too many open files.
        """
        return self._keeper.open_segment(number)

    def begun(self, lane: Follower) -> set[str]:
        """Return the runs that began in the batches a lane has taken, and are not done yet."""
        with self._window.lock:
            return self._keeper.needs.begun(lane)

    @property
    def uses_processes(self) -> bool:
        """Whether formats may be written by processes of their own."""
        return self._keeper.uses_processes

    def keeps(self, uid: str) -> bool:
        """Return whether all of a run is in the log."""
        return self._keeper.keeps(uid)

    def note(self, name: str, told: Any, lane: Follower) -> None:
        """Write a note of a lane into the log at once, on its thread."""
        self._keeper.note((NOTE + name, told, lane.key))

    def dismiss(self, lane: Follower) -> None:
        """Remove a lane; when no lane is left, the spool's thread ends."""
        with self._window.lock:
            self.lanes = [each for each in self.lanes if each is not lane]
            self._keeper.needs.dismiss(lane)
        self._wake.set()

    def hasten(self) -> None:
        """Wake the spool's thread now."""
        self._wake.set()

    def _is_level(self, lane: Follower) -> bool:
        """Return whether a lane that was behind has read all that is not in memory."""
        dropped = self._window.dropped
        return lane.cursor is None or dropped is None or lane.cursor >= dropped

    def _is_held_up(self) -> bool:
        """Return whether memory is full, so that the lanes or the disk must catch up first."""
        return self._window.weight >= self._most

    @property
    def _most(self) -> int:
        return MOST_UNKEPT_BYTES if self._keeper.is_off else MOST_BYTES
