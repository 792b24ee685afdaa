"""``bluescribe pack`` and ``bluescribe unpack``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from ..archive.packing import PackError, Verdict, pack, verify, zip_for_user
from ..archive.packing.zipped import Zipped
from ..config.config import read_iconfig
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
    roots: list[Path],
    iconfig: Path | None,
    console: Console,
) -> int:
    """Make a pack or a zip file; return 1 if something is not in it."""
    folders = _path_map(iconfig)
    with waiting("looking for runs", console), warnings_on(console):
        runs = open_source(source).find(selection)
    if not runs:
        tell_of_nothing(source, console)
        return 0
    failures: tuple[str, ...]
    if as_zip:
        path = out if out.suffix == ".zip" else out.with_name(f"{out.name}.zip")
        with runs_bar("packing", len(runs), console) as tell, warnings_on(console):
            done = zip_for_user(runs, path, formats, roots=roots, path_map=folders, progress=tell)
        amiss = [f"incomplete at its source: {line}" for line in done.discrepancies]
        failures = (*done.failures, *amiss)
        console.print(f"{path}: {len(done)} runs as {', '.join(formats)}", soft_wrap=True)
    else:
        with runs_bar("packing", len(runs), console) as tell, warnings_on(console):
            box = pack(runs, out, external=external, roots=roots, path_map=folders, progress=tell)
        failures = box.failures
        console.print(
            f"{out}: {box.runs} runs, {box.external_files} external files. "
            f"At the other end: databroker-unpack inplace {out.name} NAME",
            soft_wrap=True,
        )
    for line in failures:
        console.print(f"FAILED: {line}", style="red", markup=False, soft_wrap=True)
    return 1 if failures else 0


def _path_map(iconfig: Path | None) -> Mapping[str, Path]:
    """Return where the files of other machines are here, as all formats together say."""
    writers = () if iconfig is None else read_iconfig(iconfig).writers
    return {old: new for config in writers for old, new in config.settings.path_map.items()}


def check(path: Path, out: Path | None, console: Console, *, only_verify: bool) -> int:
    """Unpack a zip file, or look at what is there; return 1 if a file is missing or changed.

    A zip file is unpacked only when all of its files are as they were packed.
    """
    unpacks = path.is_file() and not only_verify
    if out is not None and not unpacks:
        why = "--verify unpacks nothing" if only_verify else f"{path} is no zip file"
        raise PackError(f"--out is where a zip file is unpacked, but {why}")
    with waiting("checking and unpacking" if unpacks else "checking", console):
        place, verdict = _unpacked(path, out or path.parent) if unpacks else (path, verify(path))
    for word, names in (("missing", verdict.missing), ("changed", verdict.changed)):
        for name in names:
            console.print(f"{word}: {name}", style="red", markup=False, soft_wrap=True)
    for name in verdict.added:
        console.print(f"not of the pack: {name}", markup=False, soft_wrap=True)
    good = verdict.checked - len(verdict.missing) - len(verdict.changed)
    console.print(f"{place}: {good} of {verdict.checked} files are as packed", soft_wrap=True)
    if unpacks and place == path:
        console.print("Nothing was unpacked. Copy the zip file again, or have it made anew")
    return 0 if verdict.is_intact and not (unpacks and place == path) else 1


def _unpacked(path: Path, target: Path) -> tuple[Path, Verdict]:
    """Unpack a zip file if it has what it promises, and nothing else; return where it is."""
    with Zipped(path) as zipped:
        verdict = zipped.verify()
        is_whole = verdict.is_intact and not verdict.added
        return (zipped.unpack(target) if is_whole else path), verdict
