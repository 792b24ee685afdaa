"""``bluescribe pack`` and ``bluescribe unpack``."""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from pathlib import Path

from rich.console import Console

from ..packing import PackError, pack, verify, zip_for_user
from ..packing.sums import top_folder, zip_file
from ..sources import Selection, open_source
from .progress import runs_bar, waiting
from .show import tell_of_nothing, warnings_on

__all__ = ["check", "run"]


def run(
    source: str,
    out: Path,
    selection: Selection,
    *,
    formats: list[str],
    as_zip: bool,
    external: bool,
    console: Console,
) -> int:
    """Make a pack or a zip file; return 1 if something is not in it."""
    with waiting("looking for runs", console), warnings_on(console):
        runs = open_source(source).find(selection)
    if not runs:
        tell_of_nothing(source, console)
        return 0
    failures: tuple[str, ...]
    if as_zip:
        path = out if out.suffix == ".zip" else out.with_name(f"{out.name}.zip")
        with runs_bar("packing", len(runs), console) as tell, warnings_on(console):
            done = zip_for_user(runs, path, formats, progress=tell)
        failures = tuple(done.failures)
        console.print(f"{path}: {len(done)} runs as {', '.join(formats)}", soft_wrap=True)
    else:
        with runs_bar("packing", len(runs), console) as tell, warnings_on(console):
            box = pack(runs, out, external=external, progress=tell)
        failures = box.failures
        console.print(
            f"{out}: {box.runs} runs, {box.external_files} external files. "
            f"At the other end: databroker-unpack inplace {out.name} NAME",
            soft_wrap=True,
        )
    for line in failures:
        console.print(f"FAILED: {line}", style="red", markup=False, soft_wrap=True)
    return 1 if failures else 0


def check(path: Path, out: Path | None, console: Console, *, only_verify: bool) -> int:
    """Unpack a zip file, or look at what is there; return 1 if a file is missing or changed."""
    unpacks = path.is_file() and not only_verify
    if out is not None and not unpacks:
        why = "--verify unpacks nothing" if only_verify else f"{path} is no zip file"
        raise PackError(f"--out is where a zip file is unpacked, but {why}")
    with waiting("unpacking and checking" if unpacks else "checking", console):
        place = _unzip(path, out or path.parent) if unpacks else path
        verdict = verify(place)
    for word, names in (("missing", verdict.missing), ("changed", verdict.changed)):
        for name in names:
            console.print(f"{word}: {name}", style="red", markup=False, soft_wrap=True)
    for name in verdict.added:
        console.print(f"not of the pack: {name}", markup=False, soft_wrap=True)
    good = verdict.checked - len(verdict.missing) - len(verdict.changed)
    console.print(f"{place}: {good} of {verdict.checked} files are as packed", soft_wrap=True)
    return 0 if verdict.is_intact else 1


def _unzip(path: Path, target: Path) -> Path:
    """Unpack beside the place where it is to be, so that nothing stands there in part."""
    with zip_file(path) as file:
        top = top_folder(file, path)
        if (target / top).exists():
            raise PackError(f"{target / top} is there already: give another --out")
        try:
            target.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{top}-", dir=target) as scratch:
                file.extractall(scratch)
                Path(scratch, top).rename(target / top)
        except (zipfile.BadZipFile, zlib.error) as error:
            raise PackError(f"{path} is damaged: {error}. Copy it again") from None
        except OSError as error:
            why = error.strerror or error
            raise PackError(f"{path} cannot be unpacked into {target}: {why}") from None
    return target / top
