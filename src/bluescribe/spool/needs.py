"""Which runs some lane may still have to write, and where they begin in the log."""

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
    """A run that some lane is not done with."""

    number: int
    """Number of the batch in which it begins."""
    lanes: set[Follower]
    """The lanes that are not done with it."""
    first: Cursor | None = None
    """Where that batch begins in the log; None where the log does not have all of the run."""


class Needs:
    """The runs that are open, or late, in some lane.

    Changes are made with the lock of the window; questions need none.
    """

    def __init__(self) -> None:
        self._runs: dict[str, _Need] = {}

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self._runs)

    def first_of(self, uid: str) -> Cursor | None:
        """Return where a run begins in the log; None if the log does not have all of it."""
        need = self._runs.get(uid)
        return None if need is None else need.first

    def firsts(self, uids: Iterable[str] | None = None) -> list[Cursor]:
        """Return where the given runs begin in the log, or all runs."""
        wanted = None if uids is None else set(uids)
        runs = tuple(self._runs.items())
        return [
            need.first
            for uid, need in runs
            if need.first is not None and (wanted is None or uid in wanted)
        ]

    def begin(self, batch: Batch, lanes: Sequence[Follower]) -> None:
        """Add the runs that begin in a batch."""
        for uid in batch.begun if lanes else ():
            self._runs[uid] = _Need(batch.number, set(lanes))

    def note_kept(self, batch: Batch) -> None:
        """Note where in the log the runs begin that a batch begins."""
        for uid in batch.begun:
            if (need := self._runs.get(uid)) is not None:  # lanes may be done with it by now
                need.first = batch.start

    def lose(self, batch: Batch) -> None:
        """Note that a batch will never be in the log: no open run is whole there."""
        for need in self._runs.values():
            if need.number <= batch.number:
                need.first = None

    def cut(self, before: Cursor) -> bool:
        """Note that the log was cut before a place; return whether a run began there."""
        cut = [
            need
            for need in tuple(self._runs.values())
            if need.first is not None and need.first.segment < before.segment
        ]
        for need in cut:
            need.first = None
        return bool(cut)

    def settle(self, lane: Follower, unfinished: Iterable[str]) -> list[str]:
        """Note which runs a lane is done with; return those that other lanes still need."""
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
        """Return the runs that began in the batches a lane has taken, and are not done yet."""
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
        """Note that a lane has ended; its late runs stay needed."""
        for uid in tuple(self._runs):
            if uid not in lane.recipient.late:
                self._leave(uid, lane)

    def _leave(self, uid: str, lane: Follower) -> None:
        self._runs[uid].lanes.discard(lane)
        if not self._runs[uid].lanes:
            del self._runs[uid]
