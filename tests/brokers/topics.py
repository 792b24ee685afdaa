"""Topics of Kafka, as tests fill and read them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import msgpack

from bluescribe import Writers
from bluescribe.listening import listen_to_broker
from bluescribe.listening.jobs import Jobs
from bluescribe.sources.brokers import BrokerOptions, frames_of
from bluescribe.sources.brokers.kafka import KafkaBroker
from tests.brokers.flood import run
from tests.brokers.mock_kafka import MockKafka


class Topic:
    """A topic with so many partitions, and a group of its own."""

    def __init__(self, server: MockKafka, partitions: int = 1) -> None:
        self.server, self.name = server, f"t{uuid4().hex}"
        server.make_topic(self.name, partitions)

    def options(self, **chosen: Any) -> BrokerOptions:
        client = {**self.server.quick, **chosen.pop("client", {})}
        return BrokerOptions(**{"topic": self.name, "group": self.name, "client": client, **chosen})

    def broker(self, **chosen: Any) -> KafkaBroker:
        return KafkaBroker(self.server.address, self.options(**chosen))

    def committed(self, partition: int = 0) -> int:
        """Return where a listener would begin."""
        import confluent_kafka

        place = confluent_kafka.TopicPartition(self.name, partition)
        consumer = confluent_kafka.Consumer(
            {"bootstrap.servers": f"127.0.0.1:{self.server.port}", "group.id": self.name}
        )
        try:
            return int(consumer.committed([place], timeout=5)[0].offset)
        finally:
            consumer.close()

    def produce(self, messages: Iterable[tuple[str, Any]], *, pack: Any = msgpack.packb) -> None:
        """Send documents as bluesky-kafka does, under one key."""
        self.produce_bytes([pack([name, doc]) for name, doc in messages])

    def produce_bytes(
        self, values: Iterable[bytes], *, key: str | None = "8idi", partitions: Any = ()
    ) -> None:
        import confluent_kafka

        producer = confluent_kafka.Producer(
            {"bootstrap.servers": f"127.0.0.1:{self.server.port}", "enable.idempotence": True}
        )
        partitions = list(partitions)
        for index, value in enumerate(values):
            place = {"partition": partitions[index]} if partitions else {}
            producer.produce(self.name, key=key, value=value, **place)
        assert producer.flush(10) == 0

    @contextmanager
    def listening(self, *writers: Any, health: Any = None, **options: Any) -> Any:
        """Listen in a thread."""
        stop, ready = threading.Event(), threading.Event()
        thread = threading.Thread(
            target=listen_to_broker,
            args=(self.server.address, {}),
            kwargs={
                "writers": Writers({writer.format: writer for writer in writers}),
                "options": self.options(**options),
                "stop": stop,
                "ready": ready,
                "health": health,
            },
        )
        thread.start()
        try:
            assert ready.wait(30)
            yield
        finally:
            stop.set()
            thread.join(60)
        assert not thread.is_alive()


class Listener:
    """A listener whose steps a test takes one by one."""

    def __init__(self, topic: Topic, *writers: Any, **chosen: Any) -> None:
        options = topic.options(**chosen)
        self.broker = KafkaBroker(topic.server.address, options)
        self.jobs = Jobs(self.broker, writers, options)

    def step(self) -> None:
        self.jobs.take(50)
        self.jobs.receive(0.05)
        self.jobs.settle()

    def until(self, condition: Callable[[], Any], seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline
            self.step()


def sent(broker: KafkaBroker, number: int, documents: slice = slice(None), **chosen: Any) -> str:
    """Send some of the documents of a run; return its uid."""
    played = _played.setdefault(number, list(run(number)))
    uid = str(played[0][1]["uid"])
    how = {"encoding": "msgpack", "part_bytes": 500_000, **chosen}
    for index in range(len(played))[documents]:
        broker.send(uid, frames_of(index + 1, *played[index], **how))
    return uid


_played: dict[int, Any] = {}


def as_json(document: list[Any]) -> bytes:
    return json.dumps(document).encode()
