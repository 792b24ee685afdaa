"""Runs in Redis: a stream a run, and one stream that announces them to groups of listeners.

Needs Redis 6.2 or newer. Nothing is trimmed: a run stays until each group has written it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ...errors import DocumentError
from ...extras import import_extra
from .base import Broker, BrokerAwayError, Incoming, Job
from .options import BrokerOptions
from .wire import Frame

__all__ = ["RedisBroker"]

_REMEMBERED_SECONDS = 30 * 24 * 3600
"""How long a run that is written is known: what is sent again of it until then is not kept."""
_AT_ONCE = 500
"""Frames of one run that are read at once."""

_ADD = """
local state = redis.call('GET', KEYS[3])
if state and state ~= 'open' then return 0 end
if not state then
  redis.call('SET', KEYS[3], 'open')
  redis.call('XADD', KEYS[1], '*', 'uid', ARGV[1])
end
local added = redis.pcall('XADD', KEYS[2], ARGV[2], unpack(ARGV, 3))
if type(added) == 'table' and added.err and not string.find(added.err, 'equal or smaller') then
  return redis.error_reply(added.err)
end
return 1
"""
"""Keeps a frame, once; the first one announces its run, once, whatever is sent again."""


class RedisBroker(Broker):
    """Redis streams.

    Parameters
    ----------
    address
        ``redis://user:password@host:6379/0``, ``rediss://`` with TLS, ``unix:///path``.
    options
        ``client`` goes to redis-py: ``ssl_ca_certs``, ``username``...
    """

    def __init__(self, address: str, options: BrokerOptions) -> None:
        self._redis = import_extra("redis", "redis", "a Redis broker")
        self._options = options
        given = {"socket_timeout": 30, "socket_connect_timeout": 10, **options.client}
        self._client = self._redis.Redis.from_url(address, **given)
        self._add = self._client.register_script(_ADD)
        self._runs = f"{options.topic}:runs"
        self._entries: dict[str, bytes] = {}
        """What announced each of our runs."""
        self._read: dict[str, str] = {}
        """The last frame that was read of each."""
        self._has_group = False

    def send(self, uid: str, frames: Iterable[Frame]) -> None:
        """Keep frames of a run."""
        keys = [self._runs, self._stream(uid), self._state(uid)]
        with self._faults(), self._client.pipeline(transaction=False) as pipe:
            for frame in frames:
                fields = [part for pair in frame.head.items() for part in pair]
                place = f"{frame.number}-{frame.part}"
                self._add(keys, [uid, place, *fields, "body", frame.body], client=pipe)
            pipe.execute()

    def take(self, most: int) -> list[Job]:
        """Return runs that are this listener's from now on."""
        options = self._options
        jobs: list[Job | None] = []
        if most <= 0:
            return []
        with self._faults():
            self._make_group()
            idle = int(options.idle_seconds * 1000)
            _, left, *_ = self._client.xautoclaim(
                self._runs, options.group, options.name, idle, count=most
            )
            jobs += [self._job(entry, fields) for entry, fields in left]
            if len(jobs) < most:
                streams = {self._runs: ">"}
                found = self._client.xreadgroup(
                    options.group, options.name, streams, count=most - len(jobs)
                )
                for _, entries in found or ():
                    jobs += [self._job(entry, fields) for entry, fields in entries]
        return [job for job in jobs if job is not None]

    def _job(self, entry: bytes, fields: dict[bytes, bytes] | None) -> Job | None:
        if not fields or b"uid" not in fields:  # deleted since, or not ours
            self._client.xack(self._runs, self._options.group, entry)
            return None
        uid = fields[b"uid"].decode()
        self._entries[uid], self._read[uid] = entry, "0-0"
        return Job(uid)

    def poll(self, seconds: float) -> list[Incoming]:
        """Return what came of this listener's runs."""
        if not self._read:
            time.sleep(seconds)
            return []
        streams = {self._stream(uid): last for uid, last in self._read.items()}
        with self._faults():
            found = self._client.xread(streams, count=_AT_ONCE, block=max(1, int(seconds * 1000)))
        return [
            incoming for stream, entries in found or () for incoming in self._in(stream, entries)
        ]

    def _in(
        self, stream: bytes, entries: list[tuple[bytes, dict[bytes, bytes]]]
    ) -> Iterator[Incoming]:
        uid = stream.decode().removeprefix(self._stream(""))
        for entry, fields in entries:
            self._read[uid] = entry.decode()
            body = fields.pop(b"body", b"")
            head = {key.decode(): value.decode("utf-8", "replace") for key, value in fields.items()}
            try:
                yield Incoming(uid, Frame.of(head, body), size=len(body))
            except DocumentError:
                continue  # of somebody else

    def done(self, uid: str) -> None:
        """Forget a run; its documents go when each group is done with it."""
        self._leave(uid, "done")

    def lose(self, uid: str) -> None:
        """Take a run for another listener's from now on."""
        self._entries.pop(uid, None)
        self._read.pop(uid, None)

    def refuse(self, uid: str) -> str:
        """Put a run aside: it is in TOPIC:refused, and its documents stay."""
        refused = f"{self._options.topic}:refused"
        with self._faults():
            self._client.xadd(refused, {"uid": uid})
        self._leave(uid, "refused")
        return f"{refused} names it, and Redis keeps its documents"

    def _leave(self, uid: str, state: str) -> None:
        entry, options = self._entries.get(uid), self._options
        with self._faults():
            groups = {group["name"].decode() for group in self._client.xinfo_groups(self._runs)}
            ended = f"{options.topic}:ended:{uid}"
            self._client.sadd(ended, options.group)
            names = {name.decode() for name in self._client.smembers(ended)}
            with self._client.pipeline() as pipe:
                if groups <= names:
                    pipe.set(self._state(uid), state, ex=_REMEMBERED_SECONDS)
                    pipe.delete(ended)
                    if state == "done":
                        pipe.delete(self._stream(uid))
                if entry is not None:
                    pipe.xack(self._runs, options.group, entry)
                    if groups <= names:
                        pipe.xdel(self._runs, entry)
                pipe.execute()
        self._entries.pop(uid, None)
        self._read.pop(uid, None)

    def lag(self) -> int | None:
        """Return how many runs no listener has; Redis 7 and newer knows."""
        with self._faults():
            for group in self._client.xinfo_groups(self._runs):
                if group["name"].decode() == self._options.group:
                    found: int | None = group.get("lag")
                    return found
        return None

    def beat(self) -> set[str]:
        """Say that this listener lives; return the runs that others have by now."""
        options, held = self._options, dict(self._entries)
        if not held:
            return set()
        with self._faults():
            found = self._client.xpending_range(
                self._runs, options.group, "-", "+", 10_000, consumername=options.name
            )
            mine = {each["message_id"] for each in found}
            ours = [entry for entry in held.values() if entry in mine]
            if ours:
                self._client.xclaim(self._runs, options.group, options.name, 0, ours, justid=True)
        return {uid for uid, entry in held.items() if entry not in mine}

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _make_group(self) -> None:
        if self._has_group:
            return
        try:
            self._client.xgroup_create(self._runs, self._options.group, id="0", mkstream=True)
        except self._redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._has_group = True

    def _stream(self, uid: str) -> str:
        return f"{self._options.topic}:run:{uid}"

    def _state(self, uid: str) -> str:
        return f"{self._options.topic}:state:{uid}"

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Have what a broker that is away raises be a `BrokerAwayError`."""
        try:
            yield
        except self._redis.RedisError as error:
            if "NOGROUP" in str(error):  # a server that forgot the group is given it again
                self._has_group = False
            raise BrokerAwayError(f"Redis: {error}") from error
