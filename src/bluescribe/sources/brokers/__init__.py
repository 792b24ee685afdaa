"""Brokers that keep documents until their runs are written: Redis streams, NATS JetStream, Kafka.

A run is one job: its documents lie under its uid, and who takes the job takes all of them. `base`
says what every broker does, `wire` how a document travels, and each broker is a module or a package
of its own. Whoever takes jobs says when the files of one are closed, and only then is it gone.
"""

from __future__ import annotations

from ...errors import ConfigError
from .base import Broker, Incoming, Job
from .options import BrokerOptions
from .wire import Frame, frames_of

__all__ = ["Broker", "BrokerOptions", "Frame", "Incoming", "Job", "frames_of", "open_broker"]


def open_broker(address: str, options: BrokerOptions) -> Broker:
    """Return the broker at an address; it connects when it is first used.

    Parameters
    ----------
    address
        ``redis://host:6379/0``, ``rediss://`` with TLS, ``nats://host:4222``, ``tls://`` likewise,
        ``kafka://host:9092,other:9092`` and ``kafkas://``.

    Raises
    ------
    ConfigError
        No broker is called so.
    MissingExtraError
        Its package is not installed.
    """
    scheme = address.partition("://")[0]
    if scheme in ("redis", "rediss", "unix"):
        from .redis import RedisBroker

        return RedisBroker(address, options)
    if scheme in ("nats", "tls", "ws", "wss"):
        from .nats import NatsBroker

        return NatsBroker(address, options)
    if scheme in ("kafka", "kafkas"):
        from .kafka import KafkaBroker

        return KafkaBroker(address, options)
    raise ConfigError(
        f"{address!r}: write where the broker is, redis://host:6379, nats://host:4222 or "
        "kafka://host:9092 (rediss://, tls:// and kafkas:// are encrypted)"
    )
