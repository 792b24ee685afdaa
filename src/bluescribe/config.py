"""iconfig.yml -> frozen, validated settings. The only reader of YAML configuration."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .errors import ConfigError, MissingConfigError, UnknownFormatError
from .formats import format_names, load_format
from .settings import SettingsError, WriterSettings
from .writer import Writer

__all__ = ["WriterConfig", "read_iconfig"]

logger = logging.getLogger(__name__)

_SHARED = "DATA_FILES"
_SUFFIX = "_DATA_FILES"
_ENABLE = "ENABLE"

_OLDER_KEYS = {
    "WRITE_SPEC_DATA_FILES": ("SPEC_DATA_FILES", _ENABLE),
    "WRITE_NEXUS_DATA_FILES": ("NEXUS_DATA_FILES", _ENABLE),
    "NEXUS_FILE_EXTENSION": ("NEXUS_DATA_FILES", "FILE_EXTENSION"),
    "NEXUS_WARN_MISSING_CONTENT": ("NEXUS_DATA_FILES", "WARN_MISSING"),
}
"""Keys of APS instruments from before the blocks, and what they are called now."""


@dataclass(frozen=True, slots=True)
class WriterConfig:
    """One format that is switched on."""

    name: str
    writer_class: type[Writer]
    settings: WriterSettings

    def make(self) -> Writer:
        """Make the writer."""
        values = {name: getattr(self.settings, name) for name in self.settings.model_fields_set}
        return self.writer_class(**values)


@dataclass(frozen=True, slots=True)
class _Source:
    """A configuration and the lines on which its keys stand."""

    name: str
    content: Mapping[str, Any]
    lines: Mapping[tuple[str, ...], int] = field(default_factory=dict)
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
        older = {new: old for old, new in _OLDER_KEYS.items() if old in self.content}
        is_new = len(keys) == 2 and keys[1] in (self.content.get(keys[0]) or {})
        return keys if is_new or keys not in older else (older[keys],)


def read_iconfig(iconfig: str | Path | Mapping[str, Any]) -> list[WriterConfig]:
    """Return the formats that a configuration switches on, with their settings.

    Parameters
    ----------
    iconfig
        Path of ``iconfig.yml``, or its content.

    Raises
    ------
    ConfigError
        A block names no known format, a key is misspelt, a value is not allowed. The message
        names file, line, key, what was found and what is allowed.
    MissingConfigError
        There is no such file.
    """
    source = _source(iconfig)
    blocks = _blocks(source)
    shared = blocks.pop(_SHARED, {})
    _check_keys(source, _SHARED, shared, _shared_keys())
    return list(_enabled(source, blocks, shared))


def _enabled(
    source: _Source, blocks: Mapping[str, Mapping[str, Any]], shared: Mapping[str, Any]
) -> Iterator[WriterConfig]:
    for block, content in blocks.items():
        name = block.removesuffix(_SUFFIX).lower()
        if name not in format_names():
            raise _unknown_format(source, block)
        enabled = content.get(_ENABLE, False)
        if not isinstance(enabled, bool):
            raise source.error((block, _ENABLE), f"found {enabled!r}; allowed are true and false")
        if not enabled and set(content) <= {_ENABLE, *_keys(WriterSettings)}:
            continue  # nothing to check that needs the format's import
        writer_class = load_format(name)
        _check_keys(source, block, content, [_ENABLE, *_keys(writer_class.settings_class)])
        if enabled:
            settings = _settings(source, writer_class, {_SHARED: shared, block: content})
            yield WriterConfig(name, writer_class, settings)


def _settings(
    source: _Source, writer_class: type[Writer], blocks: Mapping[str, Mapping[str, Any]]
) -> WriterSettings:
    """Make settings of what blocks say; the later one has the last word."""
    values: dict[str, Any] = {}
    owner: dict[str, str] = {}
    for block, content in blocks.items():
        said = {key: v for key, v in content.items() if key != _ENABLE and v is not None}
        values |= said
        owner |= dict.fromkeys(said, block)
    try:
        lowered = {key.lower(): value for key, value in values.items()}
        return writer_class.settings_class.validated(
            writer_class.format, lowered, folder=source.folder
        )
    except SettingsError as error:
        problem = error.problems[0]
        key = problem.key.partition(".")[0].upper()
        place = (owner.get(key, block), key)
        raise source.error(place, f"found {problem.found!r}; {problem.message}") from None


def _check_keys(
    source: _Source, block: str, content: Mapping[str, Any], allowed: list[str]
) -> None:
    for key in content:
        if key not in allowed:
            near = difflib.get_close_matches(str(key).upper(), allowed, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            message = f"unknown key; {hint}Allowed are {', '.join(allowed)}"
            raise source.error((block, str(key)), message)


def _keys(settings: type[WriterSettings]) -> list[str]:
    return [name.upper() for name in settings.model_fields]


def _shared_keys() -> list[str]:
    """Return what all formats may have in common: not the ending of their files."""
    return [key for key in _keys(WriterSettings) if key != "FILE_EXTENSION"]


def _unknown_format(source: _Source, block: str) -> UnknownFormatError:
    known = [f"{name.upper()}{_SUFFIX}" for name in format_names()]
    near = difflib.get_close_matches(block, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    error = source.error((block,), f"unknown format; {hint}Known are {', '.join(known)}")
    return UnknownFormatError(str(error))


def _blocks(source: _Source) -> dict[str, dict[str, Any]]:
    """Return our blocks, older keys sorted in."""
    blocks: dict[str, dict[str, Any]] = {}
    for key, value in source.content.items():
        if _is_ours(str(key)) and key not in _OLDER_KEYS:
            if not isinstance(value, Mapping | None):
                raise source.error((key,), f"found {value!r}; a block of keys is needed")
            blocks[key] = {str(k): v for k, v in (value or {}).items()}
        elif key not in _OLDER_KEYS:
            _warn_of_near_miss(source, str(key))
    for key, (block, name) in _OLDER_KEYS.items():
        if key in source.content:
            _adopt(source, key, blocks.setdefault(block, {}), f"{block}.{name}")
    return blocks


def _adopt(source: _Source, older: str, block: dict[str, Any], path: str) -> None:
    """Put an older key's value where it belongs now."""
    name = path.rpartition(".")[2]
    value = source.content[older]
    if block.setdefault(name, value) != value:
        raise source.error((older,), f"found {value!r}, but {path} says {block[name]!r}")


def _warn_of_near_miss(source: _Source, key: str) -> None:
    known = [_SHARED, *_OLDER_KEYS, *(f"{name.upper()}{_SUFFIX}" for name in format_names())]
    near = difflib.get_close_matches(key.upper(), known, n=1, cutoff=0.85)
    if near:
        logger.warning("%s. Nothing is read from it.", source.error((key,), f"is it {near[0]}?"))


def _source(iconfig: str | Path | Mapping[str, Any]) -> _Source:
    if isinstance(iconfig, Mapping):
        return _Source("iconfig", iconfig)
    path = Path(iconfig).expanduser()
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        lines = _lines(str(path), node)  # before merge keys (<<) are filled in
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
    return _Source(str(path), content, lines, path.parent)


def _lines(path: str, root: yaml.Node | None) -> dict[tuple[str, ...], int]:
    """Return the line of each key, and of each key in a block.

    Raises
    ------
    ConfigError
        One of our keys stands twice: YAML would take the last.
    """
    lines: dict[tuple[str, ...], int] = {}
    for keys, node in _key_nodes(root):
        line = node.start_mark.line + 1
        if keys in lines and _is_ours(keys[0]):
            message = f"stands a second time, after line {lines[keys]}; keep one of them"
            raise _Source(path, {}, {keys: line}).error(keys, message)
        lines[keys] = line
    return lines


def _key_nodes(root: yaml.Node | None) -> Iterator[tuple[tuple[str, ...], yaml.Node]]:
    for key, value in _pairs(root):
        yield (str(key.value),), key
        for inner, _ in _pairs(value):
            yield (str(key.value), str(inner.value)), inner


def _pairs(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    return node.value if isinstance(node, yaml.MappingNode) else []


def _is_ours(key: str) -> bool:
    return key == _SHARED or key in _OLDER_KEYS or key.endswith(_SUFFIX)
