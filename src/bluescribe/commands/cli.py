"""The ``bluescribe`` command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from .. import __version__
from ..errors import ConfigError
from .selecting import Selection, choosing_runs

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,  # help without boxes reads well in any terminal
    pretty_exceptions_enable=False,
)

_DEFAULT_OUT = Path("bluescribe-demo")


def main() -> None:
    """Run the command line."""
    app(prog_name="bluescribe")


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"bluescribe {__version__}")
        raise typer.Exit


@app.callback()
def bluescribe(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Write the runs of a Bluesky RunEngine to SPEC, NeXus, CSV and JSON Lines files."""


@app.command()
def demo(
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Folder for the files; made when missing. What is there stays.",
        ),
    ] = _DEFAULT_OUT,
) -> None:
    """Measure on simulated devices; write SPEC, NeXus, CSV and JSON Lines.

    Runs a scan, a snaked grid, a fly scan and a scan with an area detector in a real RunEngine,
    some seconds in all. Shows the files, a line for each format that opens them, and where the
    picture of two default plots is. Needs: pip install 'bluescribe[demo]'
    """
    from .show import errors_in_one_line

    with errors_in_one_line():
        from .demo import run

        raise typer.Exit(run(out, Console(highlight=False)))


@app.command()
def init(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write; one that is there stays.")
    ] = Path("iconfig.yml"),
    *,
    formats: Annotated[
        str | None,
        typer.Option("--formats", metavar="FORMATS", help="Formats, such as spec,nexus,csv."),
    ] = None,
    directory: Annotated[
        str | None, typer.Option("--directory", metavar="DIR", help="As DIRECTORY in iconfig.")
    ] = None,
    file_name: Annotated[
        str | None, typer.Option("--file-name", metavar="TEMPLATE", help="As FILE_NAME in iconfig.")
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing: take defaults for what is not given.")
    ] = False,
) -> None:
    """Write a short iconfig.yml: which formats, where, and by which names.

    Asks what is not given by an option. The file has nothing but what was chosen; a file that is
    there already is never changed. Shows the two lines for the startup file.
    """
    from .show import errors_in_one_line

    with errors_in_one_line():
        from .init import run

        given = {"formats": formats, "directory": directory, "file_name": file_name}
        run(path, given, Console(highlight=False, markup=False), asks=not defaults)


@app.command()
def check(
    iconfig: Annotated[
        Path, typer.Argument(metavar="FILE", help="The configuration of the session.")
    ] = Path("iconfig.yml"),
    *,
    rate: Annotated[
        str | None,
        typer.Option(
            "--rate", metavar="RATE", help="What disks have to take, such as 200MB/s; tried."
        ),
    ] = None,
    md: Annotated[
        list[str] | None,
        typer.Option(
            "--md", metavar="KEY=VALUE", help="Metadata that runs will have. May be repeated."
        ),
    ] = None,
) -> None:
    """Check before beam that everything is ready to write runs.

    Looks at each key of the configuration, folders, disks, the spool, packages and servers. Then
    writes an example run in every format that is on, into scratch folders beside the data, reads
    it back and removes it. The exit status is 1 when something has failed, 2 when nothing could be
    begun.
    """
    from .show import errors_in_one_line

    with errors_in_one_line():
        from .check import run

        raise typer.Exit(run(iconfig, rate, md or [], Console(highlight=False, markup=False)))


@app.command()
def recover(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with the files.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be done.")
    ] = False,
    iconfig: Annotated[
        Path | None,
        typer.Option("--iconfig", metavar="FILE", help="Settings for files that are written anew."),
    ] = None,
    spool: Annotated[
        Path | None,
        typer.Option("--spool", metavar="DIR", help="Where the spools are, if SPOOL says so."),
    ] = None,
) -> None:
    """Finish the files that a crash has left incomplete.

    Writes what dead sessions of this user have left in their spools, wherever it belongs. Then
    looks at all files in DIR and the folders in it: a run that has a journal (.jsonl) is written
    anew from it where a file of it is not complete; other files are made readable as they are.
    What is changed is kept as NAME.damaged. Files that are being written are left alone. The exit
    status is 1 when something could not be recovered, 2 when nothing could be begun.
    """
    from .show import errors_in_one_line

    with errors_in_one_line():
        from ..archive.recover import recover as recover_files
        from ..archive.recovered import Progressing, show

        console = Console(highlight=False)
        with Progressing(console) as progress:
            report = recover_files(
                directory, dry_run=dry_run, iconfig=iconfig, spool=spool, progress=progress
            )
        show(report, console)
        raise typer.Exit(1 if report.failed else 0)


@app.command()
@choosing_runs
def export(
    source: Annotated[
        str,
        typer.Argument(
            help="A journal, a folder of journals, a pack, the URL of a catalog on a tiled "
            "server, or the name of a databroker catalog."
        ),
    ],
    *,
    to: Annotated[
        str, typer.Option("--to", metavar="FORMATS", help="Formats, such as nexus,csv.")
    ] = "nexus",
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for the files; made when missing.")
    ] = Path(),
    chosen: Selection,
    iconfig: Annotated[
        Path | None,
        typer.Option("--iconfig", metavar="FILE", help="Settings of the formats, from its blocks."),
    ] = None,
    file_name: Annotated[
        str | None, typer.Option("--file-name", metavar="TEMPLATE", help="As FILE_NAME in iconfig.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Leave out what is complete in DIR already.")
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", min=1, metavar="N", help="Number of processes.")
    ] = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")
    ] = False,
) -> None:
    """Write runs that were taken before to files.

    The files are those that live writing makes. Exit status: 1 if a run is not complete, 2 if
    nothing could be begun.
    """
    from . import export as command

    status = command.run(
        source,
        out,
        _names(to),
        chosen,
        iconfig=iconfig,
        options={} if file_name is None else {"file_name": file_name},
        resume=resume,
        jobs=jobs,
        dry_run=dry_run,
        console=Console(highlight=False, markup=False),
    )
    raise typer.Exit(status)


@app.command("list")
def list_runs(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder with files; those below it, too.")
    ] = Path(),
    last: Annotated[
        int | None, typer.Option("--last", min=1, metavar="N", help="Only the latest N runs.")
    ] = None,
) -> None:
    """List the runs that are in the files of a folder: scan, plan, points, status, files.

    Files of all formats are known by what is in them, also those that are being written; those of
    others are passed over. Where the output is no terminal, the columns are parted by tabs. The
    exit status is 1 if a file could not be read.
    """
    from .show import errors_in_one_line

    with errors_in_one_line():
        from .listing import list_folder

        raise typer.Exit(list_folder(directory, last, Console(highlight=False, markup=False)))


@app.command("show")
def show_run(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A file of a run, of any format.")],
) -> None:
    """Show which run a file is of, how it ended, and where its other files are."""
    from .show import errors_in_one_line

    with errors_in_one_line():
        from .listing import show_file

        raise typer.Exit(show_file(path, Console(highlight=False, markup=False)))


@app.command()
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
    from .show import errors_in_one_line

    with errors_in_one_line():
        from .listen import client_options, run, run_of_broker

        console = Console(highlight=False, markup=False)
        if kafka and "://" not in kafka:
            kafka = f"kafka://{kafka}"
        if sum(map(bool, (zmq, redis, nats, kafka))) != 1:
            raise ConfigError(
                "name one source: --zmq HOST:PORT, --redis URL, --nats URL or --kafka HOST:PORT"
            )
        if zmq:
            raise typer.Exit(run(zmq, iconfig, prefix, decode, console, http=http))
        chosen = {
            "topic": topic,
            "group": group,
            "idle_seconds": idle_seconds,
            "unstopped_seconds": unstopped_seconds,
        }
        broker = redis or nats or kafka
        given = client_options(client or [], client_file)
        ended = run_of_broker(
            broker, iconfig, chosen, given, console, http=http, stop_seconds=stop_seconds
        )
        raise typer.Exit(ended)


@app.command()
@choosing_runs
def pack(
    source: Annotated[str, typer.Argument(help="As for export.")],
    *,
    out: Annotated[
        Path, typer.Option("--out", metavar="PATH", help="A new folder, or with --zip a file.")
    ],
    chosen: Selection,
    as_zip: Annotated[
        bool, typer.Option("--zip", help="One zip file for a user, with a README.")
    ] = False,
    to: Annotated[
        str, typer.Option("--to", metavar="FORMATS", help="What a zip file holds.")
    ] = "nexus,csv",
    external: Annotated[
        bool, typer.Option(help="Copy external files, such as images, into the pack.")
    ] = True,
    roots: Annotated[
        list[Path] | None,
        typer.Option(
            "--root",
            metavar="DIR",
            help="Pack external files below this folder, too. May be repeated.",
        ),
    ] = None,
    iconfig: Annotated[
        Path | None,
        typer.Option(
            "--iconfig",
            metavar="FILE",
            help="PATH_MAP there says where files are; its folders are roots.",
        ),
    ] = None,
) -> None:
    """Box runs with their external files, for another databroker or for a user.

    Documents name external files by any path, and who wrote them chose it. Packed are those in the
    folder of the journals or the pack itself, and below each --root; others are told, not packed.
    """
    from .pack import run

    status = run(
        source,
        out,
        chosen,
        formats=_names(to),
        as_zip=as_zip,
        external=external,
        roots=roots or [],
        iconfig=iconfig,
        console=Console(highlight=False, markup=False),
    )
    raise typer.Exit(status)


@app.command()
def unpack(
    path: Annotated[Path, typer.Argument(help="A pack, or the zip file of `pack --zip`.")],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where a zip file is unpacked.")
    ] = None,
    only_verify: Annotated[
        bool, typer.Option("--verify", help="Only check the files; unpack nothing.")
    ] = False,
) -> None:
    """Unpack a zip file, and check that every file of a pack has arrived as it was sent.

    A zip file that is not as it was packed, or that holds something else, is not unpacked.

    To make a pack a databroker catalog: databroker-unpack inplace PATH NAME
    """
    from .show import errors_in_one_line

    with errors_in_one_line():
        from .pack import check

        status = check(path, out, Console(highlight=False, markup=False), only_verify=only_verify)
    raise typer.Exit(status)


globus = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(globus, name="globus")


@globus.callback()
def _globus() -> None:
    """Send runs by Globus: what has to be done once."""


@globus.command()
def login(
    iconfig: Annotated[
        Path, typer.Option("--iconfig", metavar="FILE", help="The file with the GLOBUS block.")
    ] = Path("iconfig.yml"),
) -> None:
    """Log in once, so that sessions can send runs; the login is kept in the home directory.

    Needs GLOBUS_CLIENT_ID in the environment. With GLOBUS_CLIENT_SECRET too, nobody logs in: the
    service account is tried. Needs: pip install 'bluescribe[globus]'
    """
    from .show import errors_in_one_line

    with errors_in_one_line():
        from .globus import login as command

        command(iconfig, Console(highlight=False, markup=False))


def _names(formats: str) -> list[str]:
    return [name.strip() for name in formats.split(",") if name.strip()]
