"""Links to other HDF5 files: ``file::/path``, where keys in braces fill the name of the file."""

from __future__ import annotations

from collections.abc import Iterator
from string import Formatter

from ....errors import ConfigError
from ....files.run_paths import check_keys
from ....files.templates import check_meaning

__all__ = ["checked", "is_external", "keys_of", "parts_of"]

_BETWEEN = "::/"
"""Between file and object, as silx and others write it: no path of a file has it."""


def is_external(source: str) -> bool:
    """Tell whether a source is an object of another file."""
    return _BETWEEN in source


def parts_of(source: str) -> tuple[str, str]:
    """Return the template of the file, and the path of the object in it."""
    file, _, path = source.partition(_BETWEEN)
    return file, f"/{path}"


def keys_of(template: str) -> Iterator[str]:
    """Yield what stands in braces in the template of a file."""
    return (key for _, key, _, _ in Formatter().parse(template) if key)


def checked(source: str) -> str:
    """Return such a source as it is.

    Raises
    ------
    ConfigError
        Its file has no name, or one that cannot be filled.
    """
    file, _ = parts_of(source)
    try:
        check_keys(file)
        check_meaning(file)
    except ValueError as error:
        raise ConfigError(f"{source}: {error}") from None
    if not file.strip() or not file.isprintable():
        raise ConfigError(f"found {source!r}; a file is needed before ::/, such as {{scan_id}}.h5")
    return source
