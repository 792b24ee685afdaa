"""Application definitions: what one of NeXus asks for, and whether a file has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from ....errors import ConfigError
from ....model.dimensions import detector_fields, positioner_fields
from ....model.run import Run
from .rules import TYPES, GroupRule, parse_content

if TYPE_CHECKING:
    import h5py

__all__ = ["Definition", "definition_names", "load_definition"]


@dataclass(frozen=True, slots=True)
class Definition:
    """An application definition, for the names of one beamline."""

    name: str
    rules: tuple[GroupRule, ...]
    """Groups and links that it adds; roles stand in braces."""
    required: Mapping[str, str]
    """Path below the entry -> type, of all that must be there."""
    roles: Mapping[str, str]
    """Role -> the source that plays it."""

    def rules_for(self, run: Run) -> list[GroupRule]:
        """Return the rules with the run's own sources in place of roles."""
        found = _main_fields(run)
        return [rule.filled(**self.roles).filled(**found) for rule in self.rules]

    def lacking(self, h5: h5py.File) -> Iterator[str]:
        """Yield what a file has not, or has in another type, in words."""
        for path, wanted in self.required.items():
            found = h5.get(f"/entry/{path}")
            if not hasattr(found, "shape"):  # a group, or nothing
                yield path
            elif found.dtype.kind not in TYPES[wanted]:
                yield f"{path} as {wanted} (it is {found.dtype})"


def definition_names() -> list[str]:
    """Return the application definitions that can be asked for."""
    folder = files(__package__).joinpath("applications")
    names = (path.name for path in folder.iterdir())
    return sorted(name.removesuffix(".yml") for name in names if name.endswith(".yml"))


def load_definition(name: str, roles: Mapping[str, Any]) -> Definition:
    """Return an application definition for a beamline's names.

    Parameters
    ----------
    name
        Such as ``NXsas``.
    roles
        What plays the definition's roles here: a field of the primary stream, or a source.

    Raises
    ------
    ConfigError
        There is no such definition, or no such role in it.
    """
    if name not in definition_names():
        raise ConfigError(f"found {name!r}; known are {', '.join(definition_names())}")
    content = _read(name)
    defaults = content.get("roles") or {}
    for role, source in roles.items():
        if role not in defaults:
            raise ConfigError(f"{name} has no role {role!r}; it has {', '.join(defaults)}")
        if not isinstance(source, str):
            raise ConfigError(f"{role}: found {source!r}; a field or a source is needed")
    said = {role: source for role, source in {**defaults, **roles}.items() if source}
    sources = {role: s if "/" in s or "{" in s else f"primary/{s}" for role, s in said.items()}
    return Definition(name, tuple(parse_content(content["content"])), content["required"], sources)


def _main_fields(run: Run) -> dict[str, str]:
    """Return the sources of what a plan varied first and of its first detector."""
    stream = run.primary
    if stream is None:
        return {}
    fields = {
        "positioner": positioner_fields(run, stream),
        "detector": detector_fields(run, stream),
    }
    return {role: f"primary/{names[0]}" for role, names in fields.items() if names}


@cache
def _read(name: str) -> Mapping[str, Any]:
    text = files(__package__).joinpath("applications", f"{name}.yml").read_text(encoding="utf-8")
    content: Mapping[str, Any] = yaml.safe_load(text)
    return content
