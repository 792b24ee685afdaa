"""Documents as bytes, exact to the type of every value: for all that packed rows do not hold.

The encoding is a restricted pickle: an object of any other class becomes a text when it is written,
and reading makes objects of the classes named here only, so it runs no foreign code. Of all
encodings that were tried, pickle alone keeps tuples and lists apart, writes an object once that is
referred to several times, and passes arrays on without a copy.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import io
import pathlib
import pickle
import uuid
import zoneinfo
from collections.abc import Iterable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np

from ..model.writable import text_of
from .problems import BrokenSpoolError

__all__ = ["decode", "encode"]

Buffer = bytes | bytearray | memoryview | pickle.PickleBuffer

_KEPT: frozenset[type] = frozenset(
    {
        datetime.date,
        datetime.datetime,
        datetime.time,
        datetime.timedelta,
        datetime.timezone,
        decimal.Decimal,
        fractions.Fraction,
        uuid.UUID,
        pathlib.PurePosixPath,
        pathlib.PosixPath,
        pathlib.PureWindowsPath,
        pathlib.WindowsPath,
        complex,
        set,
        frozenset,
        bytearray,
        np.ndarray,
    }
)
"""Types that are written as they are, beside Python's basic types and numpy's scalars."""

_READ: frozenset[tuple[str, str]] = frozenset(
    {
        ("builtins", "complex"),
        ("builtins", "set"),
        ("builtins", "frozenset"),
        ("builtins", "bytearray"),
        ("datetime", "date"),
        ("datetime", "datetime"),
        ("datetime", "time"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("zoneinfo", "ZoneInfo"),
        ("decimal", "Decimal"),
        ("fractions", "Fraction"),
        ("uuid", "UUID"),
        ("uuid", "SafeUUID"),
        ("pathlib", "PurePosixPath"),
        ("pathlib", "PosixPath"),
        ("pathlib", "PureWindowsPath"),
        ("pathlib", "WindowsPath"),
        ("builtins", "str"),
        ("_codecs", "encode"),
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
    }
)
"""Classes that a record may name; of numpy's functions, those in `_NUMPY_FUNCTIONS`."""

_NUMPY_MODULES = ("numpy._core.", "numpy.core.")
_NUMPY_FUNCTIONS = ("_frombuffer", "_reconstruct", "scalar")
_SELDOM_BUFFERS = 1 << 12
"""Arrays of fewer bytes are written in the stream: a buffer of its own costs more."""


def encode(document: Any) -> tuple[bytes, list[Buffer]]:
    """Return a document as bytes, and the buffers of its large arrays, which are not copied.

    Parameters
    ----------
    document
        Anything that a snapshot gives. Never raises: a value that cannot be kept becomes a text.
    """
    buffers: list[Buffer] = []

    def is_inside(buffer: pickle.PickleBuffer) -> bool:
        if buffer.raw().nbytes < _SELDOM_BUFFERS:
            return True
        buffers.append(buffer)
        return False

    stream = io.BytesIO()
    _Encoder(stream, protocol=5, buffer_callback=is_inside).dump(document)
    return stream.getvalue(), buffers


def decode(data: Buffer, buffers: Iterable[Buffer] = ()) -> Any:
    """Return the document of some bytes.

    Raises
    ------
    BrokenSpoolError
        They are not what `encode` gives.
    """
    try:
        return _Decoder(io.BytesIO(data), buffers=buffers).load()
    except BrokenSpoolError:
        raise
    except Exception as error:
        raise BrokenSpoolError(
            f"a record cannot be read: {type(error).__name__}: {error}"
        ) from None


class _Encoder(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """Return how pickle is to write a value: as it is, or as a text."""
        kind = type(value)
        if kind is zoneinfo.ZoneInfo and value.key is not None:
            return zoneinfo.ZoneInfo, (value.key,)
        if kind in _KEPT or isinstance(value, np.generic | np.dtype | uuid.SafeUUID):
            return NotImplemented
        if isinstance(value, type | FunctionType | BuiltinFunctionType | MethodType):
            return NotImplemented  # that make one of these
        return str, (_in_words(value),)


def _in_words(value: Any) -> str:
    try:
        return str.__str__(str(value))
    except Exception as error:  # whatever its own code does
        return text_of(f"{type(value).__name__} that raises {type(error).__name__}")


class _Decoder(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return the class or function that a record names, if it is an allowed one."""
        if (module, name) in _READ:
            return super().find_class(module, name)
        if module.startswith(_NUMPY_MODULES) and name in _NUMPY_FUNCTIONS:
            for prefix in _NUMPY_MODULES:  # numpy 2 has other names, and reads those of numpy 1
                try:
                    return super().find_class(prefix + module.rpartition(".")[2], name)
                except ImportError:
                    continue
        raise BrokenSpoolError(f"a record names {module}.{name}, which is no value")
