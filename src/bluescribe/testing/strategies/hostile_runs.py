"""Valid runs in which values stand that break who looks at them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from .hostile import HOSTILE
from .runs import Document, Draw, runs

__all__ = ["HostileRun", "Place", "hostile_runs", "put"]


@dataclass(frozen=True)
class Place:
    """Where a value stands: the number of its document, and the keys that lead to it."""

    document: int
    path: tuple[Any, ...]
    kind: str
    """A key of `HOSTILE`."""


@dataclass(frozen=True)
class HostileRun:
    """A valid run, and where hostile values are put into it."""

    documents: list[Document]
    """Without them."""
    places: list[Place]

    def hostile(self) -> list[Document]:
        """Return the documents with the values in them."""
        documents = copy.deepcopy(self.documents)
        for place in self.places:
            put(documents[place.document][1], place.path, HOSTILE[place.kind]())
        return documents


def put(doc: Any, path: tuple[Any, ...], value: Any) -> None:
    """Put a value into a document."""
    *above, last = path
    for key in above:
        doc = doc[key]
    doc[last] = value


@st.composite
def hostile_runs(draw: Draw) -> HostileRun:
    """Generate valid runs with values in them that break who looks at them."""
    documents = draw(runs(finished=True))
    assume(not _is_rewound(documents))  # CSV does not tell arrays of one seq_num apart
    start = documents[0][1]
    start["deep"] = {"inside": [{"state": 1}, 2], "beside": 3}
    for name, doc in documents:
        if name == "descriptor":
            doc["configuration"] |= {"added": _configuration()}
    options = [
        (number, path) for number, (name, doc) in enumerate(documents) for path in _paths(name, doc)
    ]
    kinds = st.sampled_from(list(HOSTILE))
    chosen = draw(
        st.lists(st.sampled_from(options), min_size=1, max_size=5, unique_by=_without_ends(options))
    )
    return HostileRun(documents, [Place(n, path, draw(kinds)) for n, path in chosen])


def _is_rewound(documents: list[Document]) -> bool:
    numbers = [
        (doc["descriptor"], number)
        for name, doc in documents
        if name.startswith("event")
        for number in (doc["seq_num"] if name == "event_page" else [doc["seq_num"]])
    ]
    return len(numbers) > len({*numbers})


def _without_ends(options: list[Any]) -> Callable[[Any], Any]:
    return lambda option: (option[0], option[1][:2])


def _configuration() -> dict[str, Any]:
    keys = {key: {"source": "s", "dtype": "number", "shape": []} for key in ("a", "b")}
    return {
        "data": {"a": 1.5, "b": 2},
        "timestamps": {"a": 1.7e9, "b": 1.7e9},
        "data_keys": keys,
    }


_FIXED = ("uid", "run_start", "time", "exit_status", "num_events")
"""What every reader needs, and event-model insists on."""

_BESIDE: dict[str, list[tuple[Any, ...]]] = {
    "start": [("deep", "inside", 0, "state"), ("deep", "inside", 1), ("deep", "new"), ("new",)],
    "stop": [("new",), ("reason",)],
    "descriptor": [
        ("configuration", "added", "data", "a"),
        ("configuration", "added", "timestamps"),
        ("configuration", "added", "data_keys"),
        ("configuration", "new"),
        ("hints", "new"),
        ("object_keys", "new"),
        ("new",),
    ],
    "resource": [("resource_kwargs", "new")],
    "stream_resource": [("parameters", "new")],
    "datum": [("datum_kwargs", "new")],
}
"""Where anything may stand beside what a document has."""


def _paths(name: str, doc: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Yield where in a document anything may stand."""
    yield from _BESIDE.get(name, ())
    if name == "start":
        yield from ((key,) for key in doc if key not in (*_FIXED, "deep"))
    for key in doc["data_keys"] if name == "descriptor" else ():
        yield from (("data_keys", key, part) for part in ("units", "precision", "limits", "new"))
    for part in ("data", "timestamps") if name.startswith("event") else ():
        for key in doc[part]:
            if key not in doc["filled"]:
                rows = range(len(doc["seq_num"])) if name == "event_page" else [None]
                yield from ((part, key) if row is None else (part, key, row) for row in rows)
