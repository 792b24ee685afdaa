"""``bluescribe listen``: writers in a process of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.console import Console

from ..errors import ConfigError
from .output import terminal, warnings_on

if TYPE_CHECKING:
    from ..session.writers import Writers

__all__ = ["listen"]


def listen(
    *,
    zmq: Annotated[
        str, typer.Option("--zmq", metavar="HOST:PORT", help="Where a bluesky proxy sends.")
    ] = "",
    redis: Annotated[
        str, typer.Option("--redis", metavar="URL", help="A Redis that keeps runs: redis://host.")
    ] = "",
    nats: Annotated[
        str, typer.Option("--nats", metavar="URL", help="A NATS that keeps them: nats://host.")
    ] = "",
    kafka: Annotated[
        str, typer.Option("--kafka", metavar="HOST:PORT", help="A Kafka that keeps them.")
    ] = "",
    iconfig: Annotated[
        Path, typer.Option("--iconfig", metavar="FILE", help="Which formats are written, and how.")
    ] = Path("iconfig.yml"),
    prefix: Annotated[
        str, typer.Option("--prefix", help="Listen to publishers with this prefix only.")
    ] = "",
    decode: Annotated[
        str,
        typer.Option(
            "--decode",
            metavar="HOW",
            help="How messages are read: plain (pickles of plain values and arrays, no code of a "
            "sender is run), json, or pickle (all that Python can, code of the sender included).",
        ),
    ] = "plain",
    topic: Annotated[
        str | None, typer.Option("--topic", help="Under which name a broker has the runs.")
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="Listeners of a group share a broker's runs.")
    ] = None,
    idle_seconds: Annotated[
        float | None,
        typer.Option("--idle-seconds", help="When the runs of a silent listener go to another."),
    ] = None,
    unstopped_seconds: Annotated[
        float | None,
        typer.Option(
            "--unstopped-seconds", help="Close a run of which nothing came for so long; else never."
        ),
    ] = None,
    client: Annotated[
        list[str] | None,
        typer.Option("--client", metavar="KEY=VALUE", help="For the broker's client: TLS, users."),
    ] = None,
) -> None:
    """Write the runs of a RunEngine that is in another process or on another machine.

    A proxy of bluesky (--zmq) drops what nobody takes. A broker (--redis, --nats, --kafka), to
    which publish_to sends, keeps each run until its files are closed; several listeners share them.

    bluesky's Publisher sends pickles, and its own RemoteDispatcher runs whatever code is in them:
    whoever can send to the proxy. This command does not, unless it is told --decode pickle. Let
    only machines that you trust reach the proxy all the same: nobody checks who sends.

    Ends on Ctrl-C or SIGTERM, when all files are finished; the exit status is 1 if a run is not
    complete. Needs: pip install 'bluescribe[zmq]', or [redis], [nats], [kafka]
    """
    if kafka and "://" not in kafka:
        kafka = f"kafka://{kafka}"
    if sum(map(bool, (zmq, redis, nats, kafka))) != 1:
        raise ConfigError(
            "name one source: --zmq HOST:PORT, --redis URL, --nats URL or --kafka HOST:PORT"
        )
    if zmq:
        raise typer.Exit(_to_proxy(zmq, iconfig, prefix, decode, terminal()))
    chosen = {
        "topic": topic,
        "group": group,
        "idle_seconds": idle_seconds,
        "unstopped_seconds": unstopped_seconds,
    }
    broker = redis or nats or kafka
    raise typer.Exit(_to_broker(broker, iconfig, chosen, client or [], terminal()))


def _to_proxy(address: str, iconfig: Path, prefix: str, decode: str, console: Console) -> int:
    """Listen until a signal comes, then tell what was written; return 1 if a run is incomplete."""
    from ..listening import listen

    hear = partial(listen, address, iconfig, prefix=prefix, decode=decode)
    return _listened(hear, address, console)


def _to_broker(
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
    from ..listening import listen_to_broker
    from ..sources.brokers import BrokerOptions

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
