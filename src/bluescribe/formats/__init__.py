"""Finds formats: the folders of this one, then the entry-point group ``bluescribe.formats``.

Each folder here has a `FormatPlugin`, called ``FORMAT``; an entry point names one, or a `Writer`
class, of which a record is made. All folders have the same files: ``settings``, ``writer``,
``runfile``, and ``recovery`` where a crash leaves something to finish. What else is there is how
values look in that format, and nothing of how runs are recorded.

Knows: the contract, `hdf5`, and `Writer`; a format does not know another.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.hooks import check_complete
from ..contract.plugin import FormatPlugin
from ..contract.registry import Registry
from ..errors import UnknownFormatError, shown

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from ..recording.writer import Writer

__all__ = ["format_names", "load_format", "load_plugin", "own_format_names"]

_PACKAGES = ("numpy", "orjson")
_OF_HDF5 = ("h5py",)
"""What writes runs needs them, and a session imports it later, or never."""

_REGISTRY = Registry(
    "format", __name__, Path(__file__).parent, "bluescribe.formats", UnknownFormatError
)


def format_names() -> list[str]:
    """Return the names of all formats, without importing any."""
    return _REGISTRY.names()


def own_format_names() -> list[str]:
    """Return the names of the formats that come with bluescribe."""
    return _REGISTRY.own_names()


def load_plugin(name: str, *, is_whole: bool = True) -> FormatPlugin:
    """Import a format and return its record.

    Parameters
    ----------
    name
        Of the format.
    is_whole
        Whether what writes its runs is imported too. A session has that done elsewhere, or later;
        that the packages which it needs are there is known at once.

    Raises
    ------
    UnknownFormatError
        There is no such format, it cannot be imported, or what a package calls one is none; it
        says which there are, or what is to be done.
    """
    if name in _REGISTRY.own_names():
        return _own(name, is_whole=is_whole)
    return _installed(_REGISTRY.installed(name))


def load_format(name: str) -> type[Writer]:
    """Import a format and return its writer; fails as `load_plugin` does."""
    return load_plugin(name).writer


def _own(name: str, *, is_whole: bool) -> FormatPlugin:
    module = _REGISTRY.own(name)
    found = getattr(module, "FORMAT", None)
    if isinstance(found, FormatPlugin) and found.name == name:
        with _REGISTRY.importing(name):
            _check_whole(found) if is_whole else _check_packages(found)
        return found
    raise UnknownFormatError(
        f"{module.__file__} is no format: it needs  FORMAT = FormatPlugin(...)  with a writer that "
        f"has  format = {name!r}; found {shown(found)}"
    )


def _installed(entry: EntryPoint) -> FormatPlugin:
    """Return the record that an entry point names, or that of the writer which it names."""
    from ..recording.writer import Writer  # here: the names of formats need no writer

    refusal = _REGISTRY.refusal
    try:
        found = entry.load()
        if isinstance(found, type) and issubclass(found, Writer):
            return FormatPlugin.of(found)
    except Exception as error:  # whatever a package of others does: the other formats are there
        raise refusal(entry, f"cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(found, FormatPlugin):
        raise refusal(entry, f"is neither a FormatPlugin nor a Writer class: found {shown(found)}")
    if found.name != entry.name:
        raise refusal(entry, f"has a writer with format = {found.name!r}: give both one name")
    return found


def _check_whole(plugin: FormatPlugin) -> None:
    """Import what writes a format, and refuse it where that lacks something."""
    check_complete(plugin.writer, is_whole=True)


def _check_packages(plugin: FormatPlugin) -> None:
    """Refuse a format that needs a package which is not there; none is imported for that."""
    for package in (*_PACKAGES, *(_OF_HDF5 if plugin.opens_hdf5 else ())):
        if find_spec(package) is None:
            raise ModuleNotFoundError(f"No module named {package!r}")
