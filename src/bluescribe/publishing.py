"""The documents of a RunEngine to a broker: from a spool, so that the scan never waits for it.

A run that is sent is what a run in a file is to other writers: it is retried while the broker is
away, waits in the spool when that takes long, and is sent by the next session if need be.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field as Setting

from .contract.plugin import FormatPlugin
from .contract.runfile import RunFile
from .contract.settings import WriterSettings
from .model.run import Descriptor, Document, Page, Run, Stream
from .recording.writer import Writer
from .sources.brokers import Broker, BrokerOptions, Frame, frames_of, open_broker
from .sources.brokers.wire import UNSTOPPED
from .spool import Spool, SpoolSettings
from .spool.folder import has_left_folders
from .spool.home import known_homes, spool_home

if TYPE_CHECKING:
    from bluesky import RunEngine

__all__ = ["PublishSettings", "Publisher", "publish_to"]

_SENT_BYTES = 4_000_000
"""What is sent at once, at the most."""


class PublishSettings(WriterSettings):
    """Where documents are sent."""

    to: str = Setting(
        "", description="The broker: redis://host:6379, nats://host:4222, kafka://host:9092"
    )
    topic: str = Setting("bluescribe", description="Under which name the runs lie there")
    encoding: Literal["msgpack", "json"] = Setting("msgpack", description="How documents travel")
    part_bytes: int = Setting(500_000, gt=0, description="The largest part of a document")
    client: dict[str, Any] = Setting({}, description="Passed to the broker's client: TLS, users")


class PublishedRun(RunFile[PublishSettings]):
    """One run on its way to a broker."""

    takes_pages: ClassVar[bool] = False
    is_sent: ClassVar[bool] = True

    def open(self, run: Run) -> None:
        """Begin; nothing is sent yet."""
        self._uid, self._number = run.uid, 0
        self._waiting: list[Frame] = []
        self._size = 0
        self._is_ended = False

    def record(self, name: str, doc: Document) -> None:
        """Take a document."""
        if self._size >= _SENT_BYTES:
            self.sync()  # before it is taken: what fails is called again
        self._take(name, doc)

    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None:
        """Do nothing: `record` has it."""

    def write_events(self, stream: Stream, page: Page) -> None:
        """Do nothing: `record` has them."""

    def sync(self) -> None:
        """Send what came since; what is sent twice is known by its number."""
        if self._waiting:
            _broker_of(self.settings).send(self._uid, self._waiting)
            self._waiting, self._size = [], 0

    def close(self, stop: Document | None) -> None:
        """Send the rest."""
        if stop is None and not self._is_ended:
            self._take(UNSTOPPED, {"run_start": self._uid})
        self._is_ended = True
        self.sync()

    def abandon(self) -> None:
        """Leave what was not sent: the run is sent anew, from its beginning."""
        self._waiting, self._size = [], 0

    def _take(self, name: str, doc: Document) -> None:
        encoding, size = self.settings.encoding, self.settings.part_bytes
        frames = list(frames_of(self._number + 1, name, doc, encoding=encoding, part_bytes=size))
        self._number += 1
        self._waiting += frames
        self._size += sum(len(frame.body) for frame in frames)


class Publisher(Writer):
    """Sends every run to a broker; nobody waits for it."""

    format = "publish"
    process_safe = True
    file_class = PublishedRun
    settings_class = PublishSettings
    interval = 0.1

    def _wait_for_files(self) -> None:
        """Wait for nothing at the end of a run: a broker that is away is no matter of the scan."""
        self.request_sync()


FORMAT = FormatPlugin(Publisher, readers="bluescribe listen")
"""Not one of the formats of iconfig.yml: it makes no files."""


def publish_to(
    RE: RunEngine,
    address: str,
    *,
    topic: str = "bluescribe",
    encoding: Literal["msgpack", "json"] = "msgpack",
    spool: str | Path | None = None,
    **client: Any,
) -> Publisher:
    """Send the documents of a RunEngine to a broker, for ``bluescribe listen``.

    They go into a spool on a local disk first and are sent from there: a broker that is slow or
    away is not felt by the scan, and what could not be sent is sent by the next session that calls
    this.

    Parameters
    ----------
    RE
        The RunEngine.
    address
        ``redis://host:6379/0``, ``nats://host:4222`` or ``kafka://host:9092``; ``rediss://``,
        ``tls://`` and ``kafkas://`` are encrypted.
    topic
        Under which name the runs lie there.
    encoding
        ``msgpack``, or ``json``. Neither is a pickle.
    spool
        Folder on a local disk for what is not sent yet; None for one of the user's own.
    **client
        Passed to redis-py, nats-py or confluent-kafka: TLS, users, passwords.

    Returns
    -------
    Publisher
        Its ``status()`` tells what waits; ``close()`` sends what it can, and ends.

    Raises
    ------
    ConfigError
        The address is not one of a broker.
    MissingExtraError
        The broker's package is not installed.
    """
    open_broker(address, BrokerOptions(topic=topic, client=client)).close()  # or it says why not
    home = SpoolSettings(spool=Path(spool) if spool else spool_home(None) / "publish")
    publisher = Publisher(to=address, topic=topic, encoding=encoding, client=client)
    publisher.follow(Spool(home))
    RE.subscribe(publisher)  # type: ignore[no-untyped-call]  # bluesky
    if any(map(has_left_folders, known_homes(home.spool))):
        from .archive.adoption.later import adopt_later

        adopt_later(home, {Publisher.format: Publisher}, bool)
    return publisher


_brokers: dict[str, Broker] = {}
_lock = threading.Lock()


def _broker_of(settings: PublishSettings) -> Broker:
    """Return the connection of this process to a broker."""
    key = repr((settings.to, settings.topic, sorted(settings.client.items(), key=str)))
    with _lock:
        if key not in _brokers:
            options = BrokerOptions(topic=settings.topic, client=settings.client)
            _brokers[key] = open_broker(settings.to, options)
        return _brokers[key]
