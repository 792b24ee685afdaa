"""Pickles of documents, read without running what they name.

A pickle says which functions are to be called to make its values: `pickle.loads` calls any that
its author likes. Here a pickle gets plain values, numpy's arrays and scalars, and a few kinds of
the standard library that cannot do harm; what is of another class becomes a text that says so. No
module is imported and nothing of its author's is called. The same arrays come in msgpack packs.
"""

from __future__ import annotations

import io
import pickle
import re
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, SupportsIndex
from uuid import UUID

import numpy as np

__all__ = ["PlainUnpickler", "array_of", "plain_loads"]

_SIMPLE_DTYPE = re.compile(r"[|<>=]?[?bBhHiIlLqQuefdgFDGSUVOMmc][0-9]{0,9}(\[[0-9A-Za-z]{1,12}\])?")
"""The texts that numpy puts into pickles: no more of its little language of dtypes is read."""


def plain_loads(data: bytes) -> Any:
    """Return what a pickle holds, without running anything of its author's.

    Raises
    ------
    Exception
        It is no pickle, or a damaged one; of any kind, as `pickle.loads` has it.
    """
    return PlainUnpickler(data).load()


class PlainUnpickler(pickle.Unpickler):
    """Read a pickle of plain values and arrays.

    Parameters
    ----------
    data
        The pickle.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.unloaded: set[str] = set()
        """Names of the classes whose values became texts."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what makes a value of a class: our own, in place of what the pickle names."""
        known = _KNOWN.get((_as_today(module), name))
        if known is not None:
            return known
        self.unloaded.add(f"{module}.{name}")
        return type("Unloaded", (_Unloaded,), {"origin": f"{module}.{name}"})


def _as_today(module: str) -> str:
    """Return what a module is called here that other releases call otherwise."""
    if module.startswith("pathlib."):  # of Python 3.13
        return "pathlib"
    renamed = {"__builtin__": "builtins"}  # of pickles that Python 2 could read
    return renamed.get(module, module.replace("numpy.core.", "numpy._core."))


class _Unloaded(str):
    """A value of a class that is not loaded: the text or number it was made of, or its class."""

    origin = ""

    def __new__(cls, *args: Any, **_: Any) -> Any:
        """Keep the one value of which an enumeration's member is made."""
        if len(args) == 1 and type(args[0]) in (int, float, bool):
            return args[0]
        is_text = len(args) == 1 and isinstance(args[0], str)
        return super().__new__(cls, args[0] if is_text else f"<{cls.origin}, not loaded>")

    def __setstate__(self, state: Any) -> None:
        """Leave the value as it is."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """Leave the value as it is."""

    def extend(self, values: Any) -> None:
        """Leave the value as it is."""

    append = add = extend


class _Maker:
    """Calls a function for a pickle, which can change nothing about it."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("a pickle may not change a function")


class _Dtype:
    """The dtype of a pickle's arrays. numpy's own believes any state that a pickle gives it."""

    def __init__(self, text: Any, *_: Any) -> None:
        self._text = text
        self._state: Sequence[Any] = ()

    def __setstate__(self, state: Any) -> None:
        self._state = state if isinstance(state, tuple) else ()

    def resolve(self) -> np.dtype[Any]:
        """Return it, made anew of what it says."""
        _, order, parts, names, fields, size, *rest = (*self._state, *[None] * 6)[:9]
        if parts is not None:
            base, shape = parts
            return np.dtype((_resolved(base), shape))
        if names is not None:
            described = [fields[name] for name in names]
            formats = [_resolved(each[0]) for each in described]
            offsets = [each[1] for each in described]
            return np.dtype(
                {"names": list(names), "formats": formats, "offsets": offsets, "itemsize": size}
            )
        found = _simple(self._text)
        if found.kind in "mM" and len(rest) == 3 and rest[2]:
            unit, number = rest[2][1][:2]
            unit = unit.decode() if isinstance(unit, bytes) else unit
            found = _simple(f"{found.kind}8[{int(number)}{unit}]" if unit != "generic" else "M8")
        return found.newbyteorder(order) if order in ("<", ">") else found


def _resolved(dtype: Any) -> np.dtype[Any]:
    if not isinstance(dtype, _Dtype):
        raise pickle.UnpicklingError(f"no dtype: {type(dtype).__name__}")
    return dtype.resolve()


def _simple(text: Any) -> np.dtype[Any]:
    if not isinstance(text, str) or not _SIMPLE_DTYPE.fullmatch(text):
        raise ValueError(f"no dtype of an array: {text!r}")
    return np.dtype(text)


class _Array(np.ndarray[Any, np.dtype[Any]]):
    """An array on its way out of a pickle, which says after making it what is in it."""

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, is_fortran, data = state
        found = _resolved(dtype)
        if found.hasobject:
            array = _objects(found, shape, data)
        else:
            array = array_of(found, shape, data, order="F" if is_fortran else "C")
            data = array.tobytes("F" if is_fortran else "C")
        state = 1, array.shape, found, bool(is_fortran), data
        super().__setstate__(state)

    def copy(self, order: Any = "C") -> Any:
        """Return a plain array."""
        return np.array(self, order=order, subok=False)

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        """Go to another process as a plain array."""
        return np.array(self, subok=False).__reduce_ex__(protocol)


def array_of(dtype: Any, shape: Any, data: Any, order: Any = "C") -> np.ndarray[Any, Any]:
    """Return an array of bytes that came with their dtype and shape.

    Parameters
    ----------
    dtype
        As numpy describes it: a text, or a list of fields, each a name, a dtype and perhaps a
        shape.
    shape, data, order
        Of the array; there is no object in it.

    Raises
    ------
    ValueError, TypeError
        The bytes do not fit, or would be pointers to objects.
    """
    found = dtype if isinstance(dtype, np.dtype) else _described(dtype)
    if found.hasobject:
        raise ValueError("an array of Python objects has no bytes of its own")
    if not found.itemsize:
        return np.zeros(tuple(shape), found, order)
    return np.frombuffer(data, found).reshape(tuple(shape), order=order).copy(order)


def _described(dtype: Any) -> np.dtype[Any]:
    if isinstance(dtype, bytes):
        dtype = dtype.decode()
    if isinstance(dtype, str):
        return _simple(dtype)
    fields = []
    for name, kind, *shape in dtype:
        text = name.decode() if isinstance(name, bytes) else name
        sizes = [tuple(size) if isinstance(size, list | tuple) else size for size in shape]
        fields.append((text, _described(kind), *sizes))
    return np.dtype(fields)


def _objects(dtype: np.dtype[Any], shape: Any, items: Any) -> np.ndarray[Any, Any]:
    """Return an array of what a pickle holds as a list."""
    if dtype != np.dtype(object) or not isinstance(items, list):
        raise pickle.UnpicklingError("an array of objects within structures")
    count = len(items)
    array = np.empty(count, object)
    array[:] = items if count != 1 else [None]
    return array.reshape(tuple(shape))  # it has as many, or this raises


def _reconstruct(_: Any, shape: Any, kind: Any) -> _Array:
    return _Array.__new__(_Array, (0,))


def _scalar(dtype: Any, data: Any = b"") -> Any:
    return array_of(_resolved(dtype), (1,), data)[0]


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray[Any, Any]:
    return array_of(_resolved(dtype), shape, data, "F" if order == "F" else "C")


def _posix(*parts: str) -> str:
    return str(PurePosixPath(*parts))


def _windows(*parts: str) -> str:
    return str(PureWindowsPath(*parts))


def _bytearray(data: bytes = b"") -> bytearray:
    return bytearray(bytes(memoryview(data)))  # of a number it would be as many zeros


def _encode(text: str, encoding: str = "latin1") -> bytes:
    if encoding != "latin1":  # the one that pickles have
        raise pickle.UnpicklingError(f"text in {encoding}")
    return text.encode(encoding)


_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _Maker(_Dtype),
    ("numpy", "ndarray"): _Maker(_Array),
    ("numpy._core.multiarray", "_reconstruct"): _Maker(_reconstruct),
    ("numpy._core.multiarray", "scalar"): _Maker(_scalar),
    ("numpy._core.numeric", "_frombuffer"): _Maker(_from_buffer),
    ("builtins", "complex"): complex,
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("builtins", "slice"): slice,
    ("builtins", "range"): range,
    ("builtins", "xrange"): range,
    ("builtins", "bytes"): _Maker(lambda: b""),
    ("builtins", "bytearray"): _Maker(_bytearray),
    ("_codecs", "encode"): _Maker(_encode),
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): _Maker(lambda *_: {}),
    ("collections", "deque"): deque,
    ("datetime", "date"): date,
    ("datetime", "datetime"): datetime,
    ("datetime", "time"): time,
    ("datetime", "timedelta"): timedelta,
    ("datetime", "timezone"): timezone,
    ("decimal", "Decimal"): Decimal,
    ("uuid", "UUID"): UUID,
    ("pathlib", "PosixPath"): _Maker(_posix),
    ("pathlib", "PurePosixPath"): _Maker(_posix),
    ("pathlib", "WindowsPath"): _Maker(_windows),
    ("pathlib", "PureWindowsPath"): _Maker(_windows),
}
"""By module and name, what makes the values of those classes that are made."""
