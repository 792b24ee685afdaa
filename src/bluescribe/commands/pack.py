"""``bluescribe pack``: runs with their external files, in a box."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from .output import names_of, tell_of_nothing, terminal, warnings_on
from .selecting import Selection, choosing_runs

__all__ = ["pack"]


@choosing_runs
def pack(
    source: Annotated[str, typer.Argument(help="As for export.")],
    *,
    out: Annotated[
        Path, typer.Option("--out", metavar="PATH", help="A new folder, or with --zip a file.")
    ],
    chosen: Selection,
    as_zip: Annotated[
        bool, typer.Option("--zip", help="One zip file for a user, with a README.")
    ] = False,
    to: Annotated[
        str, typer.Option("--to", metavar="FORMATS", help="What a zip file holds.")
    ] = "nexus,csv",
    external: Annotated[
        bool, typer.Option(help="Copy external files, such as images, into the pack.")
    ] = True,
    roots: Annotated[
        list[Path] | None,
        typer.Option(
            "--root",
            metavar="DIR",
            help="Pack external files below this folder, too. May be repeated.",
        ),
    ] = None,
    iconfig: Annotated[
        Path | None,
        typer.Option(
            "--iconfig",
            metavar="FILE",
            help="PATH_MAP there says where files are; its folders are roots.",
        ),
    ] = None,
) -> None:
    """Box runs with their external files, for another databroker or for a user.

    Documents name external files by any path, and who wrote them chose it. Packed are those in the
    folder of the journals or the pack itself, and below each --root; others are told, not packed.
    """
    status = _run(
        source,
        out,
        chosen,
        formats=names_of(to),
        as_zip=as_zip,
        external=external,
        roots=roots or [],
        iconfig=iconfig,
        console=terminal(),
    )
    raise typer.Exit(status)


def _run(
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
    from ..archive.packing import pack, zip_for_user
    from ..sources import open_source
    from .progress import runs_bar, waiting

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
    from ..config.config import read_iconfig

    writers = () if iconfig is None else read_iconfig(iconfig).writers
    return {old: new for config in writers for old, new in config.settings.path_map.items()}
