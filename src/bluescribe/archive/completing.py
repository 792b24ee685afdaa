"""Finishes post-run jobs, such as copying images, that a killed session left undone."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..contract.recovery import Recovery
from ..files import Place, parts_of
from ..files.backup import is_being_recovered, keep
from ..files.job_note import Note, notes_of
from ..files.run_names import of_noted
from ..recording.owed_jobs import obstacle, work_of
from .recovery_report import Step

__all__ = ["complete", "remove_parts"]

_OTHERS = "another process is completing it"


def complete(path: Path, recoveries: Mapping[str, Recovery], *, is_dry_run: bool) -> Step | None:
    """Do the post-run job of a note; return what became of its file, None if it is no note.

    Parameters
    ----------
    path
        A file with the name of a note.
    recoveries
        The recovery of each format.
    is_dry_run
        Only report what would be done.
    """
    try:
        note = Note.taken(Place.at(path))
        if note is not None:
            with note:
                return _completed(note, recoveries, is_dry_run=is_dry_run)
        if not (is_dry_run or path.stat().st_size):
            path.unlink()  # made at the moment of the kill: its file is not finished either
    except BlockingIOError:
        return Step(path.with_name(of_noted(path.name)), "left", _OTHERS)
    except OSError as error:
        return Step(path, "FAILED", str(error))
    return None


def _completed(note: Note, recoveries: Mapping[str, Recovery], *, is_dry_run: bool) -> Step:
    path = note.file.path
    recovery = recoveries.get(note.format)
    if recovery is None:
        return Step(
            path, "left", f"{note.format!r} is not installed, and has to see that {note.what}"
        )
    cause = obstacle(recovery.plugin, note)
    if cause and not (note.file.exists() or is_being_recovered(path)):
        kept = note.place.path if is_dry_run else keep(note.place.path)
        return Step(note.place.path, "set aside", cause, (kept,))
    if cause or is_dry_run:
        return Step(path, "left", cause) if cause else Step(path, "completed", _told(note))
    chosen = recovery.chosen("path_map", "images_timeout")
    shortfalls = work_of(recovery.plugin, note, **chosen)(threading.Event())
    if shortfalls:
        causes = "; ".join(shortfall.cause for shortfall in shortfalls)
        note.fail(causes)
        return Step(path, "FAILED", f"{causes}. Remedy: {shortfalls[0].remedy}")
    note.clear()
    return Step(path, "completed", _told(note))


def _told(note: Note) -> str:
    return f"its session ended too early; now {note.what}"


def remove_parts(recovery: Recovery, path: Path) -> None:
    """Remove the half-written replacements of a file that a killed process left."""
    with suppress(OSError):
        if recovery.has_parts and not recovery.is_held(path) and not notes_of(path):
            for home in {path, *recovery.files(path)}:
                for part in parts_of(home):
                    Place.at(part).remove()
