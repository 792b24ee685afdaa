"""`export`: makes a plan and carries it out, in this process, in several, or on a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...files.run_paths import fixed_part
from ...sources import Selection, as_runs
from .by_workers import run_by_workers
from .crew import Crew
from .executor import Executor
from .manifest import Manifest
from .parts import gather
from .plan import Plan, Progress, Task, configs_for, plan_export
from .report import Export, ExportedRun
from .runexporter import RunExporter

__all__ = ["export", "run_export"]


def export(
    runs: Any,
    directory: str | Path = ".",
    formats: Iterable[str] = ("nexus",),
    *,
    select: Selection | None = None,
    iconfig: str | Path | Mapping[str, Any] | None = None,
    resume: bool = False,
    jobs: int | None = None,
    executor: Any = None,
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
        Skip what an earlier export into this directory has completed, and write again what was
        half done when that was killed.
    jobs
        Number of processes. Runs that share a file, as the scans of a SPEC session, are written
        by one of them at a time.
    executor
        Who writes: ``"local"``, this process; ``"processes"`` of this machine, as many as `jobs`
        says, or as there are cores; ``"dask://HOST:PORT"``, the workers of a Dask cluster, by its
        scheduler or a ``distributed.Client``. Without it, processes where `jobs` is above 1.
    progress
        Called as events are written and when a run is finished, in the order in which they are;
        see `Progress`.
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
    SchedulerError
        The scheduler of a cluster cannot be reached, or is gone; with `resume` it goes on.
    WorkerError
        A worker has another version of bluescribe, or does not see the same folders.

    Examples
    --------
    >>> from bluescribe import export
    >>> export("data/20261122-094501-S00042-1f5a9c3.jsonl", "out", ["csv"])  # doctest: +SKIP
    """
    chosen = Executor.of(executor, jobs)
    configs = configs_for(chosen.folder_for(directory), formats, iconfig, options)
    manifest = Manifest(Path(fixed_part(str(Path(directory).expanduser()))))
    try:
        manifest.lock()
        gather(manifest)
        plan = plan_export(as_runs(runs, select), configs, manifest if resume else None)
        return run_export(plan, manifest, chosen.crew(), progress)
    finally:
        manifest.close()


def run_export(plan: Plan, manifest: Manifest, crew: Crew | None, progress: Progress) -> Export:
    """Carry out a plan.

    Parameters
    ----------
    plan
        What is to be written.
    manifest
        Of the folder; it is locked.
    crew
        The workers, which are let go; None for this process.
    progress
        Called as events are written and when a run is finished; see `Progress`.

    Raises
    ------
    SchedulerError
        The scheduler of a cluster is gone.
    WorkerError
        A worker has another version of bluescribe, or does not see the same folders.
    """
    if plan.resumes:
        for task in plan.tasks:
            for name in task.names:
                manifest.clear_away(task.run.uid, name)
    if crew is None:
        done = _run_here(plan, manifest, progress)
    else:
        done = run_by_workers(plan, manifest, crew, progress)
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
