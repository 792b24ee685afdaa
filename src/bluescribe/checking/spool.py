"""Whether what is received is safe in its place on a local disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..files import scratch_folder
from ..files.mounts import file_system
from ..files.space import size_text
from ..spool.folder import SpoolFolder, has_left_folders
from ..spool.home import is_local, known_homes, possible_homes, spool_home
from ..spool.settings import SpoolSettings
from .disk import PREFIX, speed, told_speed
from .subject import Subject
from .verdict import Verdict, failed, ok, warning

__all__ = ["homes_as_they_were", "scratch_spool", "spool"]

_LEAST_BYTES = 10**9


def spool(subject: Subject) -> Iterator[Verdict]:
    """Yield verdicts on the place of the spool, its disk, and what was left there."""
    settings = subject.configuration.spool
    try:
        with _made(settings) as (home, folder):
            found = [*_place(settings, home), *_disk(subject, settings, folder)]
    except OSError as error:
        found = [_refusal(settings, error)]
    yield from found
    if any(has_left_folders(home) for home in known_homes(settings.spool)):
        told = "an earlier session has left runs there that are not in their files yet"
        remedy = "the next session writes them when it starts; or now: bluescribe recover DIR"
        yield warning("spool", told, remedy)


def _refusal(settings: SpoolSettings, error: OSError) -> Verdict:
    cause, _, remedy = (error.strerror or str(error)).partition(". Remedy: ")
    found = f"{error.filename or settings.spool}: {cause}. Runs would be in memory alone"
    return failed("spool", found, remedy or "set SPOOL to a folder of your own on a local disk")


@contextmanager
def homes_as_they_were(settings: SpoolSettings) -> Iterator[None]:
    """Remove at the end the folders of spools that were not there at the beginning, if empty."""
    places = possible_homes(settings.spool)
    missing = {folder for each in places for folder in (each, *each.parents) if not folder.exists()}
    try:
        yield
    finally:
        for folder in sorted(missing, key=lambda path: -len(path.parts)):
            with suppress(OSError):  # it was not made, or another session is there by now
                folder.rmdir()


@contextmanager
def scratch_spool(settings: SpoolSettings) -> Iterator[SpoolSettings]:
    """Give settings for a spool beside those of the sessions, which goes with all that is in it.

    What an example run could not write is left there as a session leaves it, and is nobody's.
    """
    with ExitStack() as stack:
        with suppress(OSError):  # it is told by `spool`; the example run is kept in memory
            folder = stack.enter_context(scratch_folder(spool_home(settings.spool), PREFIX))
            settings = settings.model_copy(update={"spool": folder})
        yield settings


@contextmanager
def _made(settings: SpoolSettings) -> Iterator[tuple[Path, Path]]:
    """Make the folder of a spool as a session does; return where it is, and itself."""
    home = spool_home(settings.spool)
    made = SpoolFolder.made(home)
    try:
        yield home, made.path
    finally:
        made.remove()


def _place(settings: SpoolSettings, home: Path) -> Iterator[Verdict]:
    if is_local(home):
        yield ok("spool", f"{home}, on {file_system(home) or 'a local disk'}")
        return
    found = f"{home} is on {file_system(home)}: the scan would wait for a network"
    name = "SPOOL" if settings.spool else "XDG_STATE_HOME"
    yield failed("spool", found, f"set {name} to a folder on a local disk of this computer")


def _disk(subject: Subject, settings: SpoolSettings, folder: Path) -> Iterator[Verdict]:
    measured = speed(folder, subject.rate)
    if measured.free < min(_LEAST_BYTES, settings.spool_limit):
        found = f"{size_text(measured.free)} are free on the disk of {folder.parent}"
        yield failed("spool's space", found, "free space there, or set SPOOL to another disk")
    elif measured.free < settings.spool_limit:
        found = (
            f"{size_text(measured.free)} are free on the disk of {folder.parent}, less than "
            f"SPOOL_LIMIT ({size_text(settings.spool_limit)})"
        )
        yield warning("spool's space", found, "free space there, or set a smaller SPOOL_LIMIT")
    else:
        yield ok("spool's space", f"{size_text(measured.free)} are free")
    yield told_speed("spool's speed", measured, subject.rate, "SPOOL on a faster disk")
