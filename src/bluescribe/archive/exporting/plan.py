"""The plan of an export: which runs, in which formats, with which settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...config.config import read_iconfig
from ...config.configuration import WriterConfig
from ...contract.settings import WriterSettings
from ...errors import ConfigError
from ...formats import load_plugin
from ...sources import StoredRun
from .manifest import Manifest
from .report import ExportedRun

__all__ = ["Plan", "Progress", "Task", "configs_for", "plan_export", "sharing"]

Progress = Callable[[int, ExportedRun | None], None]
"""Called with the number of events since the last call, and with each run that is finished."""


@dataclass(frozen=True)
class Plan:
    """What an export will do."""

    configs: tuple[WriterConfig, ...]
    tasks: tuple[Task, ...]
    resumes: bool = False
    """Whether files that an earlier export has begun are continued."""


@dataclass(frozen=True)
class Task:
    """A run, with the formats to write and those that are complete already."""

    run: StoredRun
    names: tuple[str, ...]
    skipped: tuple[str, ...] = ()


def plan_export(
    runs: Iterable[StoredRun], configs: Iterable[WriterConfig], manifest: Manifest | None
) -> Plan:
    """Make the plan of an export.

    Parameters
    ----------
    runs
        The runs.
    configs
        The formats and their settings.
    manifest
        Of an export that is resumed.
    """
    chosen = tuple(configs)
    tasks = []
    shared = frozenset() if manifest is None else sharing(chosen)
    for run in runs:
        done = tuple(
            config.name
            for config in chosen
            if manifest is not None
            and manifest.is_done(run.uid, config.name, shares=config.name in shared)
        )
        tasks.append(Task(run, tuple(c.name for c in chosen if c.name not in done), done))
    return Plan(chosen, tuple(tasks), resumes=manifest is not None)


def sharing(configs: Iterable[WriterConfig]) -> frozenset[str]:
    """Return the formats whose files take several runs."""
    sharing = set()
    for config in configs:
        if not config.plugin.may_share_files:
            continue
        with config.make() as writer:
            if writer.shares_files:
                sharing.add(config.name)
    return frozenset(sharing)


def configs_for(
    directory: str | Path,
    formats: Iterable[str],
    iconfig: str | Path | Mapping[str, Any] | None,
    options: Mapping[str, Any],
) -> list[WriterConfig]:
    """Return the formats of an export and their settings.

    Raises
    ------
    ConfigError
        There is no such format, or an option is not allowed.
    """
    names = list(dict.fromkeys(formats))
    if not names:
        raise ConfigError("name a format to export to, such as nexus")
    plugins = {name: load_plugin(name) for name in names}
    given = {} if iconfig is None else _settings_in(iconfig, names)
    known = {key for p in plugins.values() for key in p.settings.model_fields}
    for option in options:
        if option not in known and option not in names:
            raise ConfigError(
                f"{option}: no such option of {', '.join(names)}; allowed are "
                f"{', '.join(sorted(known))}"
            )
    return [
        WriterConfig(name, plugin, _settings(name, plugin.settings, directory, given, options))
        for name, plugin in plugins.items()
    ]


def _settings(
    name: str,
    settings: type[WriterSettings],
    directory: str | Path,
    given: Mapping[str, Mapping[str, Any]],
    options: Mapping[str, Any],
) -> WriterSettings:
    common = {key: value for key, value in options.items() if key in settings.model_fields}
    values = {**given.get(name, {}), **common, **options.get(name, {}), "directory": directory}
    return settings.validated(name, values)


def _settings_in(
    iconfig: str | Path | Mapping[str, Any], names: list[str]
) -> dict[str, dict[str, Any]]:
    """Return the settings of the formats that a configuration switches on."""
    return {
        config.name: {
            key: getattr(config.settings, key) for key in config.settings.model_fields_set
        }
        for config in read_iconfig(iconfig).writers
        if config.name in names
    }
