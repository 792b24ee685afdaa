"""Runs in NATS JetStream: a subject a run, and a stream that announces them to groups of listeners.

Needs nats-server 2.9 or newer with JetStream. What is older than 30 days goes, written or not.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from ...errors import DocumentError
from ...extras import import_extra
from .base import Broker, BrokerAwayError, Incoming, Job
from .options import BrokerOptions
from .wire import Frame

__all__ = ["NatsBroker"]

Result = TypeVar("Result")

_KEPT_SECONDS = 30 * 24 * 3600
_AT_ONCE = 200
"""Frames of one run that are read at once."""
_SENT_TOGETHER = 100
"""Frames that wait for the server's word at the same time."""
_PATIENT = {"max_reconnect_attempts": -1, "connect_timeout": 5, "reconnect_time_wait": 0.5}
_CALL_SECONDS = 10.0
"""How long the server may take for anything."""


class NatsBroker(Broker):
    """NATS JetStream; its client lives on a thread of its own.

    Parameters
    ----------
    address
        ``nats://host:4222``, or ``tls://``.
    options
        ``client`` goes to nats-py's ``connect``: ``user``, ``password``, ``user_credentials``,
        ``token``... ``ssl_ca_certs``, ``ssl_certfile`` and ``ssl_keyfile`` are paths, as for Redis.
    """

    def __init__(self, address: str, options: BrokerOptions) -> None:
        self._nats = import_extra("nats", "nats", "a NATS broker")
        self._api = import_extra("nats.js.api", "nats", "a NATS broker")
        self._address, self._options = address, options
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="bluescribe-nats", daemon=True
        )
        self._thread.start()
        self._client: Any = None
        self._js: Any = None
        self._has_streams = False
        self._jobs: Any = None
        """What gives us runs."""
        self._announced: dict[str, Any] = {}
        """What announced each of our runs."""
        self._readers: dict[str, Any] = {}
        """What gives us the frames of each; None before the first are asked for."""
        topic = options.topic
        self._documents, self._runs = f"{topic}-documents", f"{topic}-runs"

    def send(self, uid: str, frames: Iterable[Frame]) -> None:
        """Keep frames of a run."""
        self._call(self._send(uid, list(frames)))

    async def _send(self, uid: str, frames: list[Frame]) -> None:
        js = await self._connected()
        for start in range(0, len(frames), _SENT_TOGETHER):
            together = frames[start : start + _SENT_TOGETHER]
            acks = [await self._publish_async(js, uid, frame) for frame in together]
            await asyncio.gather(*acks)
        if any(frame.number == 1 and frame.part == 0 for frame in frames):
            await self._announce(js, uid)

    async def _publish_async(self, js: Any, uid: str, frame: Frame) -> Any:
        headers = {**frame.head, "Nats-Msg-Id": f"{uid}.{frame.number}.{frame.part}"}
        subject = f"{self._options.topic}.document.{uid}"
        return await js.publish_async(subject, frame.body, headers=headers)

    async def _announce(self, js: Any, uid: str) -> None:
        """Announce a run; the server takes one announcement of each."""
        try:
            await js.publish(f"{self._options.topic}.run.{uid}", uid.encode())
        except self._nats.js.errors.APIError as error:
            if "maximum messages per subject" not in str(error):
                raise

    def take(self, most: int) -> list[Job]:
        """Return runs that are this listener's from now on."""
        return self._call(self._take(most)) if most > 0 else []

    async def _take(self, most: int) -> list[Job]:
        js = await self._connected()
        if self._jobs is None:
            config = self._api.ConsumerConfig(
                ack_policy=self._api.AckPolicy.EXPLICIT,
                ack_wait=self._options.idle_seconds,
                max_ack_pending=100_000,
            )
            self._jobs = await js.pull_subscribe(
                f"{self._options.topic}.run.*",
                durable=self._options.group,
                stream=self._runs,
                config=config,
            )
        jobs = []
        for message in await self._fetch(self._jobs, most, 0.1):
            uid = message.data.decode()
            self._announced[uid] = message
            self._readers[uid] = None
            jobs.append(Job(uid))
        return jobs

    def poll(self, seconds: float) -> list[Incoming]:
        """Return what came of this listener's runs."""
        if not self._readers:
            time.sleep(seconds)
            return []
        return self._call(self._poll(seconds))

    async def _poll(self, seconds: float) -> list[Incoming]:
        js = await self._connected()
        uids = list(self._readers)
        try:
            for uid in uids:
                if self._readers[uid] is None:
                    self._readers[uid] = await self._reader(js, uid)
            each = [self._fetch(self._readers[uid], _AT_ONCE, seconds) for uid in uids]
            found = await asyncio.gather(*each)
        except Exception:
            self._readers = dict.fromkeys(self._readers)  # they begin again; what came is known
            raise
        return [i for uid, messages in zip(uids, found, strict=True) for i in _in(uid, messages)]

    async def _reader(self, js: Any, uid: str) -> Any:
        config = self._api.ConsumerConfig(
            ack_policy=self._api.AckPolicy.NONE, inactive_threshold=60.0
        )
        subject = f"{self._options.topic}.document.{uid}"
        return await js.pull_subscribe(subject, stream=self._documents, config=config)

    async def _fetch(self, subscription: Any, most: int, seconds: float) -> list[Any]:
        try:
            found: list[Any] = await subscription.fetch(most, timeout=seconds)
        except (TimeoutError, self._nats.errors.TimeoutError):
            return []
        return found

    def done(self, uid: str) -> None:
        """Forget a run; its documents go at once if no other group wants them."""
        self._call(self._leave(uid, is_done=True))

    def lose(self, uid: str) -> None:
        """Take a run for another listener's from now on."""
        self._announced.pop(uid, None)
        self._readers.pop(uid, None)

    def refuse(self, uid: str) -> str:
        """Put a run aside: TOPIC.refused.UID names it, and its documents stay."""
        self._call(self._refuse(uid))
        return f"{self._options.topic}.refused.{uid} names it, and NATS keeps its documents"

    async def _refuse(self, uid: str) -> None:
        js = await self._connected()
        await js.publish(f"{self._options.topic}.refused.{uid}", uid.encode())
        await self._leave(uid, is_done=False)

    async def _leave(self, uid: str, *, is_done: bool) -> None:
        js = await self._connected()
        if is_done and len(await js.consumers_info(self._runs)) == 1:
            subject = f"{self._options.topic}.document.{uid}"
            await js.purge_stream(self._documents, subject=subject)
        if (reader := self._readers.pop(uid, None)) is not None:
            about = await reader.consumer_info()
            await reader.unsubscribe()
            await js.delete_consumer(self._documents, about.name)
        if (message := self._announced.pop(uid, None)) is not None:
            await message.ack_sync()

    def lag(self) -> int | None:
        """Return how many runs no listener has."""
        return self._call(self._lag())

    async def _lag(self) -> int | None:
        if self._jobs is None:
            return None
        about = await self._jobs.consumer_info()
        return int(about.num_pending)

    def beat(self) -> set[str]:
        """Say that this listener lives; NATS does not tell whose a run is."""
        self._call(self._beat())
        return set()

    async def _beat(self) -> None:
        for message in list(self._announced.values()):
            await message.in_progress()

    def close(self) -> None:
        """Let go of the connection."""
        if self._loop.is_closed():
            return
        with suppress(BrokerAwayError):
            if self._client is not None:
                self._call(self._client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _connected(self) -> Any:
        if self._client is None:
            given = {**_PATIENT, **_with_tls(self._options.client)}
            self._client = await self._nats.connect(self._address, error_cb=_quiet, **given)
            self._js = self._client.jetstream(publish_async_max_pending=2 * _SENT_TOGETHER)
        if not self._client.is_connected:
            raise BrokerAwayError("NATS: the server is away")
        if not self._has_streams:
            await self._make_streams()
            self._has_streams = True
        return self._js

    async def _make_streams(self) -> None:
        topic, api = self._options.topic, self._api
        common = {"retention": api.RetentionPolicy.LIMITS, "max_age": _KEPT_SECONDS}
        documents = api.StreamConfig(
            name=self._documents, subjects=[f"{topic}.document.*"], duplicate_window=3600, **common
        )
        runs = api.StreamConfig(
            name=self._runs,
            subjects=[f"{topic}.run.*", f"{topic}.refused.*"],
            max_msgs_per_subject=1,
            discard=api.DiscardPolicy.NEW,
            discard_new_per_subject=True,
            **common,
        )
        for config in (documents, runs):
            try:
                await self._js.add_stream(config)
            except self._nats.js.errors.BadRequestError:  # it is there, as its owner wants it
                await self._js.stream_info(config.name)

    def _call(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Do something on the client's thread; a server that is away raises a `BrokerAwayError`."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(_CALL_SECONDS)
        except BrokerAwayError:
            raise
        except TimeoutError as error:
            future.cancel()
            raise BrokerAwayError("NATS: the server does not answer") from error
        except (self._nats.errors.Error, OSError) as error:
            self._has_streams = False  # a server that forgot them is given them again
            raise BrokerAwayError(f"NATS: {error or type(error).__name__}") from error


def _with_tls(client: Mapping[str, Any]) -> dict[str, Any]:
    """Return what nats-py is given, with the files of certificates in a context."""
    given = dict(client)
    authority, *own = (
        given.pop(f"ssl_{name}", None) for name in ("ca_certs", "certfile", "keyfile")
    )
    if authority or own[0]:
        given["tls"] = ssl.create_default_context(cafile=authority)
        if own[0]:
            given["tls"].load_cert_chain(*own)
    return given


async def _quiet(_: Exception) -> None:
    """Leave it to whoever calls: what is away is told once, and not at each try to connect."""


def _in(uid: str, messages: list[Any]) -> Iterable[Incoming]:
    for message in messages:
        headers: Mapping[str, str] = message.headers or {}
        try:
            yield Incoming(uid, Frame.of(headers, message.data), size=len(message.data))
        except DocumentError:
            continue  # of somebody else
