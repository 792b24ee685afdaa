"""Generate what documents hold: names, metadata, and fields with their values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ..words import AWKWARD, COLLIDING, RESERVED, TEXTS, UNPRINTABLE

# Keys of a start document on whose type event-model insists, or which it sets itself.
_TAKEN = {
    "data_groups",
    "data_session",
    "data_type",
    "group",
    "hints",
    "owner",
    "project",
    "projections",
    "sample",
    "scan_id",
    "time",
    "uid",
}

texts = st.one_of(st.text(max_size=12), st.sampled_from(TEXTS))
names = st.one_of(
    st.sampled_from(["x", "det", "m1", *AWKWARD, *COLLIDING, *RESERVED, *UNPRINTABLE]),
    st.text(min_size=1, max_size=12).filter(lambda name: not set("./") & set(name)),
)
floats = st.one_of(st.floats(), st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 0.1, 5e-324]))
integers = st.one_of(
    st.integers(-10, 10),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([2**53 + 1, 2**63 - 1, -(2**63)]),
)
big_integers = st.one_of(integers, st.integers(-(2**70), 2**70), st.sampled_from([2**64 - 1]))
scalars = st.one_of(st.none(), st.booleans(), big_integers, floats, texts)
numpy_values = st.one_of(
    st.builds(np.float64, floats),
    st.builds(np.int64, integers),
    st.builds(np.bool_, st.booleans()),
    st.builds(np.array, st.lists(floats, max_size=3)),
    st.builds(np.array, st.lists(texts, max_size=3)),
)
json_values = st.recursive(
    st.one_of(scalars, numpy_values),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=6,
)
metadata = st.fixed_dictionaries(
    {},
    optional={
        "scan_id": st.integers(-1, 99999),
        "plan_name": st.sampled_from(["scan", "count", "größer/../scan", ""]),
        "motors": st.lists(names, max_size=2),
        "detectors": st.lists(names, max_size=2),
        "num_points": st.integers(0, 5),
        "shape": st.lists(st.integers(1, 3), min_size=1, max_size=2),
        "sample": texts,
        "title": json_values,
        "hints": st.fixed_dictionaries(
            {"dimensions": st.lists(st.tuples(st.lists(names, max_size=2), names), max_size=2)}
        ),
    },
).flatmap(
    lambda known: st.dictionaries(
        names.filter(lambda key: key not in _TAKEN), json_values, max_size=3
    ).map(lambda extra: {**extra, **known})
)


@dataclass(frozen=True)
class FieldPlan:
    """Tell how a field is described and which values it takes.

    Parameters
    ----------
    data_key : dict
        What the descriptor says.
    values : strategy
        What the events hold.
    external : str
        ``""``, ``"datum"`` or ``"stream"``: where the values really are.
    """

    data_key: dict[str, Any]
    values: st.SearchStrategy[Any]
    external: str = ""


def _described(
    dtype: str, values: st.SearchStrategy[Any], shape: list[int | None], **more: Any
) -> st.SearchStrategy[FieldPlan]:
    key = {"source": "SIM:", "dtype": dtype, "shape": shape, **more}
    extras = st.fixed_dictionaries(
        {},
        optional={
            "units": st.one_of(st.none(), st.sampled_from(["", "mm", "°", "counts/s"])),
            "precision": st.one_of(st.none(), st.integers(0, 9)),
        },
    )
    return extras.map(lambda extra: FieldPlan({**key, **extra}, values))


def _arrays(size: int) -> st.SearchStrategy[Any]:
    elements: list[st.SearchStrategy[Any]] = [floats, integers, st.booleans()]
    lists = st.one_of([st.lists(each, min_size=size, max_size=size) for each in elements])
    return st.one_of(lists, lists.map(np.array))


def _images() -> st.SearchStrategy[Any]:
    return st.integers(0, 65535).map(lambda pixel: np.full((2, 3), pixel, dtype="uint16"))


def _ragged() -> st.SearchStrategy[Any]:
    rows = st.lists(integers, max_size=3)
    uneven = st.lists(rows, min_size=2, max_size=3, unique_by=len)
    return st.one_of(rows, rows.map(np.array), uneven, uneven)


in_events = st.one_of(
    _described("number", floats, []),
    _described("number", floats, [], dtype_numpy="<f8"),
    _described("integer", integers, []),
    _described("integer", big_integers, []),
    _described("integer", st.booleans(), []),
    _described("boolean", st.booleans(), [], dtype_numpy="|b1"),
    _described("string", texts, []),
    _described("string", st.sampled_from(["on", "off"]), [], choices=["off", "on"]),
    _described("integer", st.integers(0, 1), [], enum_strs=["off", "on"]),
    _described("number", st.one_of(st.none(), floats), []),
    _described("array", _arrays(3), [3]),
    _described("array", _images(), [2, 3]),
    _described("array", _ragged(), [None]),
    _described("array", st.lists(texts, max_size=3), [2]),
    # Descriptions that are not true.
    _described("number", scalars, []),
    _described("string", st.one_of(floats, integers), []),
    _described("integer", st.one_of(floats, texts), [], dtype_numpy="<i8"),
    _described("number", st.one_of(floats, _ragged(), json_values), []),
    st.sampled_from([1, 2.5, "ü", None, [1, 2]]).flatmap(
        lambda always: _described("array", st.just(always), [])
    ),
)
_IMAGE = {"source": "SIM:", "dtype": "array", "shape": [1, 2, 3]}
in_files = st.sampled_from(
    [
        FieldPlan({**_IMAGE, "external": "FILESTORE:"}, st.none(), "datum"),
        FieldPlan({**_IMAGE, "external": "STREAM:", "dtype_numpy": "<u2"}, st.none(), "stream"),
    ]
)
