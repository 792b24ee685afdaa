"""Which runs may have to be written once more, and from where in the log on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .log import Cursor
from .window import Batch

if TYPE_CHECKING:
    from .follower import Follower

__all__ = ["Needs"]


@dataclass(slots=True)
class _Need:
    """A run with which not all lanes are done."""

    number: int
    """Of the batch in which it begins."""
    lanes: set[Follower]
    """Those that are not done with it."""
    first: Cursor | None = None
    """Where that batch is in the log; None while, or when, not all of the run is there."""


class Needs:
    """The runs that are open, or late, in some lane; with the lock of the window, but to ask."""

    def __init__(self) -> None:
        self._runs: dict[str, _Need] = {}

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self._runs)

    def first_of(self, uid: str) -> Cursor | None:
        """Return where a run begins in the log, if all of it is there."""
        need = self._runs.get(uid)
        return None if need is None else need.first

    def firsts(self, uids: Iterable[str] | None = None) -> list[Cursor]:
        """Return where runs begin in the log, those that are told, or all."""
        wanted = None if uids is None else set(uids)
        runs = tuple(self._runs.items())
        return [
            need.first
            for uid, need in runs
            if need.first is not None and (wanted is None or uid in wanted)
        ]

    def begin(self, batch: Batch, lanes: Sequence[Follower]) -> None:
        """Enter the runs that begin in a batch."""
        for uid in batch.begun if lanes else ():
            self._runs[uid] = _Need(batch.number, set(lanes))

    def note_kept(self, batch: Batch) -> None:
        """Enter where runs begin in the log."""
        for uid in batch.begun:
            if (need := self._runs.get(uid)) is not None:  # lanes may be done with it by now
                need.first = batch.start

    def lose(self, batch: Batch) -> None:
        """Enter that a batch will not be in the log: no open run is whole there."""
        for need in self._runs.values():
            if need.number <= batch.number:
                need.first = None

    def cut(self, before: Cursor) -> bool:
        """Enter that the log begins at a place; tell whether a run began earlier."""
        cut = [
            need
            for need in tuple(self._runs.values())
            if need.first is not None and need.first.segment < before.segment
        ]
        for need in cut:
            need.first = None
        return bool(cut)

    def settle(self, lane: Follower, unfinished: Iterable[str]) -> list[str]:
        """Return the runs with which a lane is done by now, and that others are not done with."""
        going = set(unfinished)
        done = [
            uid
            for uid, need in self._runs.items()
            if lane in need.lanes and need.number < lane.at and uid not in going
        ]
        for uid in done:
            self._leave(uid, lane)
        return [uid for uid in done if uid in self._runs]

    def begun(self, lane: Follower) -> set[str]:
        """Return the runs that began in what a lane has taken, and that it is not done with."""
        return {
            uid
            for uid, need in self._runs.items()
            if lane in need.lanes and self._has_taken(lane, need)
        }

    @staticmethod
    def _has_taken(lane: Follower, need: _Need) -> bool:
        if not lane.is_behind:
            return need.number < lane.at
        return need.first is not None and lane.cursor is not None and need.first < lane.cursor

    def dismiss(self, lane: Follower) -> None:
        """Enter that a lane takes nothing any more; what is late in it stays needed."""
        for uid in tuple(self._runs):
            if uid not in lane.recipient.late:
                self._leave(uid, lane)

    def _leave(self, uid: str, lane: Follower) -> None:
        self._runs[uid].lanes.discard(lane)
        if not self._runs[uid].lanes:
            del self._runs[uid]
