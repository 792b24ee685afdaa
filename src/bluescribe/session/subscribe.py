"""The front door: all that iconfig.yml switches on, subscribed to a RunEngine."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config.config import read_iconfig
from ..contract.folders import check_folders
from ..files.rights import group_word
from ..files.run_paths import fixed_part
from ..files.working_directory import working_directory
from .beginning import begin_early
from .console import show_messages
from .magic import offer_magic
from .takeover import take_over
from .writers import Writers

if TYPE_CHECKING:
    from bluesky import RunEngine

__all__ = ["make_writers", "subscribe_writers"]

logger = logging.getLogger(__name__)


def subscribe_writers(
    RE: RunEngine,
    iconfig: str | Path | Mapping[str, Any] = "iconfig.yml",
) -> Writers:
    """Subscribe every writer, and begin every delivery, that a configuration switches on.

    A second call with the same RunEngine takes the place of the first: its writers are closed. A
    run that is open is finished by them first.

    Parameters
    ----------
    RE
        The RunEngine whose runs are to be written.
    iconfig
        Path of ``iconfig.yml``, or its content. Relative directories in it are relative to the
        working directory of the session.

    Returns
    -------
    Writers
        The writers, one attribute a format: ``writers.spec``, and a delivery: ``writers.globus``.

    Raises
    ------
    ConfigError
        The configuration has an unknown format or key, or a value that is not allowed.
    DirectoryError
        A folder for the files cannot be made or written.
    MissingExtraError
        A delivery needs a package that is not installed.

    Examples
    --------
    >>> writers = subscribe_writers(RE, "iconfig.yml")  # doctest: +SKIP  # needs a RunEngine
    """
    show_messages()
    writers = make_writers(iconfig)
    if writers.are_idle:
        logger.warning("no writer is switched on: set ENABLE: true in a block of %s", iconfig)
    try:
        take_over(writers, RE)
    except BaseException:
        writers.close()  # nobody else can: what it delivers may be meant for another place
        raise
    _log_groups(writers)
    _log_folders(writers)
    offer_magic(writers)
    begin_early(writers)
    return writers


def _log_groups(writers: Writers) -> None:
    """Tell once of each folder of a group that is shut out of what is made there."""
    settings, cwd = (writer.settings for writer in writers), working_directory()
    places = {(fixed_part(str(each.directory)), each.rights) for each in settings}
    for word in {group_word(cwd / folder, rights) for folder, rights in places} - {""}:
        logger.warning("%s", word)


def _log_folders(writers: Writers) -> None:
    """Say in one line where the files of each format go."""
    folders: dict[Path, list[str]] = {}
    for writer in writers:
        folders.setdefault(writer.status().directory, []).append(writer.format)
    if writers.shows_files and folders:
        words = (f"{', '.join(names)} -> {folder}" for folder, names in folders.items())
        logger.info("files: %s", "; ".join(words))


def make_writers(iconfig: str | Path | Mapping[str, Any]) -> Writers:
    """Make all that a configuration switches on; nothing is subscribed.

    For writers of one plan: ``RE(plan(), writers["nexus"].receiver)``, or, with
    `bluesky.preprocessors`, ``@bpp.subs_decorator(writers["nexus"].receiver)``. What an earlier
    session left is not taken up, as `subscribe_writers` does.

    Parameters
    ----------
    iconfig
        Path of ``iconfig.yml``, or its content.

    Returns
    -------
    Writers
        To be closed; at the end of the session that is done for them.

    Raises
    ------
    ConfigError
        As `subscribe_writers`.
    MissingExtraError
        As `subscribe_writers`.
    """
    configuration = read_iconfig(iconfig)
    check_folders(configuration.folders)
    # deliveries first: what is made first ends last when the interpreter exits
    deliveries = {config.name: config.make() for config in configuration.deliveries}
    writers = {config.name: config.make() for config in configuration.writers}
    shows_files = configuration.session.show_files
    return Writers(writers, deliveries, configuration.spool, shows_files=shows_files)
