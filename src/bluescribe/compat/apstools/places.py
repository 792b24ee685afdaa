"""Paths -> settings that name one file, literally."""

from __future__ import annotations

from pathlib import Path

__all__ = ["folder_of", "place_of"]

_LONGEST_EXTENSION = 40


def place_of(path: Path) -> dict[str, str]:
    """Return the settings by which a run goes to a file; a relative path is one in its cwd."""
    path = path.expanduser()
    ending = path.suffix if len(path.suffix) < _LONGEST_EXTENSION and "{" not in path.suffix else ""
    return {
        "directory": folder_of(path.parent),
        "file_name": _literal(path.name.removesuffix(ending)),
        "file_extension": ending.removeprefix("."),
    }


def folder_of(path: Path) -> str:
    """Return the setting by which a run goes to a folder."""
    return _literal(str(path.expanduser()))


def _literal(text: str) -> str:
    """Return a template that gives a text."""
    return text.replace("{", "{{").replace("}", "}}")
