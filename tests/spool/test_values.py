"""What is no row comes back as it was, a class of its own as a text; nothing else is made."""

from __future__ import annotations

import datetime as dt
import pickle
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings

from bluescribe.recording.snapshot import Snapshots
from bluescribe.spool.problems import BrokenSpoolError
from bluescribe.spool.values import decode, encode
from bluescribe.testing.contract import played
from bluescribe.testing.shapes import SHAPES
from bluescribe.testing.strategies.hostile_runs import hostile_runs
from tests.spool.same import same


def through(value: Any) -> Any:
    data, buffers = encode(value)
    return decode(data, [bytes(memoryview(buffer)) for buffer in buffers])


SHARED = [1, 2]
VALUES = [
    10**400,
    -(2**63),
    "\ud800",
    "a\0",
    b"\0\xff",
    1 + 2j,
    float("nan"),
    -0.0,
    None,
    (1, (2,)),
    {1: 2, None: 3, (4, 5): 6},
    {1.5, "a"},
    np.longdouble("0.1"),
    np.clongdouble(1j),
    np.datetime64("2026-11-29T12:00:00.123456789"),
    np.timedelta64(5, "us"),
    np.str_("\ud800"),
    np.bytes_(b"a\0b"),
    np.array([(1, 2.5)], [("a", "u1"), ("b", ">f8")]),
    np.array([(1, 2.5)], [("a", "u1"), ("b", ">f8")])[0],
    np.array([None, "x", [1]], object),
    np.arange(24, dtype=">i2").reshape(2, 3, 4).transpose(),
    np.zeros((0, 3)),
    np.array("2026", "M8[Y]"),
    np.arange(10_000.0),
    np.asfortranarray(np.arange(10_000.0).reshape(100, 100)),
    Decimal("1.10"),
    Fraction(1, 3),
    UUID(int=5),
    PurePosixPath("/a/b"),
    dt.datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
    dt.time(1, 2, 3, 4),
    dt.timedelta(microseconds=1),
    dt.timezone(dt.timedelta(hours=2)),
    [SHARED, SHARED],
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_come_back_as_they_were(value):
    assert same(through(value), value)


def test_what_stands_in_several_places_takes_room_once():
    value: Any = ["x" * 1000]
    for _ in range(40):
        value = [value, value]
    data, _ = encode(value)
    assert len(data) < 2000
    found = decode(data)
    assert found[0] is found[1]


@pytest.mark.parametrize("name", SHAPES)
def test_the_documents_of_every_shape_of_run_come_back(name, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "shapes"
    for manner in ("plain", "numpified"):
        for document in played(name, manner, folder):
            kept, _ = Snapshots()(*document)
            assert same(through(kept), kept), document[0]


@pytest.mark.ci
@settings(deadline=None)
@given(hostile_runs())
def test_hostile_documents_come_back_as_they_were_kept(run):
    snapshots = Snapshots()
    for document in run.documents:
        kept, _ = snapshots(*document)
        once = through(kept)
        assert same(through(once), once)


def test_arrays_are_not_copied():
    image = np.arange(1_000_000, dtype=np.uint16).reshape(1000, 1000)
    data, (buffer,) = encode({"image": image})
    assert len(data) < 500
    assert np.shares_memory(np.frombuffer(memoryview(buffer), np.uint16), image)


class Own(float):
    def __reduce__(self):
        raise RuntimeError("no")

    def __str__(self):
        return "its words"


class Mute:
    def __str__(self):
        raise RuntimeError("no")


def test_a_class_of_its_own_is_a_text():
    found = through({"a": Own(1), "b": Mute(), "c": [Own(2)]})
    assert found == {
        "a": "its words",
        "b": "<unwritable: Mute that raises RuntimeError>",
        "c": ["its words"],
    }


class Evil:
    def __reduce__(self):
        return print, ("run!",)


@pytest.mark.parametrize(
    "data", [pickle.dumps(Evil()), pickle.dumps(print), b"", b"\x80\x05", b"junk"]
)
def test_nothing_but_values_is_made(data, capsys):
    with pytest.raises(BrokenSpoolError):
        decode(data)
    assert not capsys.readouterr().out
