"""Tables after a crash: written anew from the journal, or cut to whole rows and described."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from ...contract.held_run import HeldRun
from ...contract.recovery import Found, Keep, Recovery, RecoveryError, Source, changing
from ...contract.settings import WriterSettings
from ...errors import ConfigError
from ...files import Place, replacing
from .datapackage import slug
from .dialect import TOLD
from .table import LINE_END, records

__all__ = ["CsvRecovery"]

_PACKAGE = ".datapackage.json"
_FINAL = ("complete", "never stopped")


class CsvRecovery(Recovery):
    """Finds the packages that bluescribe wrote; tables without one are not touched."""

    has_parts: ClassVar[bool] = True

    def examine(self, path: Path) -> list[Found]:
        """Return the run of a package."""
        if not path.name.endswith(_PACKAGE):
            return []
        stem = path.name.removesuffix(_PACKAGE)
        if not path.stat().st_size:
            return [Found(path, stem, problem="it is empty", is_readable=False)]
        package = _read(path)
        if not isinstance(package, dict) or "bluesky" not in package or "state" not in package:
            return []
        state = package["state"]
        return [
            Found(
                path,
                stem,
                str(package.get("id", "")),
                _rows(path, package),
                has_stop="stop" in package["bluesky"],
                problem="" if state in _FINAL else f"its state is {state!r}",
            )
        ]

    def runs_in(self, path: Path, head: bytes) -> Iterator[HeldRun]:
        """Yield the run of a package."""
        package = _read(path) if path.name.endswith(_PACKAGE) else None
        told = package.get("bluesky") if isinstance(package, dict) else None
        if isinstance(told, dict) and isinstance(told.get("start"), dict):
            stop = told.get("stop")
            yield HeldRun(path, self.name, told["start"], stop if isinstance(stop, dict) else None)

    def is_held(self, path: Path) -> bool:
        """Tell whether a living process writes the package or one of its tables."""
        tables = _tables(path, _read(path)) if path.stat().st_size else []
        return any(super(CsvRecovery, self).is_held(p) for p in [path, *tables] if p.exists())

    def seems_cut_short(self, path: Path) -> bool:
        """Tell whether the package says that tables are being written."""
        if not path.name.endswith(_PACKAGE):
            return False
        package = _read(path)
        return isinstance(package, dict) and package.get("state", _FINAL[0]) not in _FINAL

    def files(self, path: Path) -> list[Path]:
        """Return a package and its tables."""
        is_package = path.name.endswith(_PACKAGE) and path.exists()
        return [path, *(_tables(path, _read(path)) if is_package else [])]

    def mend(self, path: Path, keep: Keep) -> str:
        """Cut rows that are not whole, in a table or in all, and describe the tables then."""
        package = _read(path) if path.stat().st_size else None
        if package is None:
            raise RecoveryError("nothing was written to it before the crash")
        there = list(self._described(path, package, keep))
        cut = sum(_cut(table, keep, _whole(table)) for _, table in there)
        mains = {resource["stream"]: table for resource, table in there if "field" not in resource}
        for resource, table in there:
            if "field" in resource and resource["stream"] in mains:
                main = mains[resource["stream"]]
                cut += _cut(table, keep, _matched(table, main, _delimiter(resource)))
            _describe(resource, table)
        package["resources"] = [resource for resource, _ in there]
        package["state"] = "never stopped" if "stop" not in package["bluesky"] else "complete"
        keep(path)
        with replacing(Place.at(path)) as new:
            text = json.dumps(package, indent=2, ensure_ascii=False)
            new.write(text.encode(errors="backslashreplace"))
        return f"cut {cut} bytes of rows that are not whole, and finished the package"

    def _described(
        self, path: Path, package: Mapping[str, Any], keep: Keep
    ) -> Iterator[tuple[dict[str, Any], Path]]:
        """Yield the tables, also those that the package does not name yet; put empty ones aside.

        The kill may have come between the making of a table, its header and the package: no reader
        opens an empty one.
        """
        told = ((resource, _table(path, resource)) for resource in package.get("resources", []))
        named = {table: resource for resource, table in told if table is not None}
        orphans = {*self._orphans(path)} - named.keys()
        mains: list[str] = []
        for table in [*named, *sorted(orphans, key=lambda table: (len(table.name), table))]:
            if not table.exists():
                continue
            name = table.name.removesuffix(self.ending)
            if not _whole(table):
                keep(table)
            elif table in named:
                yield named[table], table
            else:
                main = max((m for m in mains if name.startswith(f"{m}-")), key=len, default=name)
                stream = main.removeprefix(f"{path.name.removesuffix(_PACKAGE)}-")
                yield _unnamed(table, stream, name.removeprefix(main).removeprefix("-")), table
            mains.append(name)

    def rebuild(self, path: Path, sources: Sequence[Source], keep: Keep) -> str:
        """Write the tables and the package anew, as they were written."""
        (source,) = sources
        package = _read(path) if path.stat().st_size else None
        told = CsvRecovery(self.plugin, self._told_settings(package))
        for table in {*_tables(path, package), *told._orphans(path)}:
            if table.exists():
                keep(table)
        keep(path)
        told.write_again(path, source, _PACKAGE)
        return "written anew from the journal"

    def _told_settings(self, package: Any) -> WriterSettings:
        """Return the settings that are given, and of others what a package tells."""
        settings = package.get("settings") if isinstance(package, dict) else None
        told = settings if isinstance(settings, dict) else {}
        given = self.chosen(*type(self._settings).model_fields)
        try:
            return type(self._settings).validated(
                self.name, {**{name: told[name] for name in TOLD if name in told}, **given}
            )
        except ConfigError as error:
            raise RecoveryError(f"what its package tells cannot be: {error}") from None

    def _orphans(self, path: Path) -> Iterator[Path]:
        """Yield tables of the same name that no package names: made just before the crash."""
        stem = path.name.removesuffix(_PACKAGE)
        others = [p for p in path.parent.glob(f"*{_PACKAGE}") if p != path]
        named = {table for other in others for table in _tables(other, _read(other))}
        for table in path.parent.iterdir():
            is_table = table.name.startswith(f"{stem}-") and self.has_ending(table)
            if is_table and table not in named:
                yield table


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        return None


def _tables(path: Path, package: Any) -> list[Path]:
    """Return the tables that a package names, in its own folder."""
    resources = package.get("resources", []) if isinstance(package, dict) else []
    return [table for r in resources if (table := _table(path, r)) is not None]


def _table(path: Path, resource: Any) -> Path | None:
    """Return the table of a resource: beside the package and no link, whatever it says."""
    told = resource.get("path", "") if isinstance(resource, dict) else ""
    name = Path(str(told)).name
    table = path.with_name(name) if name not in ("", "..") else None
    return None if table is None or table.is_symlink() else table


def _unnamed(table: Path, stream: str, field: str) -> dict[str, Any]:
    """Return what can be said of a table that no package describes: no more than its header."""
    return {
        "profile": "tabular-data-resource",
        "name": slug(table.stem),
        "path": table.name,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "stream": stream,
        **({"field": field} if field else {}),
        "description": "Its writer was killed before it described this table.",
        "schema": {"fields": [], "missingValues": [""]},
    }


def _rows(path: Path, package: Any) -> dict[str, int]:
    """Return the whole rows of each stream."""
    rows = {}
    for resource in package.get("resources", []):
        table = _table(path, resource)
        if "field" not in resource and table is not None and table.exists():
            with table.open("rb") as file:
                rows[resource["stream"]] = max(0, sum(1 for _ in records(file)) - 1)
    return rows


def _whole(table: Path) -> int:
    """Return the bytes of a table up to half a row at its end."""
    with table.open("rb") as file:
        return sum(len(record) for record in records(file))


def _matched(table: Path, main: Path, delimiter: str) -> int:
    """Return the bytes of a table of arrays up to rows that the stream's own table lacks.

    That one is written last: what is in it is in all, and what it lacks was never whole.
    """
    with table.open("rb") as arrays, main.open("rb") as events:
        rows, numbers = records(arrays), map(_first_cell(delimiter), records(events))
        size = len(next(rows, b""))
        next(numbers, None)  # both have a header
        for row in rows:
            if _first_cell(delimiter)(row) not in numbers:  # it goes on behind the one it found
                break
            size += len(row)
    return size


def _first_cell(delimiter: str) -> Callable[[bytes], bytes]:
    between = delimiter.encode()
    return lambda row: row.removesuffix(LINE_END).partition(between)[0]


def _cut(table: Path, keep: Keep, size: int) -> int:
    """Cut a table behind so many bytes; return the bytes that are gone."""
    torn = table.stat().st_size - size
    if torn:
        with changing(table, keep) as part, part.open("r+b") as new:
            new.truncate(size)
    return torn


def _describe(resource: dict[str, Any], table: Path) -> None:
    """Put bytes and hash into the description, and columns that it does not know."""
    data = table.read_bytes()
    resource["bytes"] = len(data)
    resource["hash"] = f"sha256:{sha256(data).hexdigest()}"
    known = resource["schema"]["fields"]
    header = data.partition(LINE_END)[0].decode()
    (labels,) = csv.reader([header], delimiter=_delimiter(resource))
    known += [{"name": label, "type": "any"} for label in labels[len(known) :]]


def _delimiter(resource: dict[str, Any]) -> str:
    dialect = resource.get("dialect")
    return str(dialect.get("delimiter", ",")) if isinstance(dialect, dict) else ","
