"""Documents that a RunEngine of today does not emit, though others do or did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bluesky.plans as bp

from .devices import gauss, motor
from .engine import play
from .registry import Documents, shape


def _scan() -> Documents:
    """Take a short scan."""
    m1 = motor()
    return play(bp.scan([gauss(m1)], m1, 0, 1, 2))


def _with_start(played: Documents, **changes: Any) -> Documents:
    """Change keys of the start document; None takes the key away."""
    return [
        (name, {k: v for k, v in {**doc, **changes}.items() if k not in changes or v is not None})
        if name == "start"
        else (name, doc)
        for name, doc in played
    ]


@shape(altered="a RunEngine always counts; other sources of documents do not")
def scan_id_missing(folder: Path) -> Documents:
    """Leave out the scan_id, which event-model does not require."""
    return _with_start(_scan(), scan_id=None)


@shape(valid=False, altered="the RunEngine refuses a scan_id that is no integer")
def scan_id_text(folder: Path) -> Documents:
    """Give a scan a text for a number."""
    return _with_start(_scan(), scan_id="A-7/b")


@shape(altered="a RunEngine tells the plan's name; other sources of documents need not")
def bare_documents(folder: Path) -> Documents:
    """Leave out everything that event-model does not require."""
    required = {
        "start": {"uid", "time"},
        "descriptor": {"uid", "time", "run_start", "data_keys", "name"},
        "event": {"uid", "time", "descriptor", "seq_num", "data", "timestamps"},
        "stop": {"uid", "time", "run_start", "exit_status"},
    }
    return [(n, {k: v for k, v in doc.items() if k in required[n]}) for n, doc in _scan()]


@shape(altered="descriptors had neither before bluesky 1.0, and other sources leave them out")
def descriptors_without_hints(folder: Path) -> Documents:
    """Leave hints and object_keys out of the descriptors, and object_name out of their keys."""
    played = _scan()
    for name, doc in played:
        if name == "descriptor":
            del doc["hints"], doc["object_keys"]
            for data_key in doc["data_keys"].values():
                del data_key["object_name"]
    return played
