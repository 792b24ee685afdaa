"""Which keys of iconfig.yml are bluescribe's, and which were meant to be."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from ..contract.settings import CheckedSettings, WriterSettings
from ..delivery import delivery_names, load_delivery, own_delivery_names
from ..errors import UnknownFormatError, shown
from ..formats import format_names, load_plugin, own_format_names
from .iconfig import ENABLE, OLDER_IN_BLOCKS, OLDER_KEYS, Mistake, Source
from .session import OF_SESSION

__all__ = ["SHARED", "SUFFIX", "Blocks", "keys_of"]

logger = logging.getLogger(__name__)

SHARED = "DATA_FILES"
SUFFIX = "_DATA_FILES"

_MERGE = "<<"


class Blocks:
    """The blocks that are known when a configuration is read.

    Those of other packages are looked for, in all that is installed, when there is a key that one
    of them may be meant by: that takes some milliseconds.
    """

    def __init__(self) -> None:
        self._own_formats = _blocks_of(own_format_names())
        self._own_deliveries = own_delivery_names()

    @cached_property
    def formats(self) -> list[str]:
        """The blocks of all formats."""
        return _blocks_of(format_names())

    @cached_property
    def deliveries(self) -> list[str]:
        """The names of all deliveries."""
        return delivery_names()

    def is_format(self, key: str) -> bool:
        """Tell whether a key is the block of a format."""
        return key in self._own_formats or (key.endswith(SUFFIX) and key in self.formats)

    def is_ours(self, key: str, value: Any) -> bool:
        """Tell whether a key at the top level, and what stands below it, is read."""
        is_block = key == SHARED or key in OLDER_KEYS or self.is_format(key)
        is_unknown_format = key.endswith(SUFFIX) and _has_like_enable(value)
        return is_block or is_unknown_format or self.is_delivery(key, value)

    def is_delivery(self, key: str, value: Any) -> bool:
        """Tell whether a block is a delivery; other software may call one TILED or GLOBUS."""
        has_enable = isinstance(value, Mapping) and bool({ENABLE, _MERGE} & value.keys())
        if not (has_enable and key.isupper()) or key in self._own_formats:
            return False
        return key.lower() in self._own_deliveries or key.lower() in self.deliveries

    def of(self, source: Source, mistakes: list[Mistake]) -> dict[str, dict[str, Any]]:
        """Return the blocks of the formats and the shared one, older keys sorted in."""
        blocks: dict[str, dict[str, Any]] = {}
        for key, value in source.content.items():
            is_elsewhere = key in OLDER_KEYS or self.is_delivery(str(key), value)
            if is_elsewhere or not self.is_ours(str(key), value):
                continue
            if isinstance(value, Mapping | None):
                blocks[key] = {str(k): v for k, v in (value or {}).items()}
            else:
                message = f"found {shown(value)}; a block of keys is needed"
                mistakes.append(source.mistake((key,), message))
        for key, new in OLDER_KEYS.items():
            if key in source.content:
                mistakes.extend(_adopt(source, (key,), source.content[key], blocks, new))
        for block, older, name in OLDER_IN_BLOCKS:
            if older in blocks.get(block, {}):
                value = blocks[block].pop(older)
                mistakes.extend(_adopt(source, (block, older), value, blocks, (block, name)))
        return blocks

    def mistakes(self, source: Source) -> Iterator[Mistake]:
        """Yield keys that stand twice, or where nobody reads them although they are surely ours.

        What may as well belong to other software is warned of where it looks much like ours, and
        left alone otherwise.
        """
        yield from self._repeated(source)
        yield from self._lost_indentation(source)
        for key, value in source.content.items():
            if not self.is_ours(str(key), value):
                yield from self._near_miss(source, str(key), value)
                self._warn_of_nested_blocks(source, str(key), value)
            elif self.is_format(str(key)) and isinstance(value, Mapping):
                _warn_without_enable(source, str(key), value)

    def _repeated(self, source: Source) -> Iterator[Mistake]:
        for keys, line in source.repeated.items():
            was_delivery = keys[0].lower() in self.deliveries and (keys[0], ENABLE) in source.lines
            if self.is_ours(keys[0], source.content.get(keys[0])) or was_delivery:
                yield source.mistake(
                    keys, f"stands a second time, after line {line}; keep one of them"
                )

    def _lost_indentation(self, source: Source) -> Iterator[Mistake]:
        """Find keys that follow their block at the left margin instead of inside it."""
        for index, (block, block_line) in enumerate(source.keys):
            value = source.content.get(block)
            if not self._may_have_lost(block, value) or not source.keys[index + 1 :]:
                continue
            lost = list(self._following(source, index, block))
            if not lost:
                continue
            names = ", ".join(key for key, _ in lost)
            where = f"{block} of line {block_line}" if block_line else block
            message = f"stands at the left margin, below {where}: indent {names} by two spaces"
            found = source.mistake((lost[0][0],), message, line=lost[0][1])
            if not value or (lost[0][0] == ENABLE and ENABLE not in value):
                yield found
            else:
                logger.warning(
                    "%s, or is it of other software? Nothing is read from it", found.message
                )

    def _may_have_lost(self, block: str, value: Any) -> bool:
        if block == SHARED or self.is_format(block):
            return isinstance(value, Mapping | None)
        return value is None and block.isupper() and block.lower() in self.deliveries

    def _following(self, source: Source, index: int, block: str) -> Iterator[tuple[str, int]]:
        """Yield the keys right below a block that are its own, though not in it."""
        known: list[str] = []
        for key, line in source.keys[index + 1 :]:
            if self.is_ours(key, source.content.get(key)):
                return
            if key not in (known := known or _known_keys(block, source.content.get(block))):
                return
            yield key, line

    def _near_miss(self, source: Source, key: str, value: Any) -> Iterator[Mistake]:
        """Tell of what is meant for us, or may be."""
        has_enable = _has_like_enable(value)
        may_be_theirs = has_enable or any(part in key.upper() for part in SHARED.split("_"))
        formats = self.formats if may_be_theirs else self._own_formats
        near = difflib.get_close_matches(
            key.upper(), [SHARED, *OLDER_KEYS, *formats], n=1, cutoff=0.85
        )
        if near and _is_meant_for(near[0], value):
            yield source.mistake((key,), f"is it {near[0]}? Nothing is read from {key}")
        elif near and (isinstance(value, Mapping) or near[0] in OLDER_KEYS):
            _warn(source, key, f"is it {near[0]}?")
        elif has_enable and not near:
            yield from self._near_delivery(source, key, value)

    def _near_delivery(self, source: Source, key: str, value: Any) -> Iterator[Mistake]:
        deliveries = [name.upper() for name in self.deliveries]
        if key in deliveries:
            _warn(source, key, f"it has no {ENABLE}.")
            return
        near = difflib.get_close_matches(key.upper(), deliveries, n=1, cutoff=0.7)
        if near and key.isupper() and ENABLE in value:
            yield source.mistake((key,), f"is it {near[0]}? Nothing is read from {key}")
        elif near:
            _warn(source, key, f"is it {near[0]}?")

    def _warn_of_nested_blocks(self, source: Source, key: str, value: Any) -> None:
        for inner, content in value.items() if isinstance(value, Mapping) else ():
            if self.is_format(str(inner)) and _has_like_enable(content):
                message = (
                    f"stands inside {key}; move it to the left margin if it is for bluescribe."
                )
                logger.warning(
                    "%s Nothing is read from it.",
                    source.mistake((key, str(inner)), message).message,
                )

    def unknown(self, source: Source, block: str) -> Mistake:
        """Return the mistake of a block whose format is not installed."""
        near = difflib.get_close_matches(block, self.formats, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        known = ", ".join(self.formats)
        mistake = source.mistake((block,), f"unknown format; {hint}Known are {known}")
        return Mistake(mistake.line, mistake.message, UnknownFormatError)


def _blocks_of(formats: list[str]) -> list[str]:
    return [f"{name.upper()}{SUFFIX}" for name in formats]


def keys_of(settings: type[CheckedSettings]) -> list[str]:
    """Return what settings are called in a block."""
    return [name.upper() for name in settings.model_fields]


def _adopt(
    source: Source,
    older: tuple[str, ...],
    value: Any,
    blocks: dict[str, dict[str, Any]],
    new: tuple[str, str],
) -> Iterator[Mistake]:
    """Put an older key's value where it belongs now; yield a mistake where that says otherwise."""
    now = blocks.setdefault(new[0], {}).setdefault(new[1], value)
    if now != value:
        message = f"found {shown(value)}, but {'.'.join(new)} says {shown(now)}"
        yield source.mistake(older, message)


def _known_keys(block: str, content: Any) -> list[str]:
    """Return what may stand in a block; of one that holds something, only what all may hold."""
    if block == SHARED:
        return [*keys_of(WriterSettings), *OF_SESSION]
    if content:
        return [ENABLE, *(key for key in keys_of(WriterSettings) if key not in OF_SESSION)]
    try:
        if block.endswith(SUFFIX):
            settings: Any = load_plugin(block.removesuffix(SUFFIX).lower(), is_whole=False).settings
        else:
            settings = load_delivery(block.lower()).settings_class
    except Exception:  # it is told where it is switched on
        return [ENABLE]
    return [ENABLE, *keys_of(settings)]


def _is_meant_for(block: str, value: Any) -> bool:
    """Tell whether a block, or an older key, says what only one of ours would say."""
    if block in OLDER_KEYS:
        return OLDER_KEYS[block][1] == ENABLE and str(value).lower() in ("true", "false")
    if block == SHARED:
        return isinstance(value, Mapping) and bool(value.keys() & set(_known_keys(block, value)))
    return _has_like_enable(value)


def _warn_without_enable(source: Source, block: str, content: Mapping[str, Any]) -> None:
    """Tell of a block that switches nothing on: in some instruments, being there was enough."""
    switches = [old for old, new in OLDER_KEYS.items() if new == (block, ENABLE)]
    if content and ENABLE not in content and not source.content.keys() & set(switches):
        message = f"it has no {ENABLE}, so no such file is written; say {ENABLE}: true or false"
        logger.warning("%s", source.mistake((block,), message).message)


def _warn(source: Source, key: str, message: str) -> None:
    logger.warning("%s Nothing is read from it.", source.mistake((key,), message).message)


def _has_like_enable(value: Any) -> bool:
    keys = [str(key).upper() for key in value] if isinstance(value, Mapping) else []
    return bool(difflib.get_close_matches(ENABLE, keys[:100], n=1, cutoff=0.8))
