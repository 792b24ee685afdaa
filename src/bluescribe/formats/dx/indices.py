"""Which event has which frames: ranges of the documents as arrays, and how events find theirs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...assets.asset import Asset, Frames
from ...assets.images import ImagesError, Part
from ...model.values import Array

__all__ = ["Indices", "places"]


@dataclass(frozen=True, slots=True)
class Indices:
    """What the documents announce, an element an index: all that one event has."""

    files: Sequence[Asset]
    seq_num: Array
    file: Array
    """Numbers of files."""
    index: Array

    @classmethod
    def told(cls, ranges: Sequence[tuple[Asset, Frames]]) -> Indices:
        """Return what ranges tell.

        Raises
        ------
        ImagesError
            A range has not as many indices as events.
        """
        files = list({asset.uid: asset for asset, _ in ranges}.values())
        numbers = {asset.uid: number for number, asset in enumerate(files)}
        for asset, frames in ranges:
            if frames.seq_stop - frames.seq_start != frames.index_stop - frames.index_start:
                raise ImagesError(f"the documents announce other frames than events: {asset.place}")
        return cls(
            files,
            _joined(np.arange(f.seq_start, f.seq_stop) for _, f in ranges),
            _joined(np.full(f.seq_stop - f.seq_start, numbers[a.uid]) for a, f in ranges),
            _joined(np.arange(f.index_start, f.index_stop) for _, f in ranges),
        )

    def chosen(self, which: Array) -> Indices:
        """Return some of them: numbers, or a mask."""
        return Indices(self.files, self.seq_num[which], self.file[which], self.index[which])

    def parts(self) -> tuple[Part, ...]:
        """Return them as ranges of consecutive ones."""
        ends = np.flatnonzero((np.diff(self.file) != 0) | (np.diff(self.index) != 1)) + 1
        bounds = [0, *ends.tolist(), len(self.index)]
        return tuple(
            Part(self.files[self.file[a]], int(self.index[a]), int(self.index[b - 1]) + 1)
            for a, b in pairwise(bounds)
            if a < b
        )


def places(wanted: Array, there: Array) -> Array:
    """Return where each number stands, -1 where it does not.

    A run that was rewound has numbers again: the second of those wanted is the second there.
    """
    turns, others = _turns(wanted), _turns(there)
    most = 1 + max(turns.max(initial=0), others.max(initial=0))
    keys, known = wanted * most + turns, there * most + others
    order = np.argsort(known, kind="stable")
    at = np.searchsorted(known[order], keys)
    found = np.full(len(keys), -1)
    inside = at < len(known)
    found[inside] = order[at[inside]]
    is_same = np.zeros(len(keys), bool)
    is_same[inside] = known[found[inside]] == keys[inside]
    return np.where(is_same, found, -1)


def _turns(numbers: Array) -> Array:
    """Return how often each number came before."""
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    is_first = np.r_[True, ordered[1:] != ordered[:-1]][: len(ordered)]
    ranks = np.arange(len(ordered))
    turns = np.empty(len(ordered), np.int64)
    turns[order] = ranks - np.maximum.accumulate(np.where(is_first, ranks, 0))
    return turns


def _joined(arrays: Iterable[Array]) -> Array:
    return np.concatenate([np.empty(0, np.int64), *arrays]).astype(np.int64)
