"""Documents that a RunEngine of today does not emit, though others do or did."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import numpy as np

from .devices import Scripted, gauss, motor
from .engine import Plan, play
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


@shape(altered="a RunEngine leaves images in their files; who reads runs again may fill them in")
def filled_in_events(folder: Path) -> Documents:
    """Have images and spectra in the events that the descriptor declares to be in files."""
    images = [np.full((2, 3), i) for i in range(2)]
    declared = {"dtype": "array", "external": "FILESTORE:"}
    camera = Scripted("camera", images, shape=[2, 3], **declared)
    trace = Scripted("trace", [[1.5, 2.5], [3.5, 4.5]], shape=[2], **declared)
    played = play(bp.count([camera, trace], num=2))
    for name, doc in played:
        if name == "event":
            doc["filled"] = dict.fromkeys(doc["data"], True)
    return played


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


@shape(altered="a RunEngine holds a stream to its first fields; other sources of documents do not")
def redeclared_otherwise(folder: Path) -> Documents:
    """Declare a stream anew, with other fields and one field of another type."""

    def plan() -> Plan:
        yield from bps.open_run({"plan_name": "redeclared"})
        for stream, label, common in (("primary", "a", [1.5]), ("other", "b", [[1, 2]])):
            devices = [Scripted(label, [label]), Scripted("common", common)]
            for _ in range(2):
                yield from bps.trigger_and_read(devices, name=stream)
        yield from bps.close_run()

    played = play(plan())
    seq_nums = count(1)
    for name, doc in played:
        if name == "descriptor":
            doc["name"] = "primary"
        elif name == "event":
            doc["seq_num"] = next(seq_nums)
        elif name == "stop":
            doc["num_events"] = {"primary": 4}
    return played
