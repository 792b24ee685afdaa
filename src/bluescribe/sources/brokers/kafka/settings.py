"""How Kafka's client is configured: from an address, and what its user gives beside it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from ....errors import ConfigError

__all__ = ["Quiet", "client_settings"]

logger = logging.getLogger(__name__)

_PORT = "9092"
_SPELLINGS = {
    "ssl_ca_certs": "ssl.ca.location",
    "ssl_certfile": "ssl.certificate.location",
    "ssl_keyfile": "ssl.key.location",
    "username": "sasl.username",
    "password": "sasl.password",
    "sasl.mechanism": "sasl.mechanisms",
}
"""As Redis and NATS have them, and other names of the same."""
_OURS = ("bootstrap.servers", "group.id", "enable.auto.commit", "enable.auto.offset.store")


def client_settings(address: str, client: Mapping[str, Any]) -> dict[str, Any]:
    """Return what confluent-kafka's producers and consumers are both given.

    Parameters
    ----------
    address
        ``kafka://user:password@host:9092,host2:9092``; ``kafkas://`` is encrypted.
    client
        librdkafka's settings, with points or underscores: ``sasl.mechanism`` or
        ``sasl_mechanism``; paths of certificates may be called as for Redis.

    Raises
    ------
    ConfigError
        One is not for a user to set, or one is missing.
    """
    scheme, _, place = address.partition("://")
    user, is_known, servers = place.rpartition("@")
    found = dict(map(_spelled, client.items()))
    if is_known:
        name, _, password = user.partition(":")
        found = {"sasl.username": unquote(name), "sasl.password": unquote(password)} | found
    for key in _OURS:
        if key in found:
            raise ConfigError(f"client {key}: leave it away, bluescribe sees to it")
    found.setdefault("security.protocol", _protocol(scheme, found))
    return {"bootstrap.servers": _servers(address, servers), **found}


def _spelled(item: tuple[str, Any]) -> tuple[str, Any]:
    key, value = item
    key = _SPELLINGS.get(key, key.replace("_", "."))
    return _SPELLINGS.get(key, key), value


def _servers(address: str, servers: str) -> str:
    """Return the servers with their ports."""
    found = []
    for server in servers.rstrip("/").split(","):
        host, has_port, port = server.strip().rpartition(":")
        if not has_port:
            host, port = port, _PORT
        if not (host and port.isdigit()):
            raise ConfigError(f"{address!r}: write host:port, such as kafka://host:9092,other:9092")
        found.append(f"{host}:{port}")
    return ",".join(found)


def _protocol(scheme: str, found: Mapping[str, Any]) -> str:
    """Return how the client speaks to the broker, where its user does not say it in full."""
    has_user = any(key.startswith("sasl.") for key in found)
    is_encrypted = scheme == "kafkas" or any(key.startswith("ssl.") for key in found)
    if "sasl.username" in found and "sasl.mechanisms" not in found:
        raise ConfigError(
            "a user of Kafka needs sasl_mechanism too: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, as "
            "the broker has it"
        )
    kind = "SSL" if is_encrypted else "PLAINTEXT"
    return f"SASL_{kind}" if has_user else kind


class Quiet:
    """What librdkafka logs to: it complains at each try to connect."""

    def log(self, _: int, message: str, *args: Any) -> None:
        """Log for whoever looks for a fault."""
        logger.debug(message, *args)
