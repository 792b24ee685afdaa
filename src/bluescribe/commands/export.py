"""``bluescribe export``: runs that were taken before, into files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ..errors import ConfigError
from .output import names_of, size, tell_of_nothing, terminal, warnings_on
from .selecting import Selection, choosing_runs

if TYPE_CHECKING:
    from ..archive.exporting import Executor, Export, ExportedRun, Manifest, Plan
    from ..config.configuration import WriterConfig
    from ..sources import StoredRun

__all__ = ["export"]

_MOST_ROWS = 40
"""Rows of a table that people look at; more are counted."""


@choosing_runs
def export(
    source: Annotated[
        str,
        typer.Argument(
            help="A journal, a folder of journals, a pack, the URL of a catalog on a tiled "
            "server, or the name of a databroker catalog."
        ),
    ],
    *,
    to: Annotated[
        str, typer.Option("--to", metavar="FORMATS", help="Formats, such as nexus,csv.")
    ] = "nexus",
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for the files; made when missing.")
    ] = Path(),
    chosen: Selection,
    iconfig: Annotated[
        Path | None,
        typer.Option("--iconfig", metavar="FILE", help="Settings of the formats, from its blocks."),
    ] = None,
    file_name: Annotated[
        str | None, typer.Option("--file-name", metavar="TEMPLATE", help="As FILE_NAME in iconfig.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Leave out what is complete in DIR already.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", min=1, metavar="N", help="Number of processes, without it one."),
    ] = None,
    executor: Annotated[
        str | None,
        typer.Option(
            "--executor",
            metavar="WHERE",
            help="Who writes: local (this process), processes (as many as --jobs says, or as there "
            "are cores), or dask://HOST:PORT (the workers of a Dask cluster).",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")
    ] = False,
) -> None:
    """Write runs that were taken before to files.

    The files are those that live writing makes. Exit status: 1 if a run is not complete, 2 if
    nothing could be begun. For a cluster: pip install 'bluescribe[dask]'
    """
    from ..archive.exporting import Executor

    status = _run(
        source,
        out,
        names_of(to),
        chosen,
        iconfig=iconfig,
        options={} if file_name is None else {"file_name": file_name},
        resume=resume,
        executor=Executor.of(executor, jobs),
        dry_run=dry_run,
        console=terminal(),
    )
    raise typer.Exit(status)


def _run(
    source: str,
    out: Path,
    formats: list[str],
    selection: Selection,
    *,
    iconfig: Path | None,
    options: dict[str, Any],
    resume: bool,
    executor: Executor,
    dry_run: bool,
    console: Console,
) -> int:
    """Export runs; return the exit status: 1 if a run is not complete."""
    from ..archive.exporting import Manifest, configs_for, plan_export
    from ..files.run_paths import fixed_part
    from ..sources import open_source
    from .progress import waiting

    configs = configs_for(executor.folder_for(out), formats, iconfig, options)
    with waiting("looking for runs", console), warnings_on(console):
        runs = open_source(source).find(selection)
    if not runs:
        tell_of_nothing(source, console)
        return 0
    folder = Path(fixed_part(str(out)))
    if any(config.plugin.is_journal for config in configs):
        _check_apart(source, folder, out)
    if dry_run:
        manifest = Manifest(folder) if resume and folder.is_dir() else None
        _show_plan(plan_export(runs, configs, manifest), out, console)
        return 0
    done = _write(runs, configs, Manifest(folder), out, console, executor=executor, resume=resume)
    if done is None:
        return 1
    _show_summary(done, formats, out, console)
    _show_failures(done, console)
    return 1 if done.failures or done.discrepancies else 0


def _write(
    runs: Sequence[StoredRun],
    configs: Sequence[WriterConfig],
    manifest: Manifest,
    out: Path,
    console: Console,
    *,
    executor: Executor,
    resume: bool,
) -> Export | None:
    """Write runs, and return what became of them; None where that broke off, which is told.

    Runs that were written before that are complete.
    """
    from ..archive.exporting import (
        FolderError,
        SchedulerError,
        WorkerError,
        gather,
        plan_export,
        run_export,
    )
    from .progress import runs_bar, waiting

    again = f"{out}: give the command again with --resume to go on"
    try:
        manifest.lock()
        with waiting("waiting for workers of an earlier export", console):
            gather(manifest)
        plan = plan_export(runs, configs, manifest if resume else None)
        with runs_bar("exporting", len(plan.tasks), console) as tell, warnings_on(console):
            return run_export(plan, manifest, executor.crew(), tell)
    except KeyboardInterrupt:
        console.print(again, soft_wrap=True)
        raise
    except (FolderError, SchedulerError, WorkerError) as error:
        console.print(f"FAILED: {error}", style="red", soft_wrap=True)
        if not isinstance(error, FolderError):  # which says so
            console.print(again, soft_wrap=True)
        return None
    finally:
        manifest.close()


def _show_failures(done: Export, console: Console) -> None:
    for line in done.discrepancies:
        text = f"INCOMPLETE AT ITS SOURCE, and written as it is there: {line}"
        console.print(text, style="red", markup=False, soft_wrap=True)
    for line in done.failures:
        console.print(f"FAILED: {line}", style="red", markup=False, soft_wrap=True)


def _check_apart(source: str, folder: Path, out: Path) -> None:
    """Raise a `ConfigError` where journals would go into the source."""
    if folder.resolve().is_relative_to(Path(source).expanduser().resolve()):
        raise ConfigError(
            f"the source would have each run twice, as {out} belongs to it and journals go there: "
            "give a folder elsewhere with --out"
        )


def _show_plan(plan: Plan, out: Path, console: Console) -> None:
    from ..model.times import local_time

    table = Table("scan_id", "uid", "when", "plan", "to write", "complete already")
    table.columns[2].no_wrap = True
    for task in plan.tasks[:_MOST_ROWS]:
        at = local_time(task.run.time)
        when = "" if at is None else at.strftime("%Y-%m-%d %H:%M")
        cells = (task.run.scan_id, task.run.uid[:7], when, task.run.plan)
        table.add_row(*map(str, cells), " ".join(task.names), " ".join(task.skipped))
    console.print(table)
    _tell_of_more(len(plan.tasks), console)
    wanted = sum(len(task.names) for task in plan.tasks)
    done = sum(len(task.skipped) for task in plan.tasks)
    console.print(
        f"{len(plan.tasks)} runs in {len(plan.configs)} formats: {wanted} to write to {out}, "
        f"{done} complete already. Nothing was written.",
        soft_wrap=True,
    )


def _show_summary(done: Export, formats: list[str], out: Path, console: Console) -> None:
    table = Table("run", *formats, "events")
    for run_done in done.runs[:_MOST_ROWS]:
        cells = [_cell(run_done, name) for name in formats]
        table.add_row(run_done.label, *cells, str(run_done.events or ""))
    console.print(table)
    _tell_of_more(len(done.runs), console)
    skipped = sum(len(run_done.skipped) for run_done in done)
    console.print(
        f"{len(done)} runs, {len(done.files)} files in {out}: {done.events:,} events and "
        f"{size(done.bytes)} written, {skipped} complete already, {len(done.failures)} failed",
        soft_wrap=True,
    )


def _tell_of_more(rows: int, console: Console) -> None:
    if rows > _MOST_ROWS:
        console.print(f"... and {rows - _MOST_ROWS} more")


def _cell(done: ExportedRun, name: str) -> str:
    if name in done.failures:
        return "FAILED"
    if name in done.skipped:
        return "complete already"
    files = len(done.files.get(name, []))
    return "-" if not files else f"{files} files" if files > 1 else "1 file"
