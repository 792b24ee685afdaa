"""Field: one column of a stream, as its data_key declares it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from .told import Document, sequence_of, text_of

__all__ = ["Field"]

_STREAMED = "STREAM:"
"""What ``external`` of a data_key is where stream_datum documents tell of values."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a stream, as its data_key declares it. Values may say otherwise."""

    name: str
    dtype: str = ""
    """``number``, ``integer``, ``string``, ``boolean`` or ``array``; empty when undeclared."""
    dtype_numpy: np.dtype[Any] | None = None
    shape: tuple[int | None, ...] = ()
    units: str = ""
    precision: int | None = None
    limits: Mapping[str, Any] | None = None
    """As event-model has it: ``{"control": {"low": ..., "high": ...}, ...}``."""
    source: str = ""
    enum_strs: tuple[str, ...] = ()
    external: bool = False
    """The values are in a file of their own; events hold a datum_id or nothing."""
    is_streamed: bool = False
    """They are, and no event tells of them: stream_datum documents do."""
    object_name: str = ""

    @property
    def is_one_number(self) -> bool:
        """Whether each event is declared to have one number, or a truth value."""
        return self.dtype in ("number", "integer", "boolean") and not self.shape

    @property
    def codes(self) -> Mapping[str, int]:
        """The number of each enum string: its place among them."""
        return {text: number for number, text in enumerate(self.enum_strs)}

    def told(self) -> dict[str, Any]:
        """Return what is declared, by event-model's names; what is not is left out."""
        declared = {
            "units": self.units,
            "source": self.source,
            "precision": self.precision,
            "object_name": self.object_name,
            "dtype": self.dtype,
            "dtype_numpy": self.numpy_type,
            "shape": list(self.shape),
            "limits": self.limits,
            "enum_strs": list(self.enum_strs),
            "external": self.external,
        }
        return {k: v for k, v in declared.items() if v or v is self.precision is not None}

    @property
    def numpy_type(self) -> Any:
        """What numpy calls the type: text, or a list of the fields of a structure."""
        if self.dtype_numpy is None:
            return ""
        return self.dtype_numpy.descr if self.dtype_numpy.names else self.dtype_numpy.str

    @classmethod
    def from_data_key(cls, name: str, data_key: Document) -> Field:
        """Read a descriptor's data_key; what is missing or malformed there is left out."""
        choices = [sequence_of(data_key.get(key)) for key in ("enum_strs", "choices")]
        limits = data_key.get("limits")
        return cls(
            name=name,
            dtype=text_of(data_key.get("dtype")),
            dtype_numpy=_dtype(data_key.get("dtype_numpy")),
            shape=tuple(map(_int, sequence_of(data_key.get("shape")))),
            units=text_of(data_key.get("units")) or text_of(data_key.get("egu")),
            precision=_int(data_key.get("precision")),
            limits=limits if isinstance(limits, Mapping) else _ophyd_limits(data_key),
            source=text_of(data_key.get("source")),
            enum_strs=tuple(map(str, choices[0] if len(choices[0]) else choices[1])),
            external=bool(text_of(data_key.get("external"))),
            is_streamed=text_of(data_key.get("external")).startswith(_STREAMED),
            object_name=text_of(data_key.get("object_name")),
        )


def _dtype(told: Any) -> np.dtype[Any] | None:
    """Return a type that is told as numpy's text, or as a list of the fields of a structure."""
    try:
        if isinstance(told, list | tuple):
            return np.dtype([_field_of(part) for part in told]) if told else None
        return np.dtype(told) if isinstance(told, str) else None
    except (TypeError, ValueError, SyntaxError, RecursionError):  # numpy parses texts as Python
        return None


def _field_of(part: Any) -> tuple[Any, ...]:
    """Return name, type and shape, as numpy wants them; JSON has lists for tuples."""
    name, told, *shape = part
    kind = np.dtype([_field_of(inner) for inner in told]) if isinstance(told, list) else told
    return (name, kind, *(tuple(n) if isinstance(n, list) else n for n in shape))


def _ophyd_limits(data_key: Document) -> Mapping[str, Any] | None:
    low, high = data_key.get("lower_ctrl_limit"), data_key.get("upper_ctrl_limit")
    if isinstance(low, Real) and isinstance(high, Real) and low < high:
        return {"control": {"low": low, "high": high}}
    return None


def _int(value: Any) -> int | None:
    return int(value) if isinstance(value, int | np.integer) else None
