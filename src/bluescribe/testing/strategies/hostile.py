"""Values that break who looks at them."""

from __future__ import annotations

import array
import datetime
import decimal
import enum
import fractions
import pathlib
import sys
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

__all__ = ["HOSTILE", "hostile_values"]

_RAISED = (RuntimeError, RecursionError, MemoryError, SystemExit, KeyError, UnicodeError)
_METHODS = (
    "__array__",
    "__bool__",
    "__bytes__",
    "__dir__",
    "__eq__",
    "__float__",
    "__format__",
    "__getattribute__",
    "__getitem__",
    "__hash__",
    "__index__",
    "__int__",
    "__iter__",
    "__len__",
    "__reduce_ex__",
    "__repr__",
    "__str__",
)
_LEVELS = 2_000


def _raising(*methods: str, error: type[BaseException] = RuntimeError, base: type = object) -> Any:
    """Return an object whose methods raise."""

    def method(self: Any, *_: Any, **__: Any) -> Any:
        raise error("a fault of the object")

    body: dict[str, Any] = dict.fromkeys(methods, method)
    if "__class__" in methods:
        body["__class__"] = property(method)
    return type("Hostile", (base,), body)()


def _lying(base: type, *args: Any) -> Any:
    """Return an instance of a subclass of one of Python's types, whose own methods raise."""
    lies = [name for name in _METHODS if name != "__getattribute__"]
    kind = type(_raising(*lies, "items", "keys", "values", "get", "copy", "encode", base=base))
    return base.__new__(kind, *args) if base not in (dict, list) else _filled(base, kind, *args)


def _filled(base: Any, kind: type, content: Any) -> Any:
    made = base.__new__(kind)
    base.__init__(made, content)
    return made


def _list_in_itself() -> Any:
    knot: list[Any] = [1]
    knot.append(knot)
    return knot


def _dict_in_itself() -> Any:
    knot: dict[str, Any] = {"a": 1}
    knot["again"] = [knot]
    return knot


def _array_in_itself() -> Any:
    knot = np.empty(2, object)
    knot[0], knot[1] = 1, knot
    return knot


def _deep(wrap: Callable[[Any], Any]) -> Any:
    value: Any = 1
    for _ in range(_LEVELS):
        value = wrap(value)
    return value


def _records(*values: Any) -> Any:
    return np.array([(value, 1.0) for value in values], [("a", object), ("b", float)])


class _Grid(np.ndarray):
    def __array_function__(self, *_: Any) -> Any:
        raise RuntimeError("a fault of the array")

    __str__ = __repr__ = __len__ = __iter__ = __array_function__


class _Enum(enum.Enum):
    ONE = 1
    MANY = (1, "a")


HOSTILE: dict[str, Callable[[], Any]] = {
    "list in itself": _list_in_itself,
    "dict in itself": _dict_in_itself,
    "array in itself": _array_in_itself,
    "deep list": lambda: _deep(lambda value: [value]),
    "deep tuple": lambda: _deep(lambda value: (value,)),
    "deep dict": lambda: _deep(lambda value: {"a": value}),
    "5,001 digits": lambda: 10**5000,
    "as many, negative": lambda: -(10**5000),
    "300,000 digits": lambda: 1 << 1_000_000,
    "400 digits": lambda: 10**400,
    "digits in a list": lambda: [1, 10**5000],
    "digits in a dict": lambda: {"a": 10**5000, "b": 1.5},
    **{f"{name} raises": partial(_raising, name) for name in _METHODS},
    **{f"str raises {e.__name__}": partial(_raising, "__str__", error=e) for e in _RAISED},
    "class raises": lambda: _raising("__class__"),
    "class exits": lambda: _raising("__class__", error=SystemExit),
    "all raises": lambda: _raising(*_METHODS, "__class__"),
    "all exits": lambda: _raising(*_METHODS, "__class__", error=SystemExit),
    "raises inside": lambda: {"a": [1, _raising(*_METHODS)], "b": 2.5},
    "error that raises": lambda: _raising("__str__", error=_unprintable_error()),
    "lying str": lambda: _lying(str, "text"),
    "lying int": lambda: _lying(int, 7),
    "lying float": lambda: _lying(float, 7.5),
    "lying dict": lambda: _lying(dict, {"a": 1}),
    "lying list": lambda: _lying(list, [1, 2]),
    "lying bytes": lambda: _lying(bytes, b"ab"),
    "records": lambda: np.array([(1, 2.5)], "i4,f8"),
    "records of objects": lambda: _records(_raising("__str__"), 10**5000),
    "a record of objects": lambda: _records(_raising("__str__"))[0],
    "array of objects": lambda: np.array([_raising("__str__"), None, 1, "a"], object),
    "array of 0 dimensions": lambda: np.array(1.5),
    "object in 0 dimensions": lambda: np.array(_raising("__str__"), object),
    "array of nothing": lambda: np.zeros((0, 3)),
    "array of 33 dimensions": lambda: np.zeros((1,) * 33),
    "half": lambda: np.float16(0.1),
    "long double": lambda: np.longdouble("0.1"),
    "complex": lambda: complex(1, float("nan")),
    "array of complex": lambda: np.array([1j, 2]),
    "not a time": lambda: np.datetime64("NaT"),
    "times": lambda: np.array(["2026-01-01", "NaT"], "M8[ns]"),
    "attoseconds": lambda: np.timedelta64(5, "as"),
    "array of bytes": lambda: np.array([b"a\0", b"\xff"]),
    "array of text": lambda: np.array(["a\0b", "\ud800", ""]),
    "void": lambda: np.void(b"\0\xff"),
    "masked": lambda: np.ma.array([1.0, 2.0], mask=[False, True]),
    "array of a subclass": lambda: np.array([[1.0, 2.0]]).view(_Grid),
    "text with NUL": lambda: "a\0b\0",
    "lone surrogate": lambda: "a\ud800",
    "a megabyte of text": lambda: "x" * 1_000_000,
    "decimal": lambda: decimal.Decimal("sNaN"),
    "fraction": lambda: fractions.Fraction(1, 3),
    "bytes": lambda: b"\0\xff",
    "bytearray": lambda: bytearray(b"\xfe"),
    "memoryview": lambda: memoryview(b"ab"),
    "array of Python": lambda: array.array("d", [1.0, 2.0]),
    "set": lambda: {1, "a"},
    "frozenset": lambda: frozenset({(1, 2)}),
    "range": lambda: range(3),
    "generator": lambda: (i for i in range(3)),
    "lambda": lambda: lambda: None,
    "module": lambda: sys,
    "class": lambda: int,
    "enum": lambda: _Enum.MANY,
    "path": lambda: pathlib.PurePosixPath("/a/b"),
    "datetime": lambda: datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
    "timedelta": lambda: datetime.timedelta(days=-1, microseconds=1),
    "uuid": lambda: uuid.UUID(int=1),
    "ellipsis": lambda: ...,
    "odd keys": lambda: {None: 1, 5: 2, (1, "a"): 3, b"k": 4, "5": 5, 2.5: 6, "": 7, "a/b": 8},
    "keys of digits": lambda: {10**5000: 1, "a": 2},
    "keys that raise": lambda: {_raising("__str__"): 1, _raising("__str__"): 2, "a": 3},
    "keys that are one": lambda: {_Same(): 1, _Same(): 2, "same": 3},
    "thousands of keys": lambda: {f"k{i}": i for i in range(3_000)},
}
"""Makers of one value each, by what it is. Each call makes a new one."""


class _Same:
    def __str__(self) -> str:
        return "same"


def _unprintable_error() -> type[Exception]:
    class UnprintableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("cannot be printed")

    return UnprintableError


def hostile_values() -> st.SearchStrategy[Any]:
    """Generate values of which one is a fault for some format or reader."""
    return st.sampled_from(list(HOSTILE)).map(lambda name: HOSTILE[name]())
