"""iconfig.yml -> frozen, validated settings: which formats are written, and what is delivered."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from ..contract.settings import CheckedSettings, SettingsError, WriterSettings
from ..delivery import load_delivery
from ..errors import ConfigError, UnknownDeliveryError, UnknownFormatError, shown
from ..formats import load_plugin
from ..later import Later
from ..spool import SpoolSettings
from .blocks import SHARED, SUFFIX, Blocks, keys_of
from .configuration import Configuration, DeliveryConfig, WriterConfig
from .iconfig import ENABLE, Mistake, Source, read_source
from .session import OF_SESSION, SessionSettings

if TYPE_CHECKING:
    from ..contract.plugin import FormatPlugin
    from ..delivery.base import Delivery
    from ..delivery.settings import DeliverySettings

__all__ = ["read_iconfig", "read_what_is_right"]

_MOST_TOLD = 30
_OF_DELIVERIES = Later("bluescribe.delivery.settings", "DeliverySettings")
"""Few sessions deliver."""

_Settings = TypeVar("_Settings", bound=CheckedSettings)


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
        names file, line, key, what was found and what is allowed, of every mistake.
    MissingConfigError
        There is no such file.
    """
    reading = _Reading.of(iconfig)
    configuration = reading.whole()
    reading.refuse()
    return configuration


def read_what_is_right(
    iconfig: str | Path | Mapping[str, Any],
) -> tuple[Configuration, list[str], list[str]]:
    """Read a configuration that may have mistakes.

    Returns
    -------
    tuple of Configuration, list of str, list of str
        What has no mistake; what is told of each mistake; the formats that are switched on and
        have mistakes.

    Raises
    ------
    ConfigError
        It cannot be read, is no YAML, or no mapping.
    MissingConfigError
        There is no such file.
    """
    reading = _Reading.of(iconfig)
    configuration = reading.whole()
    right = {config.name for config in configuration.writers}
    wrong = [name for name in reading.formats if name not in right]
    return configuration, [mistake.message for mistake in reading.found()], wrong


@dataclass
class _Reading:
    """A configuration that is read to its end, whatever is wrong in it."""

    source: Source
    known: Blocks
    mistakes: list[Mistake]
    formats: list[str] = field(default_factory=list)
    """Those that are switched on, whether their settings are right or not."""
    spool: SpoolSettings = field(default_factory=SpoolSettings)
    session: SessionSettings = field(default_factory=SessionSettings)

    @classmethod
    def of(cls, iconfig: str | Path | Mapping[str, Any]) -> Self:
        """Begin to read a configuration; fails as `read_source` does."""
        known = Blocks()
        source = read_source(iconfig, known.is_ours)
        return cls(source, known, list(known.mistakes(source)))

    def whole(self) -> Configuration:
        """Read all of it; return what has no mistake."""
        blocks = self.known.of(self.source, self.mistakes)
        shared = self.checked_shared(blocks.pop(SHARED, {}))
        writers = list(self.writers(blocks, shared))
        deliveries = list(self.deliveries(self.formats))
        return Configuration(writers, deliveries, self.spool, self.session)

    def found(self) -> list[Mistake]:
        """Return the mistakes that were found so far, in the order of their lines."""
        return sorted(dict.fromkeys(self.mistakes), key=lambda mistake: mistake.line)

    def refuse(self) -> None:
        """Raise one error that tells of all mistakes, if there are any."""
        found = self.found()
        if not found:
            return
        kinds = {mistake.kind for mistake in found}
        kind = kinds.pop() if len(kinds) == 1 else ConfigError
        lines = [mistake.message for mistake in found[:_MOST_TOLD]]
        if len(found) > 1:
            lines.insert(0, f"{self.source.name}: {len(found)} mistakes")
        if len(found) > _MOST_TOLD:
            lines.append(f"and {len(found) - _MOST_TOLD} more")
        raise kind("\n".join(lines))

    def checked_shared(self, shared: Mapping[str, Any]) -> dict[str, Any]:
        """Return what all formats have in common, checked also when no format is on."""
        # the ending of the files is each format's own
        allowed = [key for key in keys_of(WriterSettings) if key != "FILE_EXTENSION"]
        self._check_keys(SHARED, shared, list(dict.fromkeys([*allowed, *OF_SESSION])))
        values = {key: value for key, value in shared.items() if key in allowed}
        if values:
            self._settings(WriterSettings, SHARED, {SHARED: values})
        self.spool = self._of_session(SpoolSettings, shared) or self.spool
        self.session = self._of_session(SessionSettings, shared) or self.session
        return values

    def _of_session(
        self, settings_class: type[_Settings], shared: Mapping[str, Any]
    ) -> _Settings | None:
        names = keys_of(settings_class)
        own = {key: value for key, value in shared.items() if key in names}
        return self._settings(settings_class, SHARED, {SHARED: own})

    def writers(
        self, blocks: Mapping[str, Mapping[str, Any]], shared: Mapping[str, Any]
    ) -> Iterator[WriterConfig]:
        """Yield the formats that are on and have no mistake."""
        for block, content in blocks.items():
            name = block.removesuffix(SUFFIX).lower()
            if not self.known.is_format(block):
                self.mistakes.append(self.known.unknown(self.source, block))
                continue
            is_on = self._is_enabled(block, content)
            if not is_on and content.keys() <= {ENABLE, *keys_of(WriterSettings)} - {*OF_SESSION}:
                continue  # nothing to check that needs the format's import
            plugin = self._load(block, name)
            if plugin is None:
                continue
            allowed = [ENABLE, *(k for k in keys_of(plugin.settings) if k not in OF_SESSION)]
            self._check_keys(block, content, allowed)
            if is_on:
                self.formats.append(name)
                known = {key: value for key, value in content.items() if key in allowed}
                settings = self._settings(plugin.settings, name, {SHARED: shared, block: known})
                if settings is not None:
                    yield WriterConfig(name, plugin, settings)

    def deliveries(self, formats: list[str]) -> Iterator[DeliveryConfig]:
        """Yield the deliveries that are on and have no mistake."""
        content_of = self.source.content.items()
        if not any(self.known.is_delivery(str(key), value) for key, value in content_of):
            return
        for name in self.known.deliveries:
            block = name.upper()
            content: Any = self.source.content.get(block)
            if not self.known.is_delivery(block, content):
                continue
            shared = {ENABLE, *keys_of(_OF_DELIVERIES.load())}
            if content.get(ENABLE) is False and content.keys() <= shared:
                continue  # nothing to check that needs the delivery's import
            delivery_class = self._load_delivery(block, name)
            if delivery_class is None:
                continue
            settings = self._delivery_settings(name, block, delivery_class, formats)
            if settings is not None:
                yield DeliveryConfig(name, delivery_class, settings)

    def _delivery_settings(
        self, name: str, block: str, delivery_class: type[Delivery], formats: list[str]
    ) -> DeliverySettings | None:
        content = {str(key): value for key, value in self.source.content[block].items()}
        settings_class = delivery_class.settings_class
        try:
            settings_class.refuse_secrets(name, content)
            before = len(self.mistakes)
            self._check_keys(block, content, [ENABLE, *keys_of(settings_class)])
            if not self._is_enabled(block, content) or len(self.mistakes) > before:
                return None
            values = {k.lower(): v for k, v in content.items() if k != ENABLE and v is not None}
            settings = settings_class.validated(name, values, folder=self.source.folder)
            settings.check_formats(name, formats)
        except SettingsError as error:
            self._add(error, {}, block)
            return None
        return settings

    def _load(self, block: str, name: str) -> FormatPlugin | None:
        try:
            return load_plugin(name, is_whole=False)
        except UnknownFormatError as error:  # of the package that adds it: the others are read on
            self.mistakes.append(self.source.mistake((block,), str(error)))
            return None

    def _load_delivery(self, block: str, name: str) -> type[Delivery] | None:
        try:
            return load_delivery(name)
        except UnknownDeliveryError as error:  # as a format
            self.mistakes.append(self.source.mistake((block,), str(error)))
            return None

    def _is_enabled(self, block: str, content: Mapping[str, Any]) -> bool:
        enabled = content.get(ENABLE, False)
        if not isinstance(enabled, bool):
            message = f"found {shown(enabled)}; allowed are true and false"
            self.mistakes.append(self.source.mistake((block, ENABLE), message))
            return False
        return enabled

    def _settings(
        self,
        settings_class: type[_Settings],
        format_name: str,
        blocks: Mapping[str, Mapping[str, Any]],
    ) -> _Settings | None:
        """Make settings of what blocks say; the later one has the last word."""
        values: dict[str, Any] = {}
        owner: dict[str, str] = {}
        for block, content in blocks.items():
            said = {key: v for key, v in content.items() if key != ENABLE and v is not None}
            values |= said
            owner |= dict.fromkeys(said, block)
        lowered = {key.lower(): value for key, value in values.items()}
        try:
            return settings_class.validated(format_name, lowered, folder=self.source.folder)
        except SettingsError as error:
            self._add(error, owner, block)
            return None

    def _add(self, error: SettingsError, owner: Mapping[str, str], block: str) -> None:
        """Note what is wrong with settings, with the places where they stand."""
        for problem in error.problems:
            key = problem.key.partition(".")[0].upper()
            place = (owner.get(key, block), key)
            message = f"found {shown(problem.found)}; {problem.message}"
            self.mistakes.append(self.source.mistake(place, message))

    def _check_keys(self, block: str, content: Mapping[str, Any], allowed: list[str]) -> None:
        for key in content:
            if key not in allowed and key in OF_SESSION:
                message = f"it is of the whole session: it stands in {SHARED}"
                self.mistakes.append(self.source.mistake((block, key), message))
            elif key not in allowed:
                near = difflib.get_close_matches(str(key).upper(), allowed, n=1)
                hint = f"did you mean {near[0]}? " if near else ""
                message = f"unknown key; {hint}Allowed are {', '.join(allowed)}"
                self.mistakes.append(self.source.mistake((block, str(key)), message))
