"""One zip file for a user: data in the formats chosen, and a README that tells what is what."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...assets.path_map import PathMap
from ...files import Place
from ...formats import load_plugin
from ...sources import Selection, as_runs
from ..exporting import Export, Manifest, Progress, export
from .boxes import refusals
from .external import ExternalFiles
from .readme import Notes, readme
from .roots import Roots
from .sums import PackError, write_sums
from .unfinished import unfinished

__all__ = ["zip_for_user"]


def zip_for_user(
    runs: Any,
    path: str | Path,
    formats: Iterable[str] = ("nexus", "csv"),
    *,
    select: Selection | None = None,
    roots: Iterable[str | Path] = (),
    path_map: Mapping[str, Path] | None = None,
    progress: Progress = lambda *_: None,
    **options: Any,
) -> Export:
    """Write runs into one zip file.

    Images that are in files of their own are copied by the formats that can, so that nothing is
    missing where the zip file goes. They are not waited for.

    Parameters
    ----------
    runs
        As for `bluescribe.export`.
    path
        The zip file.
    formats
        Names of the formats.
    select
        Which runs; all when it is None.
    roots, path_map
        Where images may be that are copied, as for `pack`.
    progress
        Called as events are written and when a run is finished; see `Progress`.
    **options
        As for `bluescribe.export`.

    Raises
    ------
    PackError
        There is such a file already, or no folder of `roots` is there.
    SourceError
        The source or a run that is named is not there.
    """
    path = Path(path).expanduser().absolute()
    if path.exists():
        raise PackError(f"{path} is there already: give another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    names = list(formats)
    folders = dict(path_map or {})
    files = ExternalFiles("", Roots([*roots, *folders.values()]), PathMap(folders).apply)
    plugins = [load_plugin(name) for name in names]
    if any(plugin.copies_images for plugin in plugins):
        options = {"images": "copy", "images_timeout": 0.0} | options
    options = {"path_map": folders} | options
    with unfinished(path.parent) as scratch:
        folder = scratch / path.stem
        notes = [Notes(run, files) for run in as_runs(runs, select)]
        noted = [note.run for note in notes]
        done = export(noted, folder / "data", names, progress=progress, **options)
        done = replace(done, left_out=tuple(refusals(files)))
        (folder / "data" / Manifest.name).unlink()
        text = readme(path.stem, plugins, notes, done, folder)
        with Place.at(folder / "README.txt").open("xb") as new:
            new.write(text.encode("utf-8", "backslashreplace"))
        write_sums(folder)
        part = scratch / "part.zip"
        _zip(folder, part)
        Place.at(part).move(Place.at(path))
    return done


def _zip(folder: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED, strict_timestamps=False) as file:
        for member in sorted(folder.rglob("*")):
            if member.is_file():
                file.write(member, member.relative_to(folder.parent))
