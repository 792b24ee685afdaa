"""iconfig.yml as it stands: its keys, and the lines on which they stand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..contract.settings import expanded
from ..errors import ConfigError, MissingConfigError
from ..files.working_directory import working_directory
from ..files.yamltext import YamlError, compose, construct, merged, pairs

__all__ = ["ENABLE", "OLDER_IN_BLOCKS", "OLDER_KEYS", "Mistake", "Source", "read_source"]

ENABLE = "ENABLE"

OLDER_KEYS = {
    "WRITE_SPEC_DATA_FILES": ("SPEC_DATA_FILES", ENABLE),
    "WRITE_NEXUS_DATA_FILES": ("NEXUS_DATA_FILES", ENABLE),
    "NEXUS_FILE_EXTENSION": ("NEXUS_DATA_FILES", "FILE_EXTENSION"),
    "NEXUS_WARN_MISSING_CONTENT": ("NEXUS_DATA_FILES", "WARN_MISSING"),
}
"""Keys of APS instruments from before the blocks, and what they are called now."""

OLDER_IN_BLOCKS = [
    ("NEXUS_DATA_FILES", "WARN_MISSING_CONTENT", "WARN_MISSING"),
    ("NEXUS_DATA_FILES", "NEXUS_WARN_MISSING_CONTENT", "WARN_MISSING"),
    ("SPEC_DATA_FILES", "WARN_MISSING_CONTENT", "WARN_MISSING"),
]
"""Keys in the blocks of APS instruments, and what they are called here."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a configuration."""

    line: int
    """Where it stands; 0 where that is not known."""
    message: str
    """With file, line, key, what was found and what is allowed."""
    kind: type[ConfigError] = ConfigError


@dataclass(frozen=True, slots=True)
class Source:
    """A configuration and the lines on which its keys stand."""

    name: str
    content: Mapping[str, Any]
    """Blocks of bluescribe as they are; of other software, only the names of keys."""
    keys: tuple[tuple[str, int], ...]
    """The keys at the top level and their lines, as they stand, those that stand twice too."""
    lines: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    repeated: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    """Keys that stand twice, of which YAML takes the last, and the line of the one before."""
    folder: Path = Path()
    """Where files that the configuration names are looked for."""

    def mistake(self, keys: tuple[str, ...], message: str, *, line: int | None = None) -> Mistake:
        """Return a mistake with file, line and key."""
        keys = self._as_written(keys)
        line = line or self.lines.get(keys) or self.lines.get(keys[:1])  # merged: the block's
        where = f"{self.name}, line {line}" if line else self.name
        return Mistake(line or 0, f"{where}: {'.'.join(keys)}: {message}")

    def _as_written(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Return the older key where that is what stands there."""
        older = {new: old for old, new in OLDER_KEYS.items() if old in self.content}
        block = self.content.get(keys[0])
        inside = block if isinstance(block, Mapping) else {}
        for older_block, old, new in OLDER_IN_BLOCKS:
            if keys == (older_block, new) and new not in inside and old in inside:
                return (older_block, old)
        is_new = len(keys) == 2 and keys[1] in inside
        return keys if is_new or keys not in older else (older[keys],)


def read_source(
    iconfig: str | Path | Mapping[str, Any], is_ours: Callable[[str, Any], bool]
) -> Source:
    """Read a configuration.

    Parameters
    ----------
    iconfig
        Path of ``iconfig.yml``, or its content.
    is_ours
        Tells of a key at the top level, and of the names of the keys below it, whether they are
        bluescribe's. Of others, tags and values need not be understood.

    Raises
    ------
    ConfigError
        It cannot be read, is no YAML, or no mapping.
    MissingConfigError
        There is no such file.
    """
    if isinstance(iconfig, Mapping):
        return Source("iconfig", iconfig, tuple((str(key), 0) for key in iconfig))
    given: object = iconfig
    if not isinstance(given, str | os.PathLike):
        kind = type(given).__name__
        raise ConfigError(f"the path of iconfig.yml is needed, or its content; found a {kind}")
    try:
        path = expanded(iconfig)
    except ValueError as error:
        raise ConfigError(f"{iconfig}: {error}") from None
    try:
        return _source(path, compose(path), is_ours)
    except FileNotFoundError:
        raise MissingConfigError(
            f"{path}: no such file. Make one by bluescribe init, or give the path of yours; the "
            f"working directory is {working_directory()}"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except YamlError as error:
        where = f"{path}, line {error.line}" if error.line else str(path)
        raise ConfigError(f"{where}: {error.words}") from None


_Lines = dict[tuple[str, ...], int]


def _source(path: Path, root: yaml.Node | None, is_ours: Callable[[str, Any], bool]) -> Source:
    if root is not None and not isinstance(root, yaml.MappingNode):
        kind = type(construct(root)).__name__
        raise ConfigError(f"{path}: a mapping of keys is needed, found a {kind}")
    keys = tuple((_text(key), key.start_mark.line + 1) for key, _ in pairs(root))
    lines, repeated = _lines(root)  # before merge keys (<<) are filled in
    content = {} if root is None else _content(root, is_ours)
    return Source(str(path), content, keys, lines, repeated, path.parent)


def _content(root: yaml.MappingNode, is_ours: Callable[[str, Any], bool]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in merged(root):
        name, outline = _text(key), _outline(value)
        is_read = is_ours(name, outline)
        content[name] = _block(value, key.start_mark.line + 1) if is_read else outline
    return content


def _block(node: yaml.Node, line: int) -> Any:
    """Return a block of ours: what its keys hold, each with a mistake of its own."""
    if not isinstance(node, yaml.MappingNode):
        return construct(node, line)
    return {_text(key): construct(value, key.start_mark.line + 1) for key, value in merged(node)}


def _outline(node: yaml.Node, depth: int = 2) -> Any:
    """Return what other software's keys look like: the names in a block, and single values."""
    if isinstance(node, yaml.ScalarNode):
        return node.value or None
    below = depth - 1
    return {_text(key): _outline(value, below) if below else None for key, value in pairs(node)}


def _lines(root: yaml.Node | None) -> tuple[_Lines, _Lines]:
    """Return the line of each key, and of each key in a block; and where a repeated one was."""
    lines: _Lines = {}
    repeated: _Lines = {}
    for keys, node in _key_nodes(root):
        if keys in lines:
            repeated[keys] = lines[keys]
        lines[keys] = node.start_mark.line + 1
    return lines, repeated


def _key_nodes(root: yaml.Node | None) -> Iterator[tuple[tuple[str, ...], yaml.Node]]:
    for key, value in pairs(root):
        yield (_text(key),), key
        for inner, _ in pairs(value):
            yield (_text(key), _text(inner)), inner


def _text(key: yaml.Node) -> str:
    return str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
