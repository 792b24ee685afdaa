"""iconfig.yml -> frozen, validated settings: which formats are written, and what is delivered."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .delivery import delivery_names, load_delivery
from .errors import UnknownFormatError
from .formats import format_names, load_format
from .iconfig import ENABLE, OLDER_KEYS, Source, read_source
from .settings import CheckedSettings, SettingsError, WriterSettings
from .writer import Writer

if TYPE_CHECKING:
    from .delivery.base import Delivery
    from .delivery.settings import DeliverySettings

__all__ = ["Configuration", "DeliveryConfig", "WriterConfig", "read_iconfig"]

logger = logging.getLogger(__name__)

_SHARED = "DATA_FILES"
_SUFFIX = "_DATA_FILES"


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
class DeliveryConfig:
    """One delivery that is switched on."""

    name: str
    delivery_class: type[Delivery]
    settings: DeliverySettings

    def make(self) -> Delivery:
        """Make the delivery."""
        values = {name: getattr(self.settings, name) for name in self.settings.model_fields_set}
        return self.delivery_class(**values)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a configuration switches on."""

    writers: list[WriterConfig]
    deliveries: list[DeliveryConfig]


def read_iconfig(iconfig: str | Path | Mapping[str, Any]) -> Configuration:
    """Return the formats and deliveries that a configuration switches on, with their settings.

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
    source = read_source(iconfig)
    _refuse_repeated(source)
    blocks = _blocks(source)
    shared = blocks.pop(_SHARED, {})
    _check_keys(source, _SHARED, shared, _shared_keys())
    writers = list(_enabled(source, blocks, shared))
    return Configuration(writers, list(_deliveries(source, [writer.name for writer in writers])))


def _enabled(
    source: Source, blocks: Mapping[str, Mapping[str, Any]], shared: Mapping[str, Any]
) -> Iterator[WriterConfig]:
    for block, content in blocks.items():
        name = block.removesuffix(_SUFFIX).lower()
        if name not in format_names():
            raise _unknown_format(source, block)
        enabled = _is_enabled(source, block, content)
        if not enabled and set(content) <= {ENABLE, *_keys(WriterSettings)}:
            continue  # nothing to check that needs the format's import
        writer_class = load_format(name)
        _check_keys(source, block, content, [ENABLE, *_keys(writer_class.settings_class)])
        if enabled:
            settings = _settings(source, writer_class, {_SHARED: shared, block: content})
            yield WriterConfig(name, writer_class, settings)


def _deliveries(source: Source, formats: list[str]) -> Iterator[DeliveryConfig]:
    for name in delivery_names():
        block = name.upper()
        if not _is_delivery(source, block):
            continue
        content = {str(key): value for key, value in source.content[block].items()}
        delivery_class = load_delivery(name)
        settings_class = delivery_class.settings_class
        with _in_place(source, {}, block):
            settings_class.refuse_secrets(name, content)
        _check_keys(source, block, content, [ENABLE, *_keys(settings_class)])
        if _is_enabled(source, block, content):
            values = {k.lower(): v for k, v in content.items() if k != ENABLE and v is not None}
            with _in_place(source, {}, block):
                settings = settings_class.validated(name, values, folder=source.folder)
                settings.check_formats(name, formats)
            yield DeliveryConfig(name, delivery_class, settings)


def _is_enabled(source: Source, block: str, content: Mapping[str, Any]) -> bool:
    enabled = content.get(ENABLE, False)
    if not isinstance(enabled, bool):
        raise source.error((block, ENABLE), f"found {enabled!r}; allowed are true and false")
    return enabled


def _settings(
    source: Source, writer_class: type[Writer], blocks: Mapping[str, Mapping[str, Any]]
) -> WriterSettings:
    """Make settings of what blocks say; the later one has the last word."""
    values: dict[str, Any] = {}
    owner: dict[str, str] = {}
    for block, content in blocks.items():
        said = {key: v for key, v in content.items() if key != ENABLE and v is not None}
        values |= said
        owner |= dict.fromkeys(said, block)
    lowered = {key.lower(): value for key, value in values.items()}
    with _in_place(source, owner, block):
        return writer_class.settings_class.validated(
            writer_class.format, lowered, folder=source.folder
        )


@contextmanager
def _in_place(source: Source, owner: Mapping[str, str], block: str) -> Iterator[None]:
    """Tell the first mistake in settings with the place where they stand."""
    try:
        yield
    except SettingsError as error:
        problem = error.problems[0]
        key = problem.key.partition(".")[0].upper()
        place = (owner.get(key, block), key)
        raise source.error(place, f"found {problem.found!r}; {problem.message}") from None


def _check_keys(source: Source, block: str, content: Mapping[str, Any], allowed: list[str]) -> None:
    for key in content:
        if key not in allowed:
            near = difflib.get_close_matches(str(key).upper(), allowed, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            message = f"unknown key; {hint}Allowed are {', '.join(allowed)}"
            raise source.error((block, str(key)), message)


def _keys(settings: type[CheckedSettings]) -> list[str]:
    return [name.upper() for name in settings.model_fields]


def _shared_keys() -> list[str]:
    """Return what all formats may have in common: not the ending of their files."""
    return [key for key in _keys(WriterSettings) if key != "FILE_EXTENSION"]


def _unknown_format(source: Source, block: str) -> UnknownFormatError:
    known = [f"{name.upper()}{_SUFFIX}" for name in format_names()]
    near = difflib.get_close_matches(block, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    error = source.error((block,), f"unknown format; {hint}Known are {', '.join(known)}")
    return UnknownFormatError(str(error))


def _blocks(source: Source) -> dict[str, dict[str, Any]]:
    """Return our blocks, older keys sorted in."""
    blocks: dict[str, dict[str, Any]] = {}
    for key, value in source.content.items():
        if _is_ours(str(key)) and key not in OLDER_KEYS:
            if not isinstance(value, Mapping | None):
                raise source.error((key,), f"found {value!r}; a block of keys is needed")
            blocks[key] = {str(k): v for k, v in (value or {}).items()}
        elif key not in OLDER_KEYS:
            _warn_of_near_miss(source, str(key), value)
    for key, (block, name) in OLDER_KEYS.items():
        if key in source.content:
            _adopt(source, key, blocks.setdefault(block, {}), f"{block}.{name}")
    return blocks


def _adopt(source: Source, older: str, block: dict[str, Any], path: str) -> None:
    """Put an older key's value where it belongs now."""
    name = path.rpartition(".")[2]
    value = source.content[older]
    if block.setdefault(name, value) != value:
        raise source.error((older,), f"found {value!r}, but {path} says {block[name]!r}")


def _refuse_repeated(source: Source) -> None:
    for keys, line in source.repeated.items():
        if _is_ours(keys[0]) or _is_delivery(source, keys[0]):
            message = f"stands a second time, after line {line}; keep one of them"
            raise source.error(keys, message)


def _warn_of_near_miss(source: Source, key: str, value: Any) -> None:
    """Tell of what may be meant for us; other software's keys may look so."""
    formats = [f"{name.upper()}{_SUFFIX}" for name in format_names()]
    near = difflib.get_close_matches(
        key.upper(), [_SHARED, *OLDER_KEYS, *formats], n=1, cutoff=0.85
    )
    deliveries = [name.upper() for name in delivery_names()]
    if not near and _has_something_like_enable(value) and not _is_delivery(source, key):
        if key in deliveries:
            message = f"it has no {ENABLE}. Nothing is read from it."
            logger.warning("%s", source.error((key,), message))
        else:
            near = difflib.get_close_matches(key.upper(), deliveries, n=1, cutoff=0.7)
    if near:
        logger.warning("%s. Nothing is read from it.", source.error((key,), f"is it {near[0]}?"))


def _has_something_like_enable(value: Any) -> bool:
    keys = [str(key).upper() for key in value] if isinstance(value, Mapping) else []
    return bool(difflib.get_close_matches(ENABLE, keys, n=1, cutoff=0.8))


def _is_ours(key: str) -> bool:
    return key == _SHARED or key in OLDER_KEYS or key.endswith(_SUFFIX)


def _is_delivery(source: Source, key: str) -> bool:
    """Tell whether a block is a delivery; other software may call one TILED or GLOBUS."""
    value = source.content.get(key)
    return (
        key.lower() in delivery_names()
        and key.isupper()
        and isinstance(value, Mapping)
        and (ENABLE in value or (key, ENABLE) in source.lines)
    )
