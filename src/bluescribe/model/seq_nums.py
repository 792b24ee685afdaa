"""Which of the numbers 1, 2, 3... have come, as ranges: memory does not grow with their count."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["SeqNums", "worded"]

_MOST_GAPS = 1_000
_NAMED = 3
"""Ranges that a message names."""

Ranges = Sequence[tuple[int, int]]
"""Half-open."""


class SeqNums:
    """Numbers that have come, in whatever order, and those between that have not.

    Counted is from 1, as event-model does; a producer that begins with 0 is taken at its word.
    """

    def __init__(self) -> None:
        self.stop = 1
        """The number after the largest that came."""
        self.count = 0
        """How many different ones came."""
        self._first = 1
        self._gaps: list[tuple[int, int]] = []
        self._is_scattered = False
        """Whether there were too many gaps to remember them."""

    def add(self, start: int, stop: int) -> bool:
        """Take in a range; return whether one of its numbers is new."""
        if not self.count and start == 0:
            self.stop = self._first = 0
        if start < self.stop:
            return self._fill(start, stop)
        if start > self.stop:
            self._gaps.append((self.stop, start))
            if len(self._gaps) > _MOST_GAPS:
                self._gaps, self._is_scattered = [], True
        self.count += stop - start
        self.stop = stop
        return True

    def missing(self, promised: int | None) -> tuple[int, Ranges]:
        """Return how many numbers did not come, and which where that is known.

        Parameters
        ----------
        promised
            How many there are; None when that was not said, and only gaps are known of.
        """
        end = self.stop if promised is None else self._first + promised
        if self._is_scattered:
            return max(0, end - self._first - self.count), ()
        gaps = [*self._gaps, (self.stop, end)]
        inside = [(a, min(b, end)) for a, b in gaps if a < min(b, end)]
        return sum(b - a for a, b in inside), inside

    def came(self) -> Ranges:
        """Return the ranges that came, where that is known."""
        if self._is_scattered:
            return ()
        edges = [self._first, *(edge for gap in self._gaps for edge in gap), self.stop]
        return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]

    def _fill(self, start: int, stop: int) -> bool:
        """Take numbers out of the gaps in which they are."""
        gaps, filled = [], max(0, stop - self.stop)
        for a, b in self._gaps:
            filled += max(0, min(b, stop) - max(a, start))
            gaps += [(x, y) for x, y in ((a, min(b, start)), (max(a, stop), b)) if x < y]
        self._gaps = gaps
        self.stop = max(self.stop, stop)
        self.count += filled
        return filled > 0 or self._is_scattered


def worded(ranges: Ranges) -> str:
    """Return ranges as people write them: ``3, 5-9 and 2 more``; nothing when there are none."""
    named = [str(a) if b == a + 1 else f"{a}-{b - 1}" for a, b in ranges]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return ", ".join(named[:_NAMED]) + more
