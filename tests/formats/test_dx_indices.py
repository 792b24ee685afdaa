"""Which frames are those of which event."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluescribe.assets.asset import Asset, Frames
from bluescribe.assets.images import ImagesError
from bluescribe.formats.dx.indices import Indices, places

FILES = [Asset(f"{n}", "AD_HDF5", Path(f"{n}.h5"), "/data") for n in range(3)]
NUMBERS = st.lists(st.integers(1, 6), max_size=12)


@given(NUMBERS, NUMBERS)
def test_each_event_finds_the_frame_of_its_number_and_turn(wanted, there):
    found = places(np.array(wanted, np.int64), np.array(there, np.int64)).tolist()
    for row, (number, place) in enumerate(zip(wanted, found, strict=True)):
        turn = wanted[:row].count(number)
        same = [i for i, other in enumerate(there) if other == number]
        assert place == (same[turn] if turn < len(same) else -1)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(1, 4)), max_size=6))
def test_parts_are_all_indices_in_their_order(ranges):
    seq, told = 1, []
    for file, start, count in ranges:
        told.append((FILES[file], Frames(seq, seq + count, start, start + count)))
        seq += count
    indices = Indices.told(told)
    assert indices.seq_num.tolist() == list(range(1, seq))
    expected = [
        (f"{file}", n) for file, start, count in ranges for n in range(start, start + count)
    ]
    parts = indices.parts()
    assert [(p.asset.uid, n) for p in parts for n in range(p.start, p.stop or 0)] == expected
    reversed_parts = indices.chosen(np.arange(len(expected))[::-1]).parts()
    found = [(p.asset.uid, n) for p in reversed_parts for n in range(p.start, p.stop or 0)]
    assert found == expected[::-1]


def test_ranges_that_cannot_be_are_refused():
    with pytest.raises(ImagesError, match="other frames than events"):
        Indices.told([(FILES[0], Frames(1, 3, 0, 5))])
