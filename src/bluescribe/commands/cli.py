"""The ``bluescribe`` command: which verbs it has, and in which order its help lists them.

Modules of verbs are all loaded for the help. What takes long to import they import when they run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from .. import __version__
from . import check, demo, export, globus, init, list, listen, pack, recover, show, unpack
from .output import errors_in_one_line

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,  # help without boxes reads well in any terminal
    pretty_exceptions_enable=False,
)


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


_VERBS: dict[str, Callable[..., None]] = {
    "demo": demo.demo,
    "init": init.init,
    "check": check.check,
    "recover": recover.recover,
    "export": export.export,
    "list": list.list_runs,
    "show": show.show_run,
    "listen": listen.listen,
    "pack": pack.pack,
    "unpack": unpack.unpack,
}
for _name, _verb in _VERBS.items():
    app.command(_name)(errors_in_one_line()(_verb))

_globus = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
_globus.callback()(globus.about)
_globus.command()(errors_in_one_line()(globus.login))
app.add_typer(_globus, name="globus")
