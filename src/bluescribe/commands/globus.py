"""``bluescribe globus``: the login for transfers, made once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console

from ..errors import BluescribeError, ConfigError
from ..extras import import_extra
from .output import terminal

__all__ = ["about", "login"]


def about() -> None:
    """Send runs by Globus: what has to be done once."""


def login(
    iconfig: Annotated[
        Path, typer.Option("--iconfig", metavar="FILE", help="The file with the GLOBUS block.")
    ] = Path("iconfig.yml"),
) -> None:
    """Log in once, so that sessions can send runs; the login is kept in the home directory.

    Needs GLOBUS_CLIENT_ID in the environment. With GLOBUS_CLIENT_SECRET too, nobody logs in: the
    service account is tried. Needs: pip install 'bluescribe[globus]'
    """
    _log_in(iconfig, terminal())


def _log_in(iconfig: Path, console: Console) -> None:
    """Have a person log in, or try the credentials of a service account.

    Raises
    ------
    ConfigError
        GLOBUS is not switched on, or the environment names no account.
    BluescribeError
        Globus does not accept it.
    """
    from ..config.config import read_iconfig
    from ..delivery.globus import GlobusSettings
    from ..delivery.globus.account import Account

    settings = [c.settings for c in read_iconfig(iconfig).deliveries if c.name == "globus"]
    if not settings:
        raise ConfigError(f"{iconfig}: GLOBUS is not switched on: set ENABLE: true in that block")
    if not os.environ.get("GLOBUS_CLIENT_ID"):
        raise ConfigError(
            "set GLOBUS_CLIENT_ID in the environment: the id of an application that was registered "
            "at https://app.globus.org/settings/developers"
        )
    sdk = import_extra("globus_sdk", "globus", "GLOBUS")
    try:
        Account(cast(GlobusSettings, settings[0]).collections_with_consent).login()
    except (sdk.GlobusError, ValueError) as error:
        raise BluescribeError(f"Globus does not accept it: {error}") from error
    console.print("Globus accepts it: runs can be sent", soft_wrap=True)
