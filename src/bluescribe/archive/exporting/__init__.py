"""Export: the same files as live writing from runs that were taken long ago.

`plan` says what is to be written, `manifest` keeps the account of it. `runexporter` posts runs to
writers: in this process, or in workers. These are a `crew`, in `processes` of this machine or on a
`cluster`; they carry out a `batch` at a time, and note in a `part` of the manifest what they do.
`by_workers` gives them batches from `queues`.
"""

from __future__ import annotations

from .crew import Crew, SchedulerError, WorkerError
from .executor import Executor
from .exporting import export, run_export
from .manifest import BusyError, FolderError, Manifest
from .parts import gather
from .plan import Plan, Progress, configs_for, plan_export
from .report import Export, ExportedRun

__all__ = [
    "BusyError",
    "Crew",
    "Executor",
    "Export",
    "ExportedRun",
    "FolderError",
    "Manifest",
    "Plan",
    "Progress",
    "SchedulerError",
    "WorkerError",
    "configs_for",
    "export",
    "gather",
    "plan_export",
    "run_export",
]
