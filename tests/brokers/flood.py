"""Many small runs, interleaved, as several RunEngines would send them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from event_model import compose_run

from bluescribe.sources.brokers import Broker, frames_of

POINTS = 10


def run(number: int) -> Iterator[tuple[str, Any]]:
    """Yield the documents of one run."""
    bundle = compose_run(metadata={"scan_id": number})
    yield "start", bundle.start_doc
    keys = {"x": {"dtype": "number", "shape": [], "source": "sim"}}
    stream = bundle.compose_descriptor(name="primary", data_keys=keys)
    yield "descriptor", stream.descriptor_doc
    for point in range(POINTS):
        yield "event", stream.compose_event(data={"x": value(number, point)}, timestamps={"x": 1.0})
    yield "stop", bundle.compose_stop()


def value(number: int, point: int) -> float:
    """Return what was measured."""
    return number + point / 16


def send(broker: Broker, numbers: range, *, together: int = 5, seed: int = 0) -> list[str]:
    """Send runs, some of them at the same time; return their uids."""
    chance = random.Random(seed)
    waiting, uids = list(numbers), []
    going: list[tuple[str, Iterator[Any]]] = []
    while waiting or going:
        while waiting and len(going) < together:
            documents = list(run(waiting.pop(0)))
            uids.append(documents[0][1]["uid"])
            going.append((uids[-1], enumerate(documents, 1)))
        one = chance.choice(going)
        uid, documents_of = one
        found = next(documents_of, None)
        if found is None:
            going.remove(one)
            continue
        number, (name, doc) = found
        broker.send(uid, frames_of(number, name, doc, encoding="msgpack", part_bytes=500_000))
    return uids
