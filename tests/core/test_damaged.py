"""Documents that break whoever looks at them raise nothing, in one writer and in all together."""

from __future__ import annotations

from typing import Any

import pytest
from event_model import DocumentNames

from bluescribe import JsonlWriter, Writers, subscribe_writers
from tests.core.scanning import PATIENCE, WHOLE, names, scan


class Evil(dict):
    """A document that cannot be asked for anything."""

    def get(self, *_):
        raise RuntimeError("get")

    def items(self):
        raise RuntimeError("items")

    def __contains__(self, _):
        raise RuntimeError("contains")


class EvilText(str):
    """A uid that cannot be looked up."""

    def __hash__(self):
        raise RuntimeError("hash")

    def __eq__(self, _):
        raise RuntimeError("eq")


class EvilThing:
    """A value that ends whoever prints it."""

    def __str__(self):
        raise SystemExit("str")

    __repr__ = __str__


DAMAGED: dict[str, Any] = {
    "nothing": None,
    "number": 1,
    "text": "x",
    "list": [],
    "empty": {},
    "evil": Evil(),
    "evil with uids": Evil(uid="u", run_start="u"),
    "texts": {"uid": EvilText("u"), "run_start": EvilText("u"), "time": 1.0},
    "things": {"uid": EvilThing(), "run_start": EvilThing(), "time": EvilThing()},
    "thing in a start": {"uid": "u", "time": EvilThing(), "scan_id": EvilThing()},
    "thing in a stop": {"run_start": EvilThing(), "uid": "u"},
    "keys": {EvilThing: 1},
}


@pytest.fixture(params=["one writer", "all"])
def writers(request, engine, tmp_path):
    if request.param == "one writer":
        found: JsonlWriter | Writers = JsonlWriter(tmp_path)
        engine.subscribe(found.receiver)
    else:
        blocks = {f"{name}_DATA_FILES": {"ENABLE": True} for name in ("JSONL", "CSV", "SPEC")}
        found = subscribe_writers(engine, {"DATA_FILES": {"DIRECTORY": str(tmp_path)}, **blocks})
    with found:
        yield found


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_document_raises_nothing_and_the_next_run_is_written(
    kind, writers, engine, tmp_path
):
    for name in DocumentNames:
        if name.name != "bulk_events":  # which event-model warns of
            writers(name.name, DAMAGED[kind])
    engine(scan())
    assert writers.flush(PATIENCE)
    whole = [path for path in tmp_path.glob("*.jsonl") if names(path) == WHOLE]
    assert len(whole) == 1
