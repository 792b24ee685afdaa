"""``bluescribe listen``: writers in a process of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from ..errors import ConfigError
from ..listening import listen, listen_to_broker
from ..session.writers import Writers
from ..sources.brokers import BrokerOptions
from .show import warnings_on

__all__ = ["run", "run_of_broker"]


def run(address: str, iconfig: Path, prefix: str, decode: str, console: Console) -> int:
    """Listen until a signal comes, then tell what was written; return 1 if a run is incomplete."""
    hear = partial(listen, address, iconfig, prefix=prefix, decode=decode)
    return _listened(hear, address, console)


def run_of_broker(
    address: str, iconfig: Path, chosen: Mapping[str, Any], client: Sequence[str], console: Console
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
        ``KEY=VALUE`` for the client of the broker; values are JSON, or texts.
    console
        For people.
    """
    given = {key: value for key, value in chosen.items() if value is not None}
    options = BrokerOptions(**given, client=dict(map(_option, client)))
    hear = partial(listen_to_broker, address, iconfig, options=options)
    return _listened(hear, f"{address.rpartition('@')[2]} as {options.name}", console)


def _listened(hear: Callable[..., Writers], where: str, console: Console) -> int:
    ready = threading.Event()
    threading.Thread(target=_tell_when_ready, args=(ready, where, console), daemon=True).start()
    with warnings_on(console):
        writers = hear(ready=ready)
    status = writers.status()
    console.print(str(status), markup=False, soft_wrap=True)
    return 1 if any(each.failures or each.discrepancies for each in status.values()) else 0


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
    console.print(f"listening at {where}; Ctrl-C ends it", soft_wrap=True)
