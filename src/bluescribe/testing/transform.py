"""Say the same documents in another manner: numpy, plain lists, two runs at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import zip_longest
from typing import Any

import numpy as np

Document = tuple[str, dict[str, Any]]


def numpified(documents: Sequence[Document]) -> list[Document]:
    """Turn the measured and configured values into numpy arrays and scalars.

    A value is left as it is where numpy has no exact word for it: ragged and mixed lists, None,
    integers beyond 64 bits. Texts stay texts. No value changes, only its type does.

    Parameters
    ----------
    documents : sequence of (str, dict)
        Documents of any runs; they are not altered.

    Returns
    -------
    list of (str, dict)
        New documents wherever values were turned.
    """
    turn: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "event": lambda doc: {**doc, "data": _mapped(_numpy_value, doc["data"])},
        "event_page": lambda doc: {**doc, "data": _mapped(_numpy_column, doc["data"])},
        "descriptor": _numpy_configuration,
    }
    return [(name, turn[name](doc) if name in turn else doc) for name, doc in documents]


def relisted(documents: Sequence[Document]) -> list[Document]:
    """Turn numpy arrays into lists, numpy scalars, tuples and enums into plain Python, everywhere.

    Parameters
    ----------
    documents : sequence of (str, dict)
        Documents of any runs; they are not altered.
    """
    return [(name, _plain(doc)) for name, doc in documents]


def interleave(*runs: Sequence[Document]) -> list[Document]:
    """Merge runs document by document, each of them in its own order.

    Parameters
    ----------
    *runs : sequence of (str, dict)
        Runs that do not refer to one another.
    """
    return list(_in_turn(runs))


def _in_turn(runs: Sequence[Sequence[Document]]) -> Iterator[Document]:
    for step in zip_longest(*runs):
        yield from (document for document in step if document is not None)


def _mapped(turn: Callable[[Any], Any], values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: turn(value) for key, value in values.items()}


def _numpy_configuration(doc: dict[str, Any]) -> dict[str, Any]:
    configuration = {
        device: {**part, "data": _mapped(_numpy_value, part.get("data", {}))}
        for device, part in doc.get("configuration", {}).items()
    }
    return {**doc, "configuration": configuration} if configuration else doc


def _numpy_column(column: Any) -> Any:
    """Turn a page's column as a whole, or else value by value."""
    if not isinstance(column, list):
        return column
    whole = _numpy_array(column)
    return [_numpy_value(value) for value in column] if whole is column else whole


def _numpy_value(value: Any) -> Any:
    if isinstance(value, list):
        return _numpy_array(value)
    if isinstance(value, bool):
        return np.bool_(value)
    if isinstance(value, float):
        return np.float64(value)
    if isinstance(value, int):
        return _numpy_integer(value)
    return value


def _numpy_integer(value: int) -> Any:
    if -(2**63) <= value < 2**63:
        return np.int64(value)
    return np.uint64(value) if 0 <= value < 2**64 else value


def _numpy_array(values: list[Any]) -> Any:
    """Return an array that gives exactly these values back, or the list itself."""
    try:
        array = np.array(values)
    except (ValueError, OverflowError):
        return values
    # repr tells 1 from 1.0 and True, and holds NaN equal to itself.
    exact = array.dtype.kind in "biufU" and repr(array.tolist()) == repr(values)
    return array if exact else values


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_plain_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())  # a record becomes a tuple, and then a list
    return value.value if isinstance(value, Enum) else value


def _plain_key(key: Any) -> Any:
    return key.item() if isinstance(key, np.generic) else key
