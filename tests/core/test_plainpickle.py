"""Pickles are read without running what they name, and what is plain in them comes as it was."""

from __future__ import annotations

import datetime
import decimal
import enum
import os
import pathlib
import pickle
from collections import OrderedDict, deque

import numpy as np
import pytest

from bluescribe.files.plain_pickle import PlainUnpickler, array_of, plain_loads

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

VALUES = {
    "plain": {"a": [1, 2.5, None, True, "text", b"bytes", (1, 2)], "b": {"c": 10**30}},
    "complex": 1 + 2j,
    "set": {1, 2},
    "bytearray": bytearray(b"xyz"),
    "ordered": OrderedDict(a=1, b=2),
    "deque": deque([1, 2], 5),
    "moment": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    "decimal": decimal.Decimal("1.5"),
    "float64": np.float64(1.5),
    "bool_": np.bool_(True),
    "str_": np.str_("text"),
    "datetime64": np.datetime64("2026-01-01T00:00", ("m", 25)),
}
ARRAYS = {
    "numbers": np.arange(6.0).reshape(2, 3),
    **{code: np.array([1, 0], code) for code in "?bBhHiIlLqQefdgFD"},
    "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "steps": np.arange(10)[::2],
    "big endian": np.arange(3, dtype=">i4"),
    "one": np.array(3.0),
    "none": np.empty((0, 3)),
    "texts": np.array(["ab", "c"]),
    "empty texts": np.array([""], "S"),
    "times": np.array(["2026-01-01", "NaT"], "M8[ns]"),
    "records": np.array([(1, [2.0, 3.0])], dtype=[("x", "i4"), ("y", "f8", (2,))]),
    "objects": np.array([1, "a", [1, 2]], dtype=object),
    "one object": np.array([[None]], dtype=object),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_plain_values_come_as_they_were(value, protocol):
    found = plain_loads(pickle.dumps({"value": value}, protocol))["value"]
    assert type(found) is type(value)
    assert found == value


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_arrays_come_as_they_were(array, protocol):
    pickled = pickle.dumps([array], protocol)
    found = plain_loads(pickled)[0]
    assert isinstance(found, np.ndarray)
    assert found.dtype == pickle.loads(pickled)[0].dtype
    assert repr(found.tolist()) == repr(array.tolist())
    assert type(found.copy()) is np.ndarray
    assert type(pickle.loads(pickle.dumps(found))) is np.ndarray


class Mode(enum.StrEnum):
    FAST = "fast"


class Level(enum.IntEnum):
    HIGH = 3


class Table(dict):
    pass


class Thing:
    def __init__(self):
        self.x = 1


def test_a_value_of_a_class_costs_that_value_alone():
    given = {"mode": Mode.FAST, "level": Level.HIGH, "t": Table(a=1), "o": Thing(), "last": 5}
    given |= {"file": pathlib.PurePosixPath("/data/a.h5")}
    reader = PlainUnpickler(pickle.dumps(given))
    found = reader.load()
    assert (found["mode"], found["level"], found["last"]) == ("fast", 3, 5)
    assert found["file"] == "/data/a.h5"
    assert found["o"] == f"<{__name__}.Thing, not loaded>"
    assert found["t"] == f"<{__name__}.Table, not loaded>"
    assert reader.unloaded == {f"{__name__}.{n}" for n in ("Mode", "Level", "Table", "Thing")}


class Runs:
    """Calls a function when it is unpickled."""

    def __init__(self, function, *args):
        self.what = function, args

    def __reduce__(self):
        return self.what


def test_nothing_is_run(tmp_path):
    mark = tmp_path / "mark"
    for function, args in [
        (os.mkdir, (str(mark),)),
        (eval, (f"__import__('os').mkdir({str(mark)!r})",)),
        (np.load, (str(mark),)),
    ]:
        reader = PlainUnpickler(pickle.dumps([Runs(function, *args)]))
        assert isinstance(reader.load()[0], str)
        assert [name.rpartition(".")[2] for name in reader.unloaded] == [function.__name__]
        assert not mark.exists()


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x80\x04cnumpy\nndarray\n}X\x04\x00\x00\x00copyK\x01sb.",  # sets an attribute of ours
        b"\x80\x04cnumpy.core.multiarray\n_reconstruct\nN}X\x0c\x00\x00\x00__defaults__Nsb.",
        b"\x80\x04cbuiltins\nbytearray\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85R.",  # 2**40 zeros
        b"\x80\x04P1\n.",
        b"garbage",
        b"",
    ],
)
def test_a_pickle_changes_nothing_here(hostile):
    before = dict(vars(np.ndarray)), plain_loads(pickle.dumps(np.arange(3))).tolist()
    with pytest.raises(Exception, match=r".*"):
        plain_loads(hostile)
    assert before == (dict(vars(np.ndarray)), plain_loads(pickle.dumps(np.arange(3))).tolist())


def test_bytes_never_become_pointers():
    for dtype in ("O", "|O8", [("x", "O")], "i4,O", b"O"):
        with pytest.raises(ValueError, match=r"object|no dtype"):
            array_of(dtype, (1,), b"\x01" * 16)
    with pytest.raises(ValueError, match=r"reshape|size"):
        array_of("<f8", (10,), b"\x00" * 8)
