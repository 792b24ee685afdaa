"""Registry: finds plug-ins of one kind. Ours are the folders of a room, others are entry points."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..later import later

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["Registry"]


_entry_points = later("importlib.metadata", "entry_points")  # it brings a parser of e-mail


@dataclass(frozen=True, slots=True)
class Registry:
    """The plug-ins of one kind, none of which is imported before it is asked for."""

    kind: str
    """What messages call one: "format"."""
    package: str
    """The package whose folders are ours."""
    folder: Path
    group: str
    """The entry-point group in which other packages name theirs."""
    error: type[ConfigError]
    """Is raised when one is wanted that is not there."""

    def names(self) -> list[str]:
        """Return the names of all: ours first."""
        own = self.own_names()
        return [*own, *(name for name in self.entries() if name not in own)]

    def own_names(self) -> list[str]:
        """Return the names of ours."""
        return list(_own(self.folder))

    def entries(self) -> dict[str, EntryPoint]:
        """Return what other packages name, by its name."""
        return dict(_installed(tuple(sys.path), self.group))

    def own(self, name: str) -> ModuleType:
        """Import one of ours.

        Raises
        ------
        ConfigError
            It cannot be imported: h5py is missing, or was compiled for another numpy, say.
        """
        with self.importing(name):
            return import_module(f"{self.package}.{name}")

    @contextmanager
    def importing(self, name: str) -> Iterator[None]:
        """Tell what is to be done where one of ours, or a part of it, cannot be imported.

        Raises
        ------
        ConfigError
            It cannot.
        """
        try:
            yield
        except Exception as error:
            raise self.error(
                f"the {self.kind} {name!r} cannot be imported: {type(error).__name__}: {error}. "
                "Install again what it needs: pip install --force-reinstall bluescribe"
            ) from error

    def installed(self, name: str) -> EntryPoint:
        """Return what another package calls so.

        Raises
        ------
        ConfigError
            There is none; it says which there are.
        """
        if (entry := self.entries().get(name)) is not None:
            return entry
        near = difflib.get_close_matches(name, self.names(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise self.error(
            f"unknown {self.kind} {name!r}{hint} Installed are: {', '.join(self.names())}"
        )

    def refusal(self, entry: EntryPoint, what: str) -> ConfigError:
        """Return the error that what a package names is none."""
        dist = entry.dist
        package = f"the package {dist.name} {dist.version}" if dist else "a package"
        return self.error(
            f"the {self.kind} {entry.name!r} is not there: {entry.value}, which {package} names in "
            f"the entry-point group {self.group}, {what}. Mend that package or remove it"
        )


@lru_cache
def _own(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.parent.name for path in folder.glob("*/__init__.py")))


@lru_cache
def _installed(path: tuple[str, ...], group: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in _all_installed(path).select(group=group)}


@lru_cache(1)
def _all_installed(_path: tuple[str, ...]) -> Any:
    """Return what all packages name, until others can be imported: they are many to look through.

    It is asked for several times when a session subscribes.
    """
    return _entry_points()
