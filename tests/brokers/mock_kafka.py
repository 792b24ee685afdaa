"""The mock brokers that librdkafka brings: they speak Kafka's protocol, and keep all in memory.

confluent-kafka starts them by the setting ``test.mock.num.brokers``; what else they can, such as to
be away or to refuse, librdkafka's own functions ask for.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any, ClassVar

import pytest

_PRODUCER = 0
PRODUCE = 0
"""Kafka's number of the request that sends messages."""
TOO_LARGE = 10
"""Kafka's number of what it says to a message that is too large."""
PARTITIONS = 4
"""Of a topic that nobody has made."""


def _library() -> Any:
    kafka = pytest.importorskip("confluent_kafka", reason="not installed: confluent_kafka")
    beside = Path(kafka.__file__).parents[1] / "confluent_kafka.libs"
    found = sorted(beside.glob("librdkafka-*.so*"))
    if not found:
        pytest.skip("the mock brokers of this librdkafka cannot be reached")
    library = ctypes.CDLL(str(found[0]))
    for name in ("rd_kafka_new", "rd_kafka_mock_cluster_new", "rd_kafka_conf_new"):
        getattr(library, name).restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    return library


class MockKafka:
    """A broker of its own, which is away or there."""

    name = "kafka"
    quick: ClassVar[dict[str, Any]] = {"session.timeout.ms": 2000, "heartbeat.interval.ms": 300}
    """For listeners: the mock shares partitions out anew a second before this is over."""

    def __init__(self) -> None:
        self._library = library = _library()
        said = ctypes.create_string_buffer(200)
        settings = ctypes.c_void_p(library.rd_kafka_conf_new())
        library.rd_kafka_conf_set(settings, b"log_level", b"0", said, len(said))
        client = library.rd_kafka_new(_PRODUCER, settings, said, ctypes.c_size_t(len(said)))
        self._client = ctypes.c_void_p(client)
        self._cluster = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(self._client, 1))
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        place = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        self.port = int(place.rpartition(":")[2])
        self.address = f"kafka://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._library.rd_kafka_mock_broker_set_down(self._cluster, 1)

    def start(self) -> None:
        self._library.rd_kafka_mock_broker_set_up(self._cluster, 1)

    def close(self) -> None:
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._client)

    def make_topic(self, topic: str, partitions: int) -> None:
        self._library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), partitions, 1)

    def delete_before(self, topic: str, partition: int, offset: int) -> None:
        """Forget messages, as a broker does when they are old."""
        if not hasattr(self._library, "rd_kafka_mock_partition_delete_records"):
            pytest.skip("the mock brokers of this librdkafka delete nothing")
        self._library.rd_kafka_mock_partition_delete_records(
            self._cluster, topic.encode(), partition, ctypes.c_int64(offset)
        )

    def refuse(self, request: int, *errors: int) -> None:
        """Answer the next requests of a kind with errors."""
        self._library.rd_kafka_mock_push_request_errors(
            self._cluster,
            ctypes.c_int16(request),
            ctypes.c_size_t(len(errors)),
            *map(ctypes.c_int, errors),
        )
