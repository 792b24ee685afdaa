"""What an earlier session owed to the files of its runs: found by notes, and done here.

A session that begins does it in the background for the formats that it writes itself; `recover`
does it for all.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..at_exit import begin_thread
from ..contract.plugin import FormatPlugin
from ..contract.post_run import Shortfall, Work, carry_out
from ..files import Place, parts_of
from ..files.backup import is_being_recovered
from ..files.job_note import Note
from ..files.run_names import is_owed
from .unfinished_runs import listed, place_below

if TYPE_CHECKING:
    from ..contract.settings import WriterSettings
    from .writer import Writer

__all__ = ["obstacle", "take_up_owed", "work_of"]

logger = logging.getLogger(__name__)

_SECONDS = 5.0
"""How long folders are listed at the most."""
_NAMED = 3


def work_of(plugin: FormatPlugin, note: Note, **chosen: Any) -> Work:
    """Return what does the work that a note tells of.

    Parameters
    ----------
    plugin
        The format of the file.
    note
        It is taken: nobody else does this work.
    **chosen
        Settings that are to be others than when the run was written.
    """
    return partial(_resume, plugin, note, chosen)


def _resume(
    plugin: FormatPlugin, note: Note, chosen: dict[str, Any], give_up: threading.Event
) -> Sequence[Shortfall]:
    path = note.file.path
    try:
        cause = obstacle(plugin, note)
        if cause:
            return [Shortfall(cause, f"bluescribe recover {path.parent}", is_owed=True)]
        for part in parts_of(path):  # of whoever was killed while this was owed to it
            with suppress(FileNotFoundError):
                note.file.with_name(part.name).remove()
        file = plugin.run_file(_settings(plugin, note, **chosen))
        file.resume_images(note)
        work = file.take_up(note)
    except (OSError, RuntimeError) as error:  # h5py raises either
        text = "look whether that folder can be read and written"
        if not getattr(error, "errno", None):  # HDF5, or what looks at its files: it is damaged
            text = f"bluescribe recover {path.parent}"
        return [Shortfall(f"{path} is not complete: {error}", text, is_owed=True)]
    except (LookupError, TypeError, ValueError) as error:
        logger.debug("the traceback", exc_info=True)
        text = f"{note.place} does not say what is to be done: {type(error).__name__}: {error}"
        return [Shortfall(text, "export the run again from its journal", is_owed=True)]
    return [shortfall._replace(is_owed=True) for shortfall in carry_out(work, give_up)]


def obstacle(plugin: FormatPlugin, note: Note) -> str:
    """Return why nothing can be done to the file of a note by now; empty when it can."""
    path = note.file.path
    if is_being_recovered(path):
        return f"{path} is being recovered"
    if not note.file.exists():
        return f"{path} was not complete yet, and is not there any more"
    if (kind := plugin.glance) is None:
        return ""
    glance = kind(plugin, _settings(plugin, note))
    if glance.is_held(path):
        return f"{path} is being written"
    return f"{path} was cut short" if glance.seems_cut_short(path) else ""


def _settings(plugin: FormatPlugin, note: Note, **chosen: Any) -> WriterSettings:
    told = note.about["settings"]
    return plugin.settings.validated(str(note.place), {**told, **chosen})


def take_up_owed(writers: Iterable[Writer], cwd: Path) -> threading.Thread | None:
    """Have writers do what an earlier session left, found by a thread of the background.

    Their relative folders are in `cwd`, where the session began.
    """
    chosen = [writer for writer in writers if place_below(writer, cwd)[0].is_dir()]
    return begin_thread("bluescribe-owed", _take_up, chosen, cwd) if chosen else None


def _take_up(stop: threading.Event, writers: Sequence[Writer], cwd: Path) -> None:
    by_format = {writer.format: writer for writer in writers}
    done: dict[str, list[Path]] = {}
    for path in dict.fromkeys(path for writer in writers for path in _notes_below(writer, cwd)):
        if stop.is_set():
            break
        try:
            note = Note.taken(Place.at(path))
            if note is not None:
                _hand_over(note, by_format.get(note.format), done)
        except BlockingIOError:
            continue  # another session does it
        except OSError as error:
            logger.warning("%s cannot be looked at: %s", path, error)
    for name, paths in done.items():
        logger.warning(
            "%s: an earlier session ended before it had completed %s. That is done now, in the "
            "background.",
            name,
            ", ".join(map(str, paths[:_NAMED])) + (", ..." if paths[_NAMED:] else ""),
        )


def _hand_over(note: Note, writer: Writer | None, done: dict[str, list[Path]]) -> None:
    """Have the writer of its format do what a note tells of, or tell who can."""
    if writer is None:
        path = note.file.path
        logger.warning(
            "%s: %s is not complete: an earlier session ended before. To complete it: "
            "bluescribe recover %s",
            *(note.format, path, path.parent),
        )
        note.release()
    elif obstacle(FormatPlugin.of(type(writer)), note):  # it is found by its own end as well
        note.release()
    else:
        if not note.failed:
            done.setdefault(writer.format, []).append(note.file.path)
        writer.take_up(note)


def _notes_below(writer: Writer, cwd: Path) -> Iterator[Path]:
    folder, depth = place_below(writer, cwd)
    deadline = time.monotonic() + _SECONDS
    for _, path in listed(folder, depth, deadline, is_owed):
        yield path
