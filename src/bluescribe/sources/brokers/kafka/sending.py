"""Documents into a topic: all of a run under its uid, which keeps them in one partition in order.

A document that goes in one message goes as bluesky-kafka has it, a name and a document, so that
others can read the topic; what is too large goes in parts, with the head of `wire.Frame`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from ..base import BrokerAwayError
from ..wire import Frame
from .settings import Quiet

__all__ = ["Sender", "bare", "wrapped"]

_SECONDS = 5
"""How long the broker may take for what is sent at once."""
_SMALLEST_PART = 1000
_SETTINGS = {
    "enable.idempotence": True,
    "acks": "all",
    "message.timeout.ms": 1000 * _SECONDS,
    "linger.ms": 2,
    "partitioner": "murmur2_random",  # as Java's clients choose
}


class _TooLargeError(Exception):
    """The broker, or the client, takes no message as large."""


class Sender:
    """Sends to a topic; may be called on several threads.

    Parameters
    ----------
    kafka
        The module confluent_kafka.
    settings
        Of the client; what is there goes before what is usual.
    topic
        Where it sends.
    """

    def __init__(self, kafka: Any, settings: Mapping[str, Any], topic: str) -> None:
        self._kafka, self._topic = kafka, topic
        self._settings = {**_SETTINGS, **settings}
        self._producer = kafka.Producer(self._settings, logger=Quiet())
        self._lock = threading.Lock()
        self._largest: int | None = None
        """Bytes of the largest part, where the broker has refused one."""

    def send(self, uid: str, frames: Iterable[Frame]) -> None:
        """Have the broker keep frames of a run; they come again if that fails."""
        frames = list(frames)
        with self._lock:
            while True:
                try:
                    return self._send(uid, frames)
                except _TooLargeError as error:
                    size = max(len(frame.body) for frame in frames)
                    size = min(size, self._largest or size) // 2
                    if size < _SMALLEST_PART:
                        raise BrokerAwayError(f"Kafka: {error}") from error
                    self._largest = size

    def _send(self, uid: str, frames: list[Frame]) -> None:
        told: list[Any] = []
        sent, deadline = 0, time.monotonic() + 2 * _SECONDS
        for frame in self._cut(frames):
            self._produce(uid, frame, told, deadline)
            sent += 1
        while len(told) < sent and time.monotonic() < deadline:
            self._producer.poll(0.1)
        errors = [error for error in told if error is not None]
        if any(error.code() == self._kafka.KafkaError.MSG_SIZE_TOO_LARGE for error in errors):
            raise _TooLargeError(errors[0].str())
        if any(error.fatal() for error in errors):  # it says by itself that it is of no more use
            self._producer = self._kafka.Producer(self._settings, logger=Quiet())
        if errors or len(told) < sent:
            raise BrokerAwayError(f"Kafka: {errors[0].str() if errors else 'no answer'}")

    def _produce(self, uid: str, frame: Frame, told: list[Any], deadline: float) -> None:
        while True:
            try:
                self._producer.produce(
                    self._topic,
                    key=uid,
                    value=wrapped(frame),
                    headers=frame.head,
                    on_delivery=lambda error, _: told.append(error),
                )
            except BufferError:  # the client's own queue is full
                self._producer.poll(0.1)
                if time.monotonic() > deadline:
                    raise BrokerAwayError("Kafka: the broker takes nothing") from None
            except self._kafka.KafkaException as error:
                if error.args[0].code() == self._kafka.KafkaError.MSG_SIZE_TOO_LARGE:
                    raise _TooLargeError(error.args[0].str()) from None
                raise BrokerAwayError(f"Kafka: {error.args[0].str()}") from error
            else:
                return

    def _cut(self, frames: list[Frame]) -> Iterator[Frame]:
        """Cut documents into smaller parts, where the broker wants that."""
        size = self._largest
        for _, group in groupby(frames, key=lambda frame: frame.number):
            parts = list(group)
            if size is None or max(len(part.body) for part in parts) <= size:
                yield from parts
                continue
            yield from recut(parts, size)


def recut(parts: list[Frame], size: int) -> Iterator[Frame]:
    """Yield the parts of a whole document as parts of at most so many bytes."""
    body, first = b"".join(part.body for part in parts), parts[0]
    count = -(-len(body) // size)
    for index in range(count):
        piece = body[index * size : (index + 1) * size]
        yield Frame(first.number, index, count, first.name, first.encoding, piece)


def wrapped(frame: Frame) -> bytes:
    """Return what a message holds: a name and a document, or a part of one."""
    if frame.parts > 1:
        return frame.body
    before, after = _around(frame.name, frame.encoding)
    return before + frame.body + after


def bare(value: bytes, head: Mapping[str, str]) -> bytes:
    """Return what `wrapped` was given."""
    if head.get("part") != "0/1":
        return value
    before, after = _around(head.get("name", ""), head.get("encoding", ""))
    return value[len(before) : len(value) - len(after)] if value.startswith(before) else value


def _around(name: str, encoding: str) -> tuple[bytes, bytes]:
    if encoding == "json":
        return b'["%s",' % name.encode(), b"]"
    text = name.encode()
    return b"\x92" + bytes([0xA0 | len(text)]) + text, b""  # an array of two; a text of under 32
