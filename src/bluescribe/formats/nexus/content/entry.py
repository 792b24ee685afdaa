"""The content of one run's entry: what it asks for, written as far as it is there."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import h5py

from ....errors import ConfigError
from ....hdf5.nodes import write_node
from ....hdf5.preallocate import is_of_system
from ....hdf5.tree import Dataset
from ....model.run import Run
from ..table import StreamTable
from .build import build
from .definitions import Definition, load_definition
from .rules import GroupRule
from .sources import Sources
from .template import parse_template

__all__ = ["EntryContent"]

logger = logging.getLogger(__name__)

_TEMPLATE, _DEFINITION = "nxwriter_template", "nexus_definition"
"""Keys of the start document."""


class _Settings(Protocol):
    @property
    def rules(self) -> list[GroupRule]: ...
    @property
    def application(self) -> Definition | None: ...
    @property
    def path_map(self) -> Mapping[str, Path]: ...
    def tell(self, logger: logging.Logger, message: str, *, key: str | None = None) -> None: ...


class EntryContent:
    """What an entry gets by name.

    Parameters
    ----------
    run
        The run; its start document may hold a template (``nxwriter_template``) and ask for an
        application definition (``nexus_definition``: its name, or a mapping of ``name`` and
        roles).
    settings
        What every run gets.
    """

    def __init__(self, run: Run, settings: _Settings) -> None:
        self._run = run
        self._settings = settings
        self._rules = [*settings.rules, *self._template()]
        self.definition = self._definition()
        self._missing: list[str] = []
        self._links: dict[str, str] = {}

    def write(self, h5: h5py.File, tables: Mapping[str, StreamTable]) -> None:
        """Write what is there by now; to be repeated when there is more."""
        self._missing = self._write_rules(self._rules, h5, tables)

    def finish(self, h5: h5py.File, tables: Mapping[str, StreamTable]) -> None:
        """Say what was asked for and is not there; name the definition if it is fulfilled."""
        if self.definition is not None:  # it is of a whole run, and may ask for its one row
            rules = self.definition.rules_for(self._run)
            self._missing += self._write_rules(rules, h5, tables)
        for place in self._missing:
            message = f"{self._run.label} has no source for /entry/{place}"
            self._settings.tell(logger, message, key=place)
        self._tell_of_links(Path(h5.filename).parent)
        if self.definition is None:
            return
        lacking = list(self.definition.lacking(h5))
        if not lacking:
            write_node(h5["entry"], "definition", Dataset(self.definition.name))
            return
        message = (
            f"{self._run.label} is no {self.definition.name}: it lacks {', '.join(lacking)}. "
            "Map them in CONTENT or ROLES of NEXUS_DATA_FILES; /entry/definition is left out"
        )
        self._settings.tell(logger, message, key=f"{self.definition.name} {lacking}")

    def _tell_of_links(self, folder: Path) -> None:
        for place, file in self._links.items():
            if os.path.exists(folder / file):  # noqa: PTH110  # it never raises
                continue
            message = (
                f"{self._run.label}: /entry/{place} links {file}, which is not there. The link "
                "stays, and leads there when the file comes"
            )
            self._settings.tell(logger, message, key=place)

    def _write_rules(
        self, rules: Iterable[GroupRule], h5: h5py.File, tables: Mapping[str, StreamTable]
    ) -> list[str]:
        sources = Sources(self._run, tables, h5, self._settings.path_map)
        missing = []
        for rule in rules:
            try:
                content = build(rule, sources)
                write_node(h5, "entry", content.entry)  # at once: a later rule may link it
            except Exception as error:  # such as a constant that HDF5 has no type for
                if is_of_system(error):
                    raise
                missing.append(f"{rule.path} ({error})")
            else:
                missing += content.missing
                self._links |= content.links
        return missing

    def _template(self) -> list[GroupRule]:
        template = self._run.start.get(_TEMPLATE)
        try:
            return parse_template(template) if template else []
        except ConfigError as error:
            self._refuse(_TEMPLATE, error)
            return []

    def _definition(self) -> Definition | None:
        asked: Any = self._run.start.get(_DEFINITION)
        roles = dict(asked) if isinstance(asked, Mapping) else {}
        name = roles.pop("name", None) if roles else asked
        try:
            return load_definition(name, roles) if name else self._settings.application
        except ConfigError as error:
            self._refuse(_DEFINITION, error)
            return None

    def _refuse(self, key: str, error: Exception) -> None:
        logger.warning(
            "nexus: %s in the metadata of %s is left aside: %s", key, self._run.label, error
        )
