"""A pack as databroker-pack makes it: ``databroker-unpack inplace`` makes it a catalog again."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from ... import __version__
from ...assets.path_map import PathMap
from ...files import Place
from ...model.run import Document
from ...sources import Selection, Source, StoredRun, as_runs
from ...sources.packs import CATALOG
from ..exporting import Manifest, Progress, export
from .external import ExternalFiles
from .roots import Roots
from .sums import NAME, PackError, write_sums
from .unfinished import is_unfinished, unfinished

__all__ = ["Pack", "pack", "refusals"]

_BLOCK = 2**20


@dataclass(frozen=True)
class Pack:
    """What a pack holds."""

    directory: Path
    runs: int
    external_files: int
    failures: tuple[str, ...]
    """One line for each run or external file that is not in it."""


def pack(
    runs: Any,
    directory: str | Path,
    *,
    select: Selection | None = None,
    external: bool = True,
    roots: Iterable[str | Path] = (),
    path_map: Mapping[str, Path] | None = None,
    progress: Progress = lambda *_: None,
) -> Pack:
    """Put runs and their external files into a folder that can be carried away.

    Nothing stands there before all of it is whole. What a pack left that was killed goes with the
    next one into the same folder.

    Parameters
    ----------
    runs
        As for `bluescribe.export`.
    directory
        The new folder.
    select
        Which runs; all when it is None.
    external
        Whether external files are copied, too: those below `roots`, below folders of `path_map`,
        and in the folder of the journals or the pack that the runs are in, but for what is hidden
        there. A file that is elsewhere is named among the failures: documents can name any file
        that their reader may read, and who wrote them chose which.
    roots
        Folders that hold external files.
    path_map
        Folders on the machine of the documents -> folders here, as ``PATH_MAP`` in iconfig.
    progress
        Called as events are written and when a run is finished; see `Progress`.

    Returns
    -------
    Pack
        What is in it.

    Raises
    ------
    PackError
        There is something in the folder already, it cannot be written, or no folder of `roots` is
        there.
    SourceError
        The source or a run that is named is not there.
    """
    directory = Path(directory).expanduser()
    if directory.exists() and not (
        directory.is_dir() and all(map(is_unfinished, directory.iterdir()))
    ):
        raise PackError(f"{directory} is not empty: give a folder that is new")
    folders = dict(path_map or {})
    allowed = Roots([*roots, *folders.values()]) if external else None
    found = as_runs(runs, select)
    files = ExternalFiles(secrets.token_hex(16), allowed, PathMap(folders).apply)
    packed = [replace(run, source=_Renamed(run, files)) for run in found]
    with _filling(directory) as folder:
        return _fill(folder, directory, packed, files, allowed=allowed, progress=progress)


@contextmanager
def _filling(directory: Path) -> Iterator[Path]:
    """Make a folder inside of another one; when the block ends well, what is in it goes there."""
    with ExitStack() as stack:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            folder = stack.enter_context(unfinished(directory))
        except OSError as error:
            why = error.strerror or error
            raise PackError(f"cannot write into {directory}: {why}. Give another folder") from None
        if any(path.name != folder.name for path in directory.iterdir()):
            raise PackError(
                f"{directory} is being filled by another pack: give a folder that is new"
            )
        yield folder
        for path in sorted(folder.iterdir(), key=lambda path: path.name == NAME):  # hashes last
            path.rename(directory / path.name)


def _fill(
    folder: Path,
    directory: Path,
    runs: Sequence[StoredRun],
    files: ExternalFiles,
    *,
    allowed: Roots | None,
    progress: Progress,
) -> Pack:
    """Write all of a pack into a folder, from which it goes to where it is to be."""
    documents = folder / "documents"
    done = export(runs, documents, ["jsonl"], file_name="{uid}", progress=progress)
    failed = [path for run in done if run.failures for path in run.files.get("jsonl", [])]
    for path in [*failed, *documents.glob(Manifest.name)]:
        path.unlink()
    lost = _copy(files, folder, allowed) if allowed else []
    _write_catalog(folder, directory, files, copied=allowed is not None)
    _write_manifests(folder, files)
    write_sums(folder)
    missing = [f"external file {path}: not there" for path in files.missing] if allowed else []
    copied = sum(map(len, files.files.values())) - len(lost) if allowed else 0
    amiss = [f"incomplete at its source: {line}" for line in done.discrepancies]
    failures = (*done.failures, *amiss, *missing, *lost, *refusals(files))
    return Pack(directory, len(done) - len(failed), copied, failures)


class _Renamed(Source):
    """A run whose external files are called as in the pack."""

    def __init__(self, run: StoredRun, files: ExternalFiles) -> None:
        self._run = run
        self._files = files

    def runs(self, selection: Selection) -> Iterator[StoredRun]:
        """Give the run."""
        yield self._run

    def documents(self, key: str) -> Iterator[tuple[str, Document]]:
        """Give its documents."""
        for name, doc in self._run.documents():
            yield name, self._files.rename(name, doc, self._run.source.folder)


def refusals(files: ExternalFiles) -> list[str]:
    """Return a line for each folder from which nothing was packed."""
    return [
        f"external files in {folder}, named {count} times, are not packed: it is neither the "
        "folder of the journals nor below a --root. If they belong to the runs, and may go where "
        f"the pack goes: --root {folder}"
        for folder, count in files.refused.items()
    ]


def _copy(files: ExternalFiles, folder: Path, allowed: Roots) -> list[str]:
    """Copy external files; return a line for each that cannot be."""
    lost = []
    for key, paths in files.files.items():
        for path, own in sorted(paths.items()):
            target = folder / "external_files" / key / path
            target.parent.mkdir(parents=True, exist_ok=True)
            place = Place.at(target)
            try:
                with allowed.opened(files.roots[key] / path, own) as old, place.open("xb") as new:
                    shutil.copyfileobj(old, new, _BLOCK)
            except OSError as error:
                lost.append(f"external file {files.roots[key] / path}: {error.strerror or error}")
    return lost


def _write_catalog(folder: Path, directory: Path, files: ExternalFiles, *, copied: bool) -> None:
    # databroker-unpack takes the relative paths, and the places of external files relative to
    # the pack; the absolute ones are for whoever opens the catalog where it was made
    roots = {key: f"external_files/{key}" if copied else str(p) for key, p in files.roots.items()}
    source = {
        "driver": "bluesky-jsonl-catalog",
        "args": {
            "paths": [str((directory / "documents").absolute() / "*.jsonl")],
            "root_map": roots,
        },
        "metadata": {
            "generated_by": {"library": "bluescribe", "version": __version__},
            "relative_paths": ["documents/*.jsonl"],
        },
    }
    text = yaml.safe_dump({"sources": {"packed_catalog": source}})
    _write(folder / CATALOG, text.encode())


def _write_manifests(folder: Path, files: ExternalFiles) -> None:
    names = sorted(p.name for p in (folder / "documents").glob("*.jsonl"))
    lines = "".join(f"documents/{name}\n" for name in names)
    _write(folder / "documents_manifest.txt", lines.encode())
    for key, paths in files.files.items():
        lines = "\n".join(sorted(str(files.roots[key] / path) for path in paths))
        _write(folder / f"external_files_manifest_{key}.txt", os.fsencode(lines))


def _write(path: Path, content: bytes) -> None:
    with Place.at(path).open("xb") as new:
        new.write(content)
