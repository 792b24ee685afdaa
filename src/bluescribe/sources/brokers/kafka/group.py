"""A listener in its group: which partitions it has, what it reads, and what it commits."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ....log_once import LogOnce
from ..base import BrokerAwayError
from ..options import BrokerOptions
from .partition import Partition
from .settings import Quiet

__all__ = ["Group"]

logger = logging.getLogger(__name__)

_AT_ONCE = 200
"""Messages that are read at once."""
_SHORTEST_SESSION = 6.0
"""Seconds; brokers refuse less, where their owner has not said otherwise."""
_LONGEST_PAUSE = 300.0
"""Seconds that the disk may hold up a listener before its partitions go to others."""
_COMMIT_SECONDS = 1.0
_RETENTION_SECONDS = 60.0
"""How often it is asked what the broker has deleted."""
_CALL_SECONDS = 3.0


class Group:
    """A listener in its group.

    Parameters
    ----------
    kafka
        The module confluent_kafka.
    settings
        Of the client.
    options
        Topic and group.
    give
        Is told of the runs of partitions that others get when it returns; what is done of them
        is committed then.
    gone
        Is told of the runs of a partition that is another listener's already.
    """

    def __init__(
        self,
        kafka: Any,
        settings: Mapping[str, Any],
        options: BrokerOptions,
        give: Callable[[set[str]], None],
        gone: Callable[[Iterable[str]], None],
    ) -> None:
        self._kafka, self._settings, self._options = kafka, settings, options
        self._topic, self._gives, self._gone = options.topic, give, gone
        self._consumer: Any = None
        self._is_subscribed = False
        self._trouble = ""
        """What the client said last of a broker that is away."""
        self._told = LogOnce()
        self._committed_at = self._looked_at = 0.0
        self.partitions: dict[int, Partition] = {}

    def connect(self) -> None:
        """Join the group, and look whether the broker is there.

        Raises
        ------
        BrokerAwayError
            It does not answer.
        """
        if self._consumer is None:
            self._consumer = self._kafka.Consumer(self._configured(), logger=Quiet())
            self._trouble = "it does not answer"
        if not self._trouble:
            return
        try:
            self._consumer.list_topics(self._topic, timeout=_CALL_SECONDS)
        except self._kafka.KafkaException as error:
            if not self._is_subscribed:
                self._consumer.poll(0)  # what went wrong is told in a callback
            raise BrokerAwayError(f"Kafka: {self._trouble or error.args[0].str()}") from None
        self._trouble = ""
        if not self._is_subscribed:
            self._is_subscribed = True
            self._consumer.subscribe(
                [self._topic], on_assign=self._take, on_revoke=self._give, on_lost=self._lose
            )

    def _configured(self) -> dict[str, Any]:
        session = max(_SHORTEST_SESSION, self._options.idle_seconds)
        return {
            "auto.offset.reset": "earliest",
            "session.timeout.ms": int(1000 * session),
            "heartbeat.interval.ms": int(1000 * session / 6),
            "max.poll.interval.ms": int(1000 * max(_LONGEST_PAUSE, session)),
            "partition.assignment.strategy": "cooperative-sticky",
            "topic.metadata.refresh.interval.ms": 10_000,
            "queued.max.messages.kbytes": 16_384,
            **self._settings,
            "group.id": self._options.group,
            "client.id": self._options.name,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "error_cb": self._note_trouble,
            "on_commit": self._note_commit,
        }

    def read(self, seconds: float) -> Iterator[tuple[Partition, Any]]:
        """Yield messages, each with its partition; wait if there are none."""
        self._go_back()
        for message in self._consumer.consume(_AT_ONCE, seconds):
            if (error := message.error()) is not None:
                if self._told.is_new(error.code()):
                    logger.warning("Kafka, topic %s: %s", self._topic, error.str())
                continue
            partition = self.partitions.get(message.partition())
            if partition is None or partition.again is not None:  # given away, or read again
                continue
            partition.position = message.offset() + 1
            yield partition, message

    def read_again(self, partition: Partition, offset: int) -> None:
        """Read a partition again from an offset on, or from an earlier one that was asked for."""
        if partition.position is not None and partition.position <= offset:
            return
        partition.position = partition.again = offset

    def _go_back(self) -> None:
        """Go back to where partitions are read again; what comes of them before is left out."""
        for partition in self.partitions.values():
            if partition.again is None:
                continue
            try:
                self._consumer.seek(self._place(partition.number, partition.again))
            except self._kafka.KafkaException as error:  # it may just be given to another one
                logger.debug("partition %d is not read again yet: %s", partition.number, error)
            else:
                partition.again = None

    def see_to(self) -> None:
        """Do what has to be done from time to time."""
        now = time.monotonic()
        if now > self._committed_at + _COMMIT_SECONDS:
            self._committed_at = now
            self._commit(self.partitions.values(), waits=False)
        if now > self._looked_at + _RETENTION_SECONDS:
            self._looked_at = now
            for partition in self.partitions.values():
                self._look(partition)

    def lag(self) -> int | None:
        """Return how many messages were not read, as far as the client knows."""
        waiting = 0
        for partition in self.partitions.values():
            place = self._place(partition.number)
            low, high = self._consumer.get_watermark_offsets(place, cached=True)
            read = max(low, 0) if partition.position is None else partition.position
            waiting += max(0, high - read)
        return waiting if self.partitions else None

    def close(self) -> None:
        """Leave the group; the partitions go to others at once."""
        if self._consumer is not None:
            self._consumer.close()  # which gives them away, and so commits
            self._consumer = None

    def _take(self, _: Any, places: list[Any]) -> None:
        for place in places:
            self.partitions[place.partition] = Partition(place.partition)
        try:
            found = self._consumer.committed(places, timeout=_CALL_SECONDS)
        except self._kafka.KafkaException as error:
            logger.debug("what is committed is not known: %s", error)
            return
        for place in found:
            if place.offset >= 0:
                partition = self.partitions[place.partition]
                partition.committed = partition.position = place.offset
                self._look(partition)
                self._tell_of_loss(partition)

    def _tell_of_loss(self, partition: Partition) -> None:
        """Tell if the broker has deleted what nobody has written."""
        if partition.committed is not None and partition.committed < partition.low:
            logger.error(
                "topic %s, partition %d: %d messages were deleted by the broker before they were "
                "written: its retention is shorter than the time in which no listener ran. Remedy: "
                "write their runs from a catalog or journal: bluescribe export",
                *(self._topic, partition.number, partition.low - partition.committed),
            )

    def _look(self, partition: Partition) -> None:
        """Ask what is the oldest message that the broker still has."""
        try:
            low, _ = self._consumer.get_watermark_offsets(
                self._place(partition.number), timeout=_CALL_SECONDS
            )
        except self._kafka.KafkaException as error:
            logger.debug("what is there of partition %d is not known: %s", partition.number, error)
            return
        partition.low = low
        for uid, run in partition.runs.items():
            if run.start < low and self._told.is_new(uid):
                logger.warning(
                    "run %s is open for longer than the broker keeps messages: what is written of "
                    "it stays, but if this listener ends before the run does, no other one can "
                    "write it anew. Remedy: a longer retention for topic %s",
                    *(uid, self._topic),
                )

    def _give(self, _: Any, places: list[Any]) -> None:
        """Let another listener have partitions: what is done is committed."""
        given = [self.partitions[p.partition] for p in places if p.partition in self.partitions]
        self._gives({uid for partition in given for uid in partition.runs})
        self._commit(given, waits=True)
        self._lose(_, places)

    def _lose(self, _: Any, places: list[Any]) -> None:
        for place in places:
            partition = self.partitions.pop(place.partition, None)
            if partition is not None:
                self._gone(list(partition.runs))

    def _commit(self, partitions: Iterable[Partition], *, waits: bool) -> None:
        moved = []
        for partition in partitions:
            safe = partition.safe()
            if safe is not None and safe != partition.committed:
                moved.append(self._place(partition.number, safe))
        if not moved:
            return
        try:
            self._consumer.commit(offsets=moved, asynchronous=not waits)
        except self._kafka.KafkaException as error:  # it comes again; what is written is known
            logger.debug("not committed: %s", error)

    def _note_commit(self, error: Any, places: list[Any]) -> None:
        if error is not None:
            logger.debug("not committed: %s", error)
            return
        for place in places:
            partition = self.partitions.get(place.partition)
            if partition is not None and place.error is None:
                partition.committed = place.offset

    def _note_trouble(self, error: Any) -> None:
        if error.code() != self._kafka.KafkaError._ALL_BROKERS_DOWN or not self._trouble:
            self._trouble = error.str()

    def _place(self, partition: int, *offset: int) -> Any:
        return self._kafka.TopicPartition(self._topic, partition, *offset)
