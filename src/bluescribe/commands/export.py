"""``bluescribe export``: runs that were taken before, into files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ..archive.exporting import (
    Crew,
    Executor,
    Export,
    ExportedRun,
    FolderError,
    Manifest,
    Plan,
    SchedulerError,
    WorkerError,
    configs_for,
    gather,
    plan_export,
    run_export,
)
from ..errors import ConfigError
from ..files.names import fixed_part
from ..model.times import local_time
from ..sources import Selection, open_source
from .progress import runs_bar, waiting
from .show import size, tell_of_nothing, warnings_on

__all__ = ["run"]

_MOST_ROWS = 40
"""Rows of a table that people look at; more are counted."""


def run(
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
    manifest = Manifest(folder)
    try:
        manifest.lock()
        with waiting("waiting for workers of an earlier export", console):
            gather(manifest)
        plan = plan_export(runs, configs, manifest if resume else None)
        done = _carry_out(plan, manifest, executor.crew(), out, console)
    finally:
        manifest.close()
    if done is None:
        return 1
    _show_summary(done, formats, out, console)
    _show_failures(done, console)
    return 1 if done.failures or done.discrepancies else 0


def _carry_out(
    plan: Plan, manifest: Manifest, crew: Crew | None, out: Path, console: Console
) -> Export | None:
    """Carry out a plan; return None where that breaks off."""
    again = f"{out}: give the command again with --resume to go on"
    try:
        with runs_bar("exporting", len(plan.tasks), console) as tell, warnings_on(console):
            return run_export(plan, manifest, crew, tell)
    except KeyboardInterrupt:
        console.print(again, soft_wrap=True)
        raise
    except (FolderError, SchedulerError, WorkerError) as error:  # some runs may be complete
        console.print(f"FAILED: {error}", style="red", soft_wrap=True)
        if not isinstance(error, FolderError):  # which says so
            console.print(again, soft_wrap=True)
        return None


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
