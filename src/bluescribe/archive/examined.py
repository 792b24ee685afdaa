"""Which files are there below a folder, and of which format each is."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from ..config.configuration import Configuration
from ..contract.recovery import Found, Recovery
from ..errors import ConfigError
from ..formats import format_names, load_plugin

__all__ = ["claimed", "files_below", "recoveries"]

logger = logging.getLogger(__name__)


def recoveries(configuration: Configuration | None) -> list[Recovery]:
    """Return what knows the files of each format; what cannot be imported is logged."""
    writers = configuration.writers if configuration is not None else []
    settings = {config.name: config.settings for config in writers}
    recoveries = []
    for name in format_names():
        try:
            plugin = load_plugin(name)
            if (kind := plugin.recovery) is not None:
                own = settings.get(name) or plugin.settings.validated(name, {})
                recoveries.append(kind(plugin, own))
        except (ConfigError, ImportError) as error:
            logger.warning("%s: its files are not looked at: %s", name, error)
    return recoveries


def claimed(path: Path, recoveries: list[Recovery]) -> tuple[Recovery, list[Found]] | None:
    """Return the format of a file and what is in it; if only the name tells, the best match.

    ``a.dx.h5`` ends in ``.h5`` as well: the longer ending wins, and one that was set in iconfig.
    """
    by_name = []
    for recovery in recoveries:
        found = recovery.examine(path)
        if found and not found[0].is_by_name:
            return recovery, found
        if found:
            by_name.append((recovery, found))
    return max(by_name, key=lambda claim: claim[0].ending_rank, default=None)


def files_below(directory: Path) -> Iterator[Path]:
    """Yield all files, in the order of their names."""
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                yield path
