"""Finds formats: the folders of this one, then the entry-point group ``bluescribe.formats``.

Each folder here has a `FormatPlugin`, called ``FORMAT``; an entry point names one, or a `Writer`
class, of which a record is made. All folders have the same files: ``settings``, ``writer``,
``runfile``, and ``recovery`` where a crash leaves something to finish. What else is there is how
values look in that format, and nothing of how runs are recorded.

Knows: the contract, `hdf5`, and `Writer`; a format does not know another.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.plugin import FormatPlugin
from ..errors import UnknownFormatError, shown

if TYPE_CHECKING:
    from ..recording.writer import Writer

__all__ = ["format_names", "load_format", "load_plugin"]

_GROUP = "bluescribe.formats"


def format_names() -> list[str]:
    """Return the names of all formats, without importing any."""
    own = _own_names()
    return [*own, *(name for name in _entries() if name not in own)]


def load_plugin(name: str) -> FormatPlugin:
    """Import a format and return its record.

    Raises
    ------
    UnknownFormatError
        There is no such format, it cannot be imported, or what a package calls one is none; it
        says which there are, or what is to be done.
    """
    if name in _own_names():
        return _own(name)
    if (entry := _entries().get(name)) is not None:
        return _installed(entry)
    near = difflib.get_close_matches(name, format_names(), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UnknownFormatError(
        f"unknown format {name!r}{hint} Installed are: {', '.join(format_names())}"
    )


def load_format(name: str) -> type[Writer]:
    """Import a format and return its writer; fails as `load_plugin` does."""
    return load_plugin(name).writer


def _own_names() -> list[str]:
    return sorted(path.parent.name for path in Path(__file__).parent.glob("*/__init__.py"))


def _own(name: str) -> FormatPlugin:
    try:
        module = import_module(f"{__name__}.{name}")
    except Exception as error:  # h5py that is missing, or was compiled for another numpy
        raise UnknownFormatError(
            f"the format {name!r} cannot be imported: {type(error).__name__}: {error}. Install "
            "again what it needs: pip install --force-reinstall bluescribe"
        ) from error
    found = getattr(module, "FORMAT", None)
    if isinstance(found, FormatPlugin) and found.name == name:
        return found
    raise UnknownFormatError(
        f"{module.__file__} is no format: it needs  FORMAT = FormatPlugin(...)  with a writer that "
        f"has  format = {name!r}; found {shown(found)}"
    )


def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=_GROUP)}


def _installed(entry: EntryPoint) -> FormatPlugin:
    """Return the record that an entry point names, or that of the writer which it names."""
    from ..recording.writer import Writer  # which imports this package

    try:
        found = entry.load()
        if isinstance(found, type) and issubclass(found, Writer):
            return FormatPlugin.of(found)
    except Exception as error:  # whatever a package of others does: the other formats are there
        raise _refusal(entry, f"cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(found, FormatPlugin):
        raise _refusal(entry, f"is neither a FormatPlugin nor a Writer class: found {shown(found)}")
    if found.name != entry.name:
        raise _refusal(entry, f"has a writer with format = {found.name!r}: give both one name")
    return found


def _refusal(entry: EntryPoint, what: str) -> UnknownFormatError:
    package = f"the package {entry.dist.name} {entry.dist.version}" if entry.dist else "a package"
    return UnknownFormatError(
        f"the format {entry.name!r} is not there: {entry.value}, which {package} names in the "
        f"entry-point group {_GROUP}, {what}. Mend that package or remove it"
    )
