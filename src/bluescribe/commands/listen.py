"""``bluescribe listen``: writers in a process of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from ..errors import ConfigError
from ..files.yamltext import YamlError, load
from ..listening import listen, listen_to_broker
from ..listening.broker import STOP_SECONDS
from ..listening.health import Health
from ..listening.service import serving_health, tell_systemd
from ..session.writers import Writers
from ..sources.brokers import BrokerOptions
from .show import warnings_on

__all__ = ["client_options", "run", "run_of_broker"]


def run(
    address: str, iconfig: Path, prefix: str, decode: str, console: Console, *, http: str = ""
) -> int:
    """Listen until a signal comes, then tell what was written; return 1 if a run is incomplete."""
    hear = partial(listen, address, iconfig, prefix=prefix, decode=decode)
    return _listened(hear, address, console, http)


def run_of_broker(
    address: str,
    iconfig: Path,
    chosen: Mapping[str, Any],
    client: Mapping[str, Any],
    console: Console,
    *,
    http: str = "",
    stop_seconds: float = STOP_SECONDS,
) -> int:
    """Take runs from a broker until a signal comes, then tell what was written.

    Parameters
    ----------
    address
        Of the broker.
    iconfig
        Says which formats are written.
    chosen
        Fields of `BrokerOptions`; None for what was not given.
    client
        For the client of the broker.
    console
        For people.
    http
        Where it is told how the listener is: ``host:port``; nowhere if it is empty.
    stop_seconds
        How long the end waits for the files of runs that are over.
    """
    given = {key: value for key, value in chosen.items() if value is not None}
    options = BrokerOptions(**given, client=client)
    hear = partial(listen_to_broker, address, iconfig, options=options, stop_seconds=stop_seconds)
    return _listened(hear, f"{address.rpartition('@')[2]} as {options.name}", console, http)


def _listened(hear: Callable[..., Writers], where: str, console: Console, http: str) -> int:
    ready, health = threading.Event(), Health(where)
    threading.Thread(target=_tell_when_ready, args=(ready, where, console), daemon=True).start()
    with warnings_on(console), ExitStack() as served:
        if http:
            place = served.enter_context(serving_health(http, health))
            console.print(f"{place}/ready, /live and /metrics tell how it is", soft_wrap=True)
        writers = hear(ready=ready, health=health)
    status = writers.status()
    console.print(str(status), markup=False, soft_wrap=True)
    is_left = any(each.backlog for each in status.values())
    is_amiss = any(each.failures or each.discrepancies for each in status.values())
    return 1 if is_left or is_amiss else 0


def client_options(pairs: Sequence[str], file: Path | None) -> dict[str, Any]:
    """Return what is given to the client of a broker.

    Parameters
    ----------
    pairs
        ``KEY=VALUE``; values are JSON, or texts.
    file
        The same in a file of YAML, which can be kept from others: passwords.
    """
    found: Any = {}
    if file is not None:
        try:
            found = load(file)
        except YamlError as error:
            raise ConfigError(f"--client-file {file}: {error}") from None
        if not (isinstance(found, dict) and all(isinstance(key, str) for key in found)):
            raise ConfigError(f"--client-file {file}: write lines such as sasl.password: secret")
    return {**found, **dict(map(_option, pairs))}


def _option(text: str) -> tuple[str, Any]:
    key, is_pair, value = text.partition("=")
    if not (is_pair and key.replace(".", "_").isidentifier()):
        raise ConfigError(f"--client {text}: write KEY=VALUE, such as ssl_ca_certs=/etc/ca.pem")
    try:
        return key, orjson.loads(value)
    except orjson.JSONDecodeError:
        return key, value


def _tell_when_ready(ready: threading.Event, where: str, console: Console) -> None:
    ready.wait()
    tell_systemd(f"READY=1\nSTATUS=listening at {where}")
    console.print(f"listening at {where}; Ctrl-C ends it", soft_wrap=True)
