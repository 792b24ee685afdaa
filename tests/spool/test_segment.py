"""A segment gives back what was written, whatever becomes of its end."""

from __future__ import annotations

import errno
import os
import resource
import signal

import numpy as np
import pytest

from bluescribe.files import Place
from bluescribe.recording.snapshot import Snapshots
from bluescribe.spool import segment as segments
from bluescribe.spool.entries import BEGIN, SCHEMA, TORN, one_by_one, read_segment
from bluescribe.spool.log import Cursor, Log, segment_name
from bluescribe.spool.problems import BrokenSpoolError
from bluescribe.spool.rows import Packer
from bluescribe.spool.segment import Segment
from bluescribe.testing.contract import played
from bluescribe.testing.shapes import SHAPES
from tests.spool.same import same

ABOUT = {"version": "0.1"}


@pytest.fixture
def place(tmp_path):
    return Place.at(tmp_path / "1.spool")


def kept(documents):
    """Return documents as a session keeps them, and as they are written: rows where they can."""
    snapshots, packer = Snapshots(), Packer()
    pairs = [(name, snapshots(name, doc)[0]) for name, doc in documents]
    entries = [(name, doc, "") for name, doc in pairs]
    return entries, [(e[0] == "event" and packer.pack(e[1])) or e for e in entries]


def read(place):
    """Return what a segment gives behind what stands at its head."""
    found = [*read_segment(place)]
    assert found[:1] in ([], [(BEGIN, {"schema": SCHEMA, **ABOUT}, "")])
    return found[1:]


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_of_run_comes_back(name, place, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "shapes"
    pairs, items = kept([d for m in ("plain", "numpified") for d in played(name, m, folder)])
    segment = Segment(place, ABOUT)
    for start in range(0, len(items), 7):
        segment.append(items[start : start + 7])
    assert place.size() == segment.size
    assert same(read(place), pairs)
    segment.close()


@pytest.mark.parametrize("is_padded", [True, False], ids=["now", "before 0.2"])
def test_arrays_come_back_as_they_were(is_padded, place, monkeypatch):
    """They can be written to and have numbers where a processor reads them, from older logs too."""
    if not is_padded:
        monkeypatch.setattr(segments, "padded", lambda first, parts: first)
    arrays = {
        f"of {n}": np.arange(n, dtype=t) for n, t in [(9000, "u1"), (2049, "<f8"), (600, "<c16")]
    }
    segment = Segment(place, ABOUT)
    for uid in ("x" * n for n in range(20)):
        segment.append([("event", {"uid": uid, "data": arrays}, "")])
    segment.close()
    found = [doc["data"] for _, doc, _ in read(place)]
    assert len(found) == 20
    for data in found:
        assert same(data, arrays)
        for array in data.values():
            assert array.flags.aligned
            assert array.flags.writeable
            array[:] = 0
    assert not any(array.any() for data in found for array in data.values())


def test_a_large_array_is_read_without_a_copy(place):
    segment = Segment(place, ABOUT)
    segment.append([("event", {"data": {"image": np.arange(50_000.0)}}, "")])
    segment.close()
    ((_, doc, _),) = read(place)
    owner = doc["data"]["image"]
    while owner.base is not None:
        owner = owner.base.obj if isinstance(owner.base, memoryview) else owner.base
    assert owner.nbytes > 50_000 * 8, "it is a part of the record"


def test_a_torn_end_costs_what_stands_there(place, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "shapes"
    pairs, items = kept(played("scan", "plain", folder))
    segment = Segment(place, ABOUT)
    for item in items:
        segment.append([item])
    segment.close()
    whole = place.path.read_bytes()
    counts = []
    for end in range(0, len(whole), 11):
        place.path.write_bytes(whole[:end])
        found = [entry for entry in read(place) if entry[0] != TORN]
        assert same(found, pairs[: len(found)])
        counts.append(len(found))
    assert counts == sorted(counts)
    assert counts[-1] >= len(pairs) - 1


def test_what_the_disk_refuses_is_written_when_it_can_be(place, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "shapes"
    pairs, items = kept(played("images", "plain", folder))
    segment = Segment(place, ABOUT)
    segment.append(items[:3])
    before, size = resource.getrlimit(resource.RLIMIT_FSIZE), segment.size
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 500, before[1]))  # as a disk that gets full
    try:
        with pytest.raises(OSError, match="large"):
            segment.append(items[3:])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert place.size() == size
    segment.append(items[3:])
    assert same(read(place), pairs)


def test_any_part_of_it_can_be_read_while_it_grows(place, tmp_path_factory):
    """The forms of events stand before their first rows, which may not be in that part."""
    folder = tmp_path_factory.getbasetemp() / "shapes"
    pairs, items = kept(played("scan", "plain", folder))
    segment = Segment(place, ABOUT)
    places = [segment.size]
    for item in items:
        segment.append([item])
        places.append(segment.size)
    for start in range(0, len(pairs), 3):
        for end in range(start, len(pairs) + 1, 5):
            entries = (entry for entry, _ in segment.read(places[start], places[end]))
            assert same([*one_by_one(entries)], pairs[start:end])


def test_nobody_else_reads_it(place):
    old = os.umask(0)
    try:
        Segment(place, ABOUT).close()
    finally:
        os.umask(old)
    assert place.path.stat().st_mode & 0o077 == 0


def test_one_of_a_later_version_is_told(place, monkeypatch):
    monkeypatch.setattr(segments, "SCHEMA", 3)
    Segment(place, ABOUT).close()
    monkeypatch.undo()
    with pytest.raises(
        BrokenSpoolError, match=r"form 3 by bluescribe 0\.1, and this version knows"
    ):
        list(read_segment(place))


def test_many_arrays_are_written_at_once(place):
    data = {f"a{n}": np.full(5000, n) for n in range(1500)}
    segment = Segment(place, ABOUT)
    segment.append([("event", {"data": data}, "")])
    ((_, doc, _),) = read(place)
    assert same(doc["data"], data)
    doc["data"]["a1"][0] = 5


@pytest.fixture
def refused(monkeypatch):
    """Return descriptors whose close is refused, once each, as a server tells of a quota then."""
    close = os.close
    refused: set[int] = set()

    def close_or_refuse(fd):
        close(fd)
        if fd in refused:
            refused.remove(fd)
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "close", close_or_refuse)
    return refused


def test_a_close_that_is_refused_costs_nothing(place, refused):
    """What is not in the log, a write has told of."""
    segment = Segment(place, ABOUT)
    segment.append([("start", {"uid": "a"}, "")])
    refused.add(segment._fd)
    segment.close()
    assert not refused
    assert read(place) == [("start", {"uid": "a"}, "")]


def test_a_log_goes_on_behind_a_segment_whose_close_was_refused(tmp_path, refused):
    log = Log(tmp_path, ABOUT, segment_bytes=1)
    for number in range(3):
        log.append([("start", {"uid": str(number)}, "")])
        assert not refused
        refused.add(log._segments[log.end.segment]._fd)
    found = [entry for entry, _ in log.read(Cursor(0, 0), log.end)]
    assert [doc["uid"] for name, doc, _ in found if name == "start"] == ["0", "1", "2"]
    last = log.end.segment
    log.drop(Cursor(last, 0))
    assert [path.name for path in log.path.glob("*.spool")] == [segment_name(last)]
    log.close(is_kept=False)
    assert not refused
    assert [*tmp_path.iterdir()] == []
