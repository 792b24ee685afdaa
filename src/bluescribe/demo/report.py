"""The table of the files, and a line for each format that opens one of them."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

__all__ = ["Played", "opening_lines", "show_files"]

_PACKAGE = ".datapackage.json"


@dataclass(frozen=True, slots=True)
class Played:
    """One run of the demonstration and its files."""

    content: str
    """What was measured."""
    files: Mapping[str, Path]
    """The main file of each format."""


@dataclass(frozen=True, slots=True)
class _Reader:
    """What opens a format."""

    format: str
    also: str
    """Programs that read it too."""
    code: Mapping[str, str]
    """Python by the package that it needs; the first that is installed is shown."""


_READERS = (
    _Reader(
        "SPEC",
        "PyMca, silx, spec2nexus, xrayutilities, any text editor",
        {
            "spec2nexus": (
                "from spec2nexus.spec import SpecDataFile; "
                "print(SpecDataFile({path}).getScan('1').data)"
            ),
            "": "print(open({path}).read())",
        },
    ),
    _Reader(
        "NeXus",
        "silx view, NeXpy, HDFView, PyMca, MATLAB, Igor, h5dump",
        {
            "h5py": (
                "import h5py; d = h5py.File({path})['entry/data']; "
                "print({{name: d[name][()] for name in d}})"
            ),
        },
    ),
    _Reader(
        "CSV",
        "Excel, LibreOffice, Origin, R, frictionless",
        {
            "pandas": "import pandas; print(pandas.read_csv({path}))",
            "": "import csv; print(*csv.DictReader(open({path})), sep='\\n')",
        },
    ),
    _Reader(
        "JSONL",
        "databroker, jq, any text editor",
        {"": "import json; print(json.loads(open({path}).readline()))"},
    ),
)


def show_files(console: Console, played: Sequence[Played], images: Path, picture: Path) -> None:
    """Print the table, the lines that open the files, and where the picture is."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Format", no_wrap=True)
    table.add_column("File", no_wrap=True, overflow="ignore")
    table.add_column("What is in it")
    table.add_column("Size", justify="right", no_wrap=True)
    for section in _sections(played, images):
        for row in section:
            table.add_row(*row)
        table.add_section()
    # Not in the table: a path or a line that a cell has wrapped cannot be copied.
    console.print(f"\nFiles in {_short(picture.parent)}", soft_wrap=True, markup=False)
    console.print(table)
    console.print("\nOpen them: a line each, to be copied.")
    for reader, line in opening_lines(played):
        console.print(f"\n[bold]{reader.format}[/bold] (also: {reader.also})")
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    console.print(
        f"\nPicture of the scan and the grid: {_short(picture)}", soft_wrap=True, markup=False
    )


def opening_lines(played: Sequence[Played]) -> Iterator[tuple[_Reader, str]]:
    """Yield for each format a command of the shell that opens a file of the first run."""
    files = dict(played[0].files)
    files["csv"] = _primary_table(files["csv"])
    for reader, name in zip(_READERS, ("spec", "nexus", "csv", "jsonl"), strict=True):
        package = next(p for p in reader.code if not p or find_spec(p))
        yield reader, _command(reader.code[package], files[name])


def _command(code: str, path: Path) -> str:
    code = code.format(path=repr(_short(path)))
    # A path with a quote, a dollar or a blank in it needs the quotes that are harder to read.
    is_plain = re.fullmatch(r"[\w./+-]+", _short(path))
    return f"{shlex.quote(_short(Path(sys.executable)))} -c " + (
        f'"{code}"' if is_plain else shlex.quote(code)
    )


def _sections(played: Sequence[Played], images: Path) -> Iterator[list[tuple[str, ...]]]:
    sessions = list(dict.fromkeys(run.files["spec"] for run in played))
    yield [("SPEC", path.name, f"{len(played)} scans", _size([path])) for path in sessions]
    yield [_row("NeXus", run.files["nexus"], run.content) for run in played]
    yield [_csv_row(run.files["csv"]) for run in played]
    yield [_row("JSONL", run.files["jsonl"], "all documents") for run in played]
    newest = max(images.glob("*.h5"), key=lambda path: path.stat().st_mtime)
    yield [("images", f"{images.name}/{newest.name}", "linked from NeXus", _size([newest]))]


def _row(format_name: str, path: Path, content: str) -> tuple[str, ...]:
    return format_name, path.name, content, _size([path])


def _csv_row(package: Path) -> tuple[str, ...]:
    tables = _tables(package)
    name = f"{package.name.removesuffix(_PACKAGE)}-*.csv"
    return "CSV", name, f"{len(tables)} tables, a package", _size([package, *tables])


def _tables(package: Path) -> list[Path]:
    """Return the tables that a package describes."""
    described = json.loads(package.read_text(encoding="utf-8"))["resources"]
    return [package.with_name(table["path"]) for table in described]


def _primary_table(package: Path) -> Path:
    return next(path for path in _tables(package) if path.name.endswith("-primary.csv"))


def _size(files: Iterable[Path]) -> str:
    size = float(sum(path.stat().st_size for path in files))
    for unit in ("B", "kB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} MB"


def _short(path: Path) -> str:
    """Return a path as one would type it here."""
    # not resolved: the Python of a virtual environment is a link out of it
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
