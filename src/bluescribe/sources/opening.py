"""From what a user gives to the runs that it holds."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .base import MissingExtraError, Selection, Source, SourceError, StoredRun

__all__ = ["as_runs", "check_source", "open_source"]

_DATABROKER = "databroker:"


def open_source(source: str | Path) -> Source:
    """Open a source by its name.

    Parameters
    ----------
    source
        A journal or a folder of journals, a folder that databroker-pack or ``bluescribe pack``
        made, the URL of a catalog on a tiled server, or the name of a databroker catalog, with
        ``databroker:`` before it where a file has the same name.

    Raises
    ------
    SourceError
        There is no such source.
    MissingExtraError
        It needs a package that is not installed.
    """
    name = str(source)
    if name.startswith(("http://", "https://")):
        from .tiled import TiledSource

        return TiledSource(name)
    path = Path(name).expanduser()
    if name.startswith(_DATABROKER):
        return _open_catalog(name.removeprefix(_DATABROKER))
    if path.exists():
        return _open_path(path)
    missing = f"{path.absolute()}: no such file or folder"
    if isinstance(source, Path) or "/" in name:
        raise SourceError(missing)
    try:
        return _open_catalog(name)
    except (SourceError, MissingExtraError) as error:
        raise type(error)(f"{missing}. Nor is it a catalog: {error}") from None


def check_source(source: str) -> None:
    """Look whether a source is there, where that takes no server.

    Raises
    ------
    SourceError
        It is neither a file or folder nor a catalog.
    """
    is_remote = source.startswith(("http://", "https://", _DATABROKER))
    if not is_remote and not Path(source).expanduser().exists():
        open_source(source)  # as the name of a catalog, for which it says more


def _open_catalog(name: str) -> Source:
    from .databroker import DatabrokerSource

    return DatabrokerSource(name)


def _open_path(path: Path) -> Source:
    from .packs import PackSource, is_pack

    if is_pack(path):
        return PackSource(path)
    from .journals import JournalSource

    return JournalSource(path)


def as_runs(given: Any, selection: Selection | None = None) -> list[StoredRun]:
    """Return the runs that something holds, in the order in which they are to be exported.

    Parameters
    ----------
    given
        A source or its name, a run or catalog of databroker or tiled, documents, or an iterable
        of any of these.
    selection
        Which of them; all when it is None.

    Raises
    ------
    SourceError
        Nothing can be made of it, or a run that is named is not there.
    """
    if isinstance(given, StoredRun):
        return [given]
    source = _source(given)
    if source is not None:
        return source.find(selection)
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        raise SourceError(f"a {type(given).__name__} is no run and holds none")
    return _runs_in(iter(given), given)


def _runs_in(items: Iterator[Any], given: Iterable[Any]) -> list[StoredRun]:
    first = next(items, None)
    if first is None:
        return []
    if isinstance(first, tuple | list) and len(first) == 2 and isinstance(first[0], str):
        from .documents import DocumentsSource

        documents = given if isinstance(given, list | tuple) else itertools.chain([first], items)
        return DocumentsSource(documents).find()
    return [run for item in itertools.chain([first], items) for run in as_runs(item)]


def _source(given: Any) -> Source | None:
    if isinstance(given, Source):
        return given
    if isinstance(given, str | Path):
        return open_source(given)
    if hasattr(given, "documents"):  # a run of databroker or tiled
        from .documents import RunObjectSource

        return RunObjectSource(given)
    if hasattr(given, "search"):  # a catalog
        return _catalog(given)
    return None


def _catalog(given: Any) -> Source:
    if type(given).__module__.startswith(("tiled.", "bluesky_tiled_plugins.")):
        from .tiled import TiledSource

        return TiledSource(given)
    from .databroker import DatabrokerSource

    return DatabrokerSource(given)
