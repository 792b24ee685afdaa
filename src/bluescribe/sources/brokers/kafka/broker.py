"""Runs in a topic of Kafka: to each listener of a group its partitions, and the runs in them.

Offsets are committed by hand. What is committed is where the oldest run begins that is not done:
there a listener begins again that comes after one that died, or that is given the partition.
Needs Kafka 2.4 or newer, or what speaks as it does.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from typing import Any

from ....errors import ConfigError, DocumentError
from ....extras import import_extra
from ....log_once import LogOnce
from ..base import Broker, Incoming, Job
from ..options import BrokerOptions
from ..wire import Frame
from .group import Group
from .partition import OpenRun, Partition
from .sending import Sender, bare
from .settings import Quiet, client_settings

__all__ = ["KafkaBroker"]

logger = logging.getLogger(__name__)

_REMEMBERED = 10_000
"""Runs that are done, or have no start."""


class KafkaBroker(Broker):
    """A topic of Kafka.

    Parameters
    ----------
    address
        ``kafka://host:9092,other:9092``, or ``kafkas://`` with TLS; see `client_settings`.
    options
        ``client`` has settings of librdkafka.

    Raises
    ------
    ConfigError
        The address, or one of these, is not allowed.
    """

    loss = "its partition is another listener's now"
    puts_off = False

    def __init__(self, address: str, options: BrokerOptions) -> None:
        self._kafka = import_extra("confluent_kafka", "kafka", "a Kafka broker")
        self._topic = options.topic
        self._settings = client_settings(address, options.client)
        try:
            self._kafka.Producer(self._settings, logger=Quiet())
        except self._kafka.KafkaException as error:
            raise ConfigError(f"the client of Kafka: {error.args[0].str()}") from None
        self._sender: Sender | None = None
        self._group = Group(self._kafka, self._settings, options, self._give, self._note_gone)
        self._where: dict[str, Partition] = {}
        """The partition of each of our runs."""
        self._announced: dict[str, Job] = {}
        """Runs that nobody has taken so far."""
        self._strays: list[Job] = []
        self._incoming: deque[Incoming] = deque()
        self._lost: set[str] = set()
        self._done: dict[str, None] = {}
        self._headless: dict[str, None] = {}
        """Runs whose start was not where their documents are."""
        self._told = LogOnce()

    def send(self, uid: str, frames: Iterable[Frame]) -> None:
        """Keep frames of a run."""
        if self._sender is None:
            self._sender = Sender(self._kafka, self._settings, self._topic)
        self._sender.send(uid, frames)

    def take(self, most: int) -> list[Job]:
        """Return the runs that have begun, all of them: a stop may come behind the next start."""
        self._group.connect()
        jobs = [*self._announced.values(), *self._strays]
        self._announced, self._strays = {}, []
        return jobs

    def poll(self, seconds: float) -> list[Incoming]:
        """Return what came of this listener's runs."""
        if not self._incoming and not self._announced:
            for partition, message in self._group.read(seconds):
                self._sort(partition, message)
        ready = []
        while self._incoming and self._incoming[0].uid not in self._announced:
            ready.append(self._incoming.popleft())
        self._group.see_to()
        return ready

    def _sort(self, partition: Partition, message: Any) -> None:
        """Take a message for what it is: of a run that is ours, of a new one, or of none."""
        try:
            incoming = _incoming(partition, message)
        except DocumentError as error:
            if self._told.is_new(str(error)):
                logger.warning(
                    "topic %s: a message is refused, and each of its kind: %s", self._topic, error
                )
            return
        if incoming is None or incoming.uid in self._done:
            return
        uid, offset = incoming.uid, message.offset()
        run = partition.runs.get(uid)
        if run is None and (uid in self._where or not incoming.is_start):
            if uid not in self._headless:
                _remember(self._headless, uid)
                self._strays.append(Job(uid, is_headless=True))
            return
        if run is None:
            run = partition.runs[uid] = OpenRun(offset)
            self._where[uid] = partition
            self._announced[uid] = Job(uid)
        if offset > run.last:
            run.last = offset
            self._incoming.append(incoming)

    def done(self, uid: str) -> None:
        """Forget a run; where a listener begins again moves on if it was the oldest."""
        if (partition := self._where.pop(uid, None)) is not None:
            partition.leave(uid)
        _remember(self._done, uid)

    def lose(self, uid: str) -> None:
        """Read a run again from its start, if its partition is still this listener's."""
        partition = self._where.pop(uid, None)
        if partition is None:
            return
        self._drop({uid})
        start = partition.runs[uid].start
        partition.leave(uid)
        partition.strangers.begin_again()
        self._group.read_again(partition, start)

    def refuse(self, uid: str) -> str:
        """Read on behind a run that cannot be written."""
        partition = self._where[uid]
        start = partition.runs[uid].start
        self.done(uid)
        return (
            f"it stays in partition {partition.number} of topic {self._topic}, from offset "
            f"{start} on, as long as the broker keeps it: a listener of another --group reads it"
        )

    def _give(self, uids: set[str]) -> None:
        self._drop(uids)
        if self.hand_over is not None:
            self.hand_over(uids)

    def lost(self) -> set[str]:
        """Return the runs whose partitions others have by now."""
        lost, self._lost = self._lost, set()
        return lost

    def _note_gone(self, uids: Iterable[str]) -> None:
        for uid in uids:
            self._where.pop(uid, None)
            self._lost.add(uid)
        self._drop(self._lost)

    def _drop(self, uids: set[str]) -> None:
        """Forget what came of runs and was not handed on."""
        self._incoming = deque(each for each in self._incoming if each.uid not in uids)
        self._announced = {uid: job for uid, job in self._announced.items() if uid not in uids}

    def lag(self) -> int | None:
        """Return how many messages of this listener's partitions were not read."""
        return self._group.lag()

    def beat(self) -> set[str]:
        """Do nothing: the client says by itself that this listener lives."""
        return set()

    def close(self) -> None:
        """Let go of the connection; the partitions go to others at once."""
        self._group.close()


def _remember(runs: dict[str, None], uid: str) -> None:
    runs[uid] = None
    if len(runs) > _REMEMBERED:
        del runs[next(iter(runs))]


def _incoming(partition: Partition, message: Any) -> Incoming | None:
    """Return what a message brings; None for nothing, or what came before."""
    value: bytes | None = message.value()
    if value is None:
        return None
    headers = message.headers() or ()
    head = {key: data.decode("utf-8", "replace") for key, data in headers if data is not None}
    if "number" not in head or "part" not in head:
        found = partition.strangers.read(value)
        return None if found is None else Incoming(found[0], document=found[1:], size=len(value))
    uid = (message.key() or b"").decode("utf-8", "replace")
    return Incoming(uid, Frame.of(head, bare(value, head)), size=len(value))
