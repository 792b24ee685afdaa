"""Parts of the log that another process reads: all of each, or an error."""

from __future__ import annotations

import os

import pytest

from bluescribe.files import Place
from bluescribe.spool.problems import BrokenSpoolError
from bluescribe.spool.segment import Segment
from bluescribe.spool.stretch import StretchReader


@pytest.fixture
def segment(tmp_path):
    made = Segment(Place.at(tmp_path / "000001.spool"), {})
    yield made
    made.close()


@pytest.fixture
def reader(segment):
    reads = StretchReader()
    reads.take(segment.opened())
    yield reads
    reads.close()


def append(segment, *names):
    start = segment.size
    segment.append([(name, {"n": name}, "") for name in names])
    return start, segment.size


def test_parts_are_read_one_after_the_other_and_again(segment, reader):
    parts = [append(segment, "a", "b"), append(segment, "c")]
    for start, end in [*parts, parts[0]]:
        names = [name for name, _ in reader.read(start, end, "x")]
        assert names == (["a", "b"] if start == parts[0][0] else ["c"])
    assert list(reader.read(0, parts[0][0], "x")) == [], "it begins with who writes"


@pytest.mark.parametrize("cut", [1, 30, 60])
def test_one_that_is_not_there_to_its_end_is_an_error(segment, reader, cut):
    start, end = append(segment, "a", "b", "c")
    os.truncate(segment.place.path, end - cut)
    with pytest.raises(BrokenSpoolError):
        list(reader.read(start, end, "x"))


def test_what_was_taken_back_behind_it_is_not_remembered(segment, reader):
    """The disk took a part of the next record before it refused, and that was cut off again."""
    part = append(segment, "a")
    with segment.place.path.open("ab") as file:
        file.write(b"half of something")
    assert [name for name, _ in reader.read(*part, "x")] == ["a"]
    os.truncate(segment.place.path, part[1])
    following = append(segment, "b")
    assert [name for name, _ in reader.read(*following, "x")] == ["b"]
