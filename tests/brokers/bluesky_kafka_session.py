"""bluesky-kafka's own parts, in a process of their own, as they change msgpack for all.

``python -m tests.brokers.bluesky_kafka_session HOST:PORT TOPIC OURS FOLDER SHAPE...``: its
Publisher sends shapes of runs to TOPIC, and its consumer reads what is in OURS. What was sent goes
into FOLDER/sent.json, what was read into FOLDER/read.json.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from bluesky_kafka import BlueskyConsumer, Publisher

from bluescribe.files.json_text import dumps
from bluescribe.testing import documents
from tests.brokers.mock_kafka import MockKafka


def main(server: str, topic: str, ours: str, folder: Path, *shapes: str) -> None:
    config = {"enable.idempotence": True}
    publisher = Publisher(topic, server, "8idi", producer_config=config, flush_on_stop_doc=True)
    sent = []
    for shape in shapes:
        for name, doc in documents(shape, folder):
            sent.append((name, doc))
            publisher(name, doc)
    publisher.flush()
    (folder / "sent.json").write_bytes(dumps(sent))
    (folder / "read.json").write_bytes(dumps(read(server, ours)))


def read(server: str, topic: str) -> list[Any]:
    """Return what bluesky-kafka's consumer makes of a topic, up to the first stop."""
    found: list[Any] = []

    consumer = BlueskyConsumer(
        [topic],
        server,
        "others",
        consumer_config={"auto.offset.reset": "earliest", **MockKafka.quick},
        process_document=lambda _consumer, _topic, name, doc: found.append((name, doc)),
    )
    consumer.start(lambda: not found or found[-1][0] != "stop")
    return found


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]), *sys.argv[5:])
