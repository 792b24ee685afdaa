"""One zip file for a user: data in the formats chosen, and a README that tells what is what."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..exporting import Export, Manifest, Progress, export
from ..formats import load_format
from ..sources import Selection, as_runs
from .readme import Notes, readme
from .sums import PackError, write_sums

__all__ = ["zip_for_user"]


def zip_for_user(
    runs: Any,
    path: str | Path,
    formats: Iterable[str] = ("nexus", "csv"),
    *,
    select: Selection | None = None,
    progress: Progress = lambda *_: None,
    **options: Any,
) -> Export:
    """Write runs into one zip file.

    Images that are in files of their own are copied into NeXus files, so that nothing is missing
    where the zip file goes.

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
    progress
        Is told of events and of runs.
    **options
        As for `bluescribe.export`.

    Raises
    ------
    PackError
        There is such a file already.
    SourceError
        The source or a run that is named is not there.
    """
    path = Path(path).expanduser()
    if path.exists():
        raise PackError(f"{path} is there already: give another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    names = list(formats)
    if any("images" in load_format(name).settings_class.model_fields for name in names):
        options = {"images": "copy", **options}
    with tempfile.TemporaryDirectory(prefix=f".{path.stem}-", dir=path.parent) as scratch:
        folder = Path(scratch) / path.stem
        notes = [Notes(run) for run in as_runs(runs, select)]
        noted = [note.run for note in notes]
        done = export(noted, folder / "data", names, progress=progress, **options)
        (folder / "data" / Manifest.name).unlink()
        text = readme(path.stem, names, notes, done, folder)
        (folder / "README.txt").write_text(text, encoding="utf-8", errors="backslashreplace")
        write_sums(folder)
        part = Path(scratch) / "part.zip"
        _zip(folder, part)
        part.rename(path)
    return done


def _zip(folder: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED, strict_timestamps=False) as file:
        for member in sorted(folder.rglob("*")):
            if member.is_file():
                file.write(member, member.relative_to(folder.parent))
