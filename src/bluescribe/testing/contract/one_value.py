"""A value that cannot be written costs itself: every other value of its run is in the file."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from ..strategies.hostile import HOSTILE
from ..strategies.hostile_runs import HostileRun, Place, hostile_runs, put
from .base import ContractBase
from .comparison import differences
from .recorded import RecordedRun, received

__all__ = ["OneValue"]

_MASK = "a value that is not looked at"
_ROWS = 4


class OneValue(ContractBase):
    """Tests of values that break whoever looks at them."""

    hostile_examples: ClassVar[int] = 8
    """How many runs with such values are generated."""

    def test_each_hostile_value_costs_itself_only(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Put each kind of them into a field and a key of its own, all in one run."""
        run = _every_kind()
        self._check_hostile(tmp_path, run)
        text = caplog.text
        untold = [k for k in ("list in itself", "5,001 digits") if repr(k) not in text]
        assert not untold, f"nothing is told of {untold}"
        assert "stream 'primary'" in text, "the stream is not told"
        assert "a damaged" not in text, "a value is told as a damaged document"

    def test_generated_hostile_values_cost_themselves_only(self, tmp_path: Path) -> None:
        """Put them anywhere in generated runs."""

        @given(run=hostile_runs())
        @settings(
            max_examples=self.hostile_examples,
            deadline=None,
            derandomize=True,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )
        def check(run: HostileRun) -> None:
            folder = tmp_path / "run"
            self._check_hostile(folder, run)
            shutil.rmtree(folder)

        check()

    def _check_hostile(self, folder: Path, run: HostileRun) -> None:
        """Write a run with hostile values, and look at every other value."""
        with self.make(folder) as writer:
            for name, doc in run.hostile():
                writer(name, doc)
        self.check_status(writer)
        (expected,) = received(copy.deepcopy(run.documents))
        (read,) = self.read_back(folder)
        found = self.with_report(read, expected)
        for place, stream, row in _located(run):
            name = run.documents[place.document][0]
            if name.startswith("event"):
                part, field = place.path[:2]
                _mask_event(expected, stream, field, part, row)
                in_file = self.name_in_file(stream), self.name_in_file(field)
                _mask_event(found, *in_file, part, row)
            else:
                for each in (expected, found):
                    _mask_document(each, name, _number(run, place), place.path)
        wrong = list(differences(expected, found, self))
        told = [f"{place.kind} at {place}" for place in run.places[:5]]
        assert not wrong, "\n".join(["hostile values cost others:", *told, *wrong[:20]])


def _every_kind() -> HostileRun:
    """Return a run with one field and one key of metadata for each kind of hostile value."""
    key = {"source": "s", "dtype": "number", "shape": []}
    uid, described = str(uuid4()), str(uuid4())  # what was told of a run is not told again
    documents: list[tuple[str, dict[str, Any]]] = [
        ("start", {"uid": uid, "time": 1.7e9, "scan_id": 4, "state": dict.fromkeys(HOSTILE, 1)}),
        ("descriptor", {"uid": described, "run_start": uid, "time": 1.7e9, "name": "primary"}),
    ]
    descriptor = documents[1][1]
    descriptor["data_keys"] = {kind: dict(key) for kind in ("x", *HOSTILE)}
    values = dict.fromkeys(HOSTILE, 1.5)
    stamps = dict.fromkeys(HOSTILE, 1.7e9)
    configuration = {"data": values, "timestamps": stamps, "data_keys": {}}
    descriptor |= {"configuration": {"device": configuration}, "hints": {}, "object_keys": {}}
    for row in range(_ROWS):
        event: dict[str, Any] = {
            "uid": f"e{row}",
            "descriptor": described,
            "seq_num": row + 1,
            "time": 1.7e9 + row,
        }
        event["data"] = {"x": row / 4, **{kind: float(row) for kind in HOSTILE}}
        event["timestamps"] = dict.fromkeys(event["data"], 1.7e9 + row)
        documents.append(("event", event | {"filled": {}}))
    documents.append(("stop", {"uid": "s", "run_start": uid, "time": 2e9, "exit_status": "fail"}))
    places = [
        Place(document, (*path, kind), kind)
        for kind in HOSTILE
        for document, path in (
            (0, ("state",)),
            (1, ("configuration", "device", "data")),
            (3, ("data",)),
            (4, ("timestamps",)),
            (2 + _ROWS, ()),
        )
    ]
    return HostileRun(documents, places)


def _located(run: HostileRun) -> Iterator[tuple[Place, str, int]]:
    """Yield each place with its stream, if it is in an event, and its row there."""
    streams: dict[str, str] = {}
    rows: dict[str, int] = {}
    begins: dict[int, tuple[str, int]] = {}
    for number, (name, doc) in enumerate(run.documents):
        if name == "descriptor":
            streams[doc["uid"]] = str(doc.get("name") or "primary")
        elif name in ("event", "event_page"):
            stream = streams[doc["descriptor"]]
            begins[number] = stream, rows.get(stream, 0)
            length = len(doc["seq_num"]) if name == "event_page" else 1
            rows[stream] = rows.get(stream, 0) + length
    for place in run.places:
        stream, begin = begins.get(place.document, ("", 0))
        yield place, stream, begin + (place.path[2] if stream and len(place.path) > 2 else 0)


def _number(run: HostileRun, place: Place) -> int:
    """Return how many descriptors come before a document."""
    return sum(name == "descriptor" for name, _ in run.documents[: place.document])


def _mask_event(run: RecordedRun, stream: str, field: str, part: str, row: int) -> None:
    columns: Any = (run.events if part == "data" else run.timestamps).get(stream, {})
    if field in columns:
        columns[field] = list(columns[field])
        columns[field][row] = None


def _mask_document(run: RecordedRun, name: str, number: int, path: tuple[Any, ...]) -> None:
    docs: dict[str, Any] = {"start": run.start, "stop": run.stop}
    if name == "descriptor" and run.descriptors is not None:
        docs["descriptor"] = run.descriptors[number]
    doc = docs.get(name)
    if isinstance(doc, Mapping):
        put(doc, path, _MASK)
