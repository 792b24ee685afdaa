"""iconfig.yml as it stands: its keys, and the lines on which they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .errors import ConfigError, MissingConfigError

__all__ = ["ENABLE", "OLDER_KEYS", "Source", "read_source"]

ENABLE = "ENABLE"

OLDER_KEYS = {
    "WRITE_SPEC_DATA_FILES": ("SPEC_DATA_FILES", ENABLE),
    "WRITE_NEXUS_DATA_FILES": ("NEXUS_DATA_FILES", ENABLE),
    "NEXUS_FILE_EXTENSION": ("NEXUS_DATA_FILES", "FILE_EXTENSION"),
    "NEXUS_WARN_MISSING_CONTENT": ("NEXUS_DATA_FILES", "WARN_MISSING"),
}
"""Keys of APS instruments from before the blocks, and what they are called now."""


@dataclass(frozen=True, slots=True)
class Source:
    """A configuration and the lines on which its keys stand."""

    name: str
    content: Mapping[str, Any]
    lines: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    repeated: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    """Keys that stand twice, of which YAML takes the last, and the line of the one before."""
    folder: Path = Path()
    """Where files that the configuration names are looked for."""

    def error(self, keys: tuple[str, ...], message: str) -> ConfigError:
        """Return an error that names file, line and key."""
        keys = self._as_written(keys)
        line = self.lines.get(keys) or self.lines.get(keys[:1])  # merged from another block
        where = f"{self.name}, line {line}" if line else self.name
        return ConfigError(f"{where}: {'.'.join(keys)}: {message}")

    def _as_written(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Return the older key where that is what stands there."""
        older = {new: old for old, new in OLDER_KEYS.items() if old in self.content}
        is_new = len(keys) == 2 and keys[1] in (self.content.get(keys[0]) or {})
        return keys if is_new or keys not in older else (older[keys],)


def read_source(iconfig: str | Path | Mapping[str, Any]) -> Source:
    """Read a configuration.

    Raises
    ------
    ConfigError
        It is no YAML, or no mapping.
    MissingConfigError
        There is no such file.
    """
    if isinstance(iconfig, Mapping):
        return Source("iconfig", iconfig)
    path = Path(iconfig).expanduser()
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        lines, repeated = _lines(node)  # before merge keys (<<) are filled in
        content = {} if node is None else yaml.SafeLoader("").construct_document(node)
    except FileNotFoundError:
        raise MissingConfigError(
            f"{path}: no such file. Copy the iconfig.yml that comes with bluescribe there, or give "
            f"the path of yours; the working directory is {Path.cwd()}"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not YAML: {error}") from None
    if not isinstance(content, Mapping):
        raise ConfigError(f"{path}: a mapping of keys is needed, found a {type(content).__name__}")
    return Source(str(path), content, lines, repeated, path.parent)


_Lines = dict[tuple[str, ...], int]


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
    for key, value in _pairs(root):
        yield (str(key.value),), key
        for inner, _ in _pairs(value):
            yield (str(key.value), str(inner.value)), inner


def _pairs(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    return node.value if isinstance(node, yaml.MappingNode) else []
