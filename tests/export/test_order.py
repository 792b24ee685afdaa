"""The documents of a catalog come in the order in which they were taken."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bluescribe.sources.chronology import in_order

START, STOP = ("start", {"uid": "r", "time": 0.0}), ("stop", {"uid": "s", "run_start": "r"})


def descriptor(uid, time):
    return "descriptor", {"uid": uid, "time": time, "run_start": "r", "name": uid}


def event(uid, time, seq_num):
    data = {"x": seq_num}
    return "event", {
        "uid": f"{uid}{seq_num}",
        "time": time,
        "data": data,
        "timestamps": data,
        "seq_num": seq_num,
        "filled": {},
        "descriptor": uid,
    }


@given(st.lists(st.integers(0, 2), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_rows_of_one_moment_keep_their_order(steps, shuffler: random.Random):
    times = [float(sum(steps[: n + 1])) for n in range(len(steps))]
    events = [event("a", time, number) for number, time in enumerate(times, 1)]
    shuffled = sorted(events, key=lambda pair: (pair[1]["time"], shuffler.random()))
    assert list(in_order([START, descriptor("a", 0.0), *shuffled, STOP]))[2:-1] == events


def test_a_descriptor_comes_when_it_was_made_and_before_its_events():
    taken = [
        START,
        descriptor("light", 1.0),
        event("light", 2.0, 1),
        descriptor("dark", 3.0),
        event("dark", 3.0, 1),
        descriptor("fly", 9.0),  # its events were taken before it was made
        event("fly", 4.0, 1),
        descriptor("none", 9.5),
        STOP,
    ]
    descriptors = [pair for pair in taken if pair[0] == "descriptor"]
    rest = [pair for pair in taken[1:] if pair[0] != "descriptor"]
    for order in (descriptors, descriptors[::-1]):
        assert list(in_order([START, *order, *rest])) == taken


def test_pages_become_what_the_run_engine_gave():
    events = [event("a", 1.0, 1), event("a", 2.0, 2)]
    keys = ("uid", "time", "seq_num")
    page: dict[str, Any] = {key: [doc[key] for _, doc in events] for key in keys}
    page |= {"descriptor": "a", "data": {"x": [1, 2]}, "timestamps": {"x": [1, 2]}, "filled": {}}
    resource = "resource", {"uid": "f", "run_start": "r"}
    datums = {"resource": "f", "datum_id": ["f/0", "f/1"], "datum_kwargs": {"frame": [0, 1]}}
    first = descriptor("a", 0.0)
    given = [START, first, resource, ("datum_page", datums), ("event_page", page)]
    found = list(in_order(given))
    assert found[:3] == [START, first, resource]
    assert found[3:5] == [
        ("datum", {"resource": "f", "datum_kwargs": {"frame": n}, "datum_id": f"f/{n}"})
        for n in (0, 1)
    ]
    assert found[5:] == events
    assert list(found[5][1]) == list(events[0][1])
