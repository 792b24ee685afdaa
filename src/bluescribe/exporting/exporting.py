"""From runs and formats to files: the plan of an export, and its execution."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..config import WriterConfig, read_iconfig
from ..errors import ConfigError
from ..formats import load_format
from ..paths import fixed_part
from ..settings import WriterSettings
from ..sources import Selection, StoredRun, as_runs
from .manifest import Manifest
from .report import Export, ExportedRun
from .runexporter import RunExporter

__all__ = ["Plan", "Progress", "Task", "configs_for", "export", "plan_export", "run_export"]

Progress = Callable[[int, ExportedRun | None], None]
"""Is told how many events have passed since the last call, and of each run that is over."""


@dataclass(frozen=True)
class Plan:
    """What an export is going to do."""

    folder: Path
    """Where the manifest is."""
    configs: tuple[WriterConfig, ...]
    tasks: tuple[Task, ...]
    resumes: bool = False
    """Whether files that an export has begun before are gone on with."""


@dataclass(frozen=True)
class Task:
    """A run, and the formats that are missing or already there."""

    run: StoredRun
    names: tuple[str, ...]
    skipped: tuple[str, ...] = ()


def export(
    runs: Any,
    directory: str | Path = ".",
    formats: Iterable[str] = ("nexus",),
    *,
    select: Selection | None = None,
    iconfig: str | Path | Mapping[str, Any] | None = None,
    resume: bool = False,
    jobs: int = 1,
    progress: Progress = lambda *_: None,
    **options: Any,
) -> Export:
    """Write runs that were taken before to files, the same as live writing makes.

    Parameters
    ----------
    runs
        A run or catalog of databroker or tiled; the name of a catalog, the URL of one on a tiled
        server, the path of a journal, of a folder of journals or of a pack; documents, that is an
        iterable of ``(name, doc)``; or an iterable of any of these.
    directory
        Folder for the files; made when it is missing.
    formats
        Names of the formats.
    select
        Which runs of a catalog or folder; all when it is None.
    iconfig
        An ``iconfig.yml``, or its content, with settings of the formats that it switches on.
    resume
        Leave out what an export into this directory has completed before, and write again what
        was half done when it was killed.
    jobs
        Number of processes. Runs that share a file, as the scans of a SPEC session, are written
        by one of them.
    progress
        Is told of events and of runs.
    **options
        Settings of the writers: each goes to the formats that have it. An option that is called
        like a format holds settings of that format alone: ``nexus={"file_extension": "h5"}``.

    Returns
    -------
    Export
        The files by run and format, and the failures. A run that fails does not end the others.

    Raises
    ------
    ConfigError
        There is no such format, or an option is not allowed.
    SourceError
        The source or a run that is named is not there.

    Examples
    --------
    >>> from bluescribe import export
    >>> export("data/20261122-094501-S00042-1f5a9c3.jsonl", "out", ["csv"])  # doctest: +SKIP
    """
    configs = configs_for(directory, formats, iconfig, options)
    manifest = Manifest(Path(fixed_part(str(Path(directory).expanduser()))))
    try:
        manifest.lock()
        plan = plan_export(as_runs(runs, select), configs, manifest if resume else None)
        return run_export(replace(plan, folder=manifest.folder), manifest, jobs, progress)
    finally:
        manifest.close()


def plan_export(
    runs: Iterable[StoredRun], configs: Iterable[WriterConfig], manifest: Manifest | None
) -> Plan:
    """Find out what is to be written.

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
    shared = frozenset() if manifest is None else _sharing(chosen)
    for run in runs:
        done = tuple(
            config.name
            for config in chosen
            if manifest is not None
            and manifest.is_done(run.uid, config.name, shares=config.name in shared)
        )
        tasks.append(Task(run, tuple(c.name for c in chosen if c.name not in done), done))
    folder = Path() if manifest is None else manifest.folder
    return Plan(folder, chosen, tuple(tasks), resumes=manifest is not None)


def _sharing(configs: Iterable[WriterConfig]) -> frozenset[str]:
    """Return the formats whose files take several runs."""
    sharing = set()
    for config in configs:
        with config.make() as writer:
            if writer.shares_files:
                sharing.add(config.name)
    return frozenset(sharing)


def run_export(plan: Plan, manifest: Manifest, jobs: int, progress: Progress) -> Export:
    """Do what a plan says.

    Parameters
    ----------
    plan
        What is to be written.
    manifest
        Of the folder; it is locked.
    jobs
        Number of processes.
    progress
        Is told of events and of runs.
    """
    if plan.resumes:
        for task in plan.tasks:
            for name in task.names:
                manifest.clear_away(task.run.uid, name)
    if jobs > 1:
        from .processes import run_in_processes

        done = run_in_processes(plan, _sharing(plan.configs), jobs, progress)
    else:
        done = _run_here(plan, manifest, progress)
    return Export(
        tuple(_with_skipped(*pair, manifest) for pair in zip(plan.tasks, done, strict=True))
    )


def _run_here(plan: Plan, manifest: Manifest, progress: Progress) -> list[ExportedRun]:
    writers = {config.name: config.make() for config in plan.configs}
    exporter = RunExporter(writers, manifest, goes_on=plan.resumes)
    done = []
    try:
        for task in plan.tasks:
            if task.names:
                result = exporter.export(
                    task.run, task.names, lambda events: progress(events, None)
                )
            else:
                result = ExportedRun(task.run.uid, task.run.label)
            progress(0, result)
            done.append(result)
    finally:
        exporter.close()
    return done


def _with_skipped(task: Task, result: ExportedRun, manifest: Manifest) -> ExportedRun:
    files = {name: manifest.files(task.run.uid, name) for name in task.skipped}
    return replace(result, files={**files, **result.files}, skipped=task.skipped)


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
    classes = {name: load_format(name) for name in names}
    given = {} if iconfig is None else _settings_in(iconfig, names)
    known = {key for c in classes.values() for key in c.settings_class.model_fields}
    for option in options:
        if option not in known and option not in names:
            raise ConfigError(
                f"{option}: no such option of {', '.join(names)}; allowed are "
                f"{', '.join(sorted(known))}"
            )
    return [
        WriterConfig(name, cls, _settings(name, cls.settings_class, directory, given, options))
        for name, cls in classes.items()
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
    """Return what a configuration says of the formats that it switches on."""
    return {
        config.name: {
            key: getattr(config.settings, key) for key in config.settings.model_fields_set
        }
        for config in read_iconfig(iconfig).writers
        if config.name in names
    }
