"""``bluescribe listen``: writers in a process of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
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
    client_file: Annotated[
        Path | None,
        typer.Option("--client-file", metavar="FILE", help="The same from a file: passwords."),
    ] = None,
    http: Annotated[
        str,
        typer.Option(
            "--http", metavar="HOST:PORT", help="Answer /ready, /live and /metrics (Prometheus)."
        ),
    ] = "",
    stop_seconds: Annotated[
        float,
        typer.Option("--stop-seconds", help="How long the end waits for files of a broker's runs."),
    ] = 30.0,
) -> None:
    """Write the runs of a RunEngine that is in another process or on another machine.

    A proxy of bluesky (--zmq) drops what nobody takes. A broker (--redis, --nats, --kafka), to
    which publish_to sends, keeps each run until its files are closed; several listeners share them.

    bluesky's Publisher sends pickles, and its own RemoteDispatcher runs whatever code is in them:
    whoever can send to the proxy. This command does not, unless it is told --decode pickle. Let
    only machines that you trust reach the proxy all the same: nobody checks who sends.

    Ends on Ctrl-C or SIGTERM, when all files are finished; the exit status is 1 if a run is not
    complete. A run of a broker that is open then is named: the next listener writes it.
    Needs: pip install 'bluescribe[zmq]', or [redis], [nats], [kafka]; for --http also [metrics]
    """
    if kafka and "://" not in kafka:
        kafka = f"kafka://{kafka}"
    if sum(map(bool, (zmq, redis, nats, kafka))) != 1:
        raise ConfigError(
            "name one source: --zmq HOST:PORT, --redis URL, --nats URL or --kafka HOST:PORT"
        )
    if zmq:
        raise typer.Exit(_to_proxy(zmq, iconfig, prefix, decode, terminal(), http=http))
    chosen = {
        "topic": topic,
        "group": group,
        "idle_seconds": idle_seconds,
        "unstopped_seconds": unstopped_seconds,
    }
    broker = redis or nats or kafka
    given = _client_options(client or [], client_file)
    raise typer.Exit(
        _to_broker(broker, iconfig, chosen, given, terminal(), http=http, stop_seconds=stop_seconds)
    )


def _to_proxy(
    address: str, iconfig: Path, prefix: str, decode: str, console: Console, *, http: str
) -> int:
    """Listen until a signal comes, then tell what was written; return 1 if a run is incomplete."""
    from ..listening import listen

    hear = partial(listen, address, iconfig, prefix=prefix, decode=decode)
    return _listened(hear, address, console, http)


def _to_broker(
    address: str,
    iconfig: Path,
    chosen: Mapping[str, Any],
    client: Mapping[str, Any],
    console: Console,
    *,
    http: str,
    stop_seconds: float,
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
    from ..listening import listen_to_broker
    from ..sources.brokers import BrokerOptions

    given = {key: value for key, value in chosen.items() if value is not None}
    options = BrokerOptions(**given, client=client)
    hear = partial(listen_to_broker, address, iconfig, options=options, stop_seconds=stop_seconds)
    return _listened(hear, f"{address.rpartition('@')[2]} as {options.name}", console, http)


def _listened(hear: Callable[..., Writers], where: str, console: Console, http: str) -> int:
    from ..listening.health import Health
    from ..listening.service import serving_health

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


def _client_options(pairs: Sequence[str], file: Path | None) -> dict[str, Any]:
    """Return what is given to the client of a broker.

    Parameters
    ----------
    pairs
        ``KEY=VALUE``; values are JSON, or texts.
    file
        The same in a file of YAML, which can be kept from others: passwords.
    """
    from ..files.yamltext import YamlError, load

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
    from ..listening.service import tell_systemd

    ready.wait()
    tell_systemd(f"READY=1\nSTATUS=listening at {where}")
    console.print(f"listening at {where}; Ctrl-C ends it", soft_wrap=True)
