"""What has to be in a wheel and in an sdist, and what must not be."""

from __future__ import annotations

import tarfile
import zipfile
from email.message import Message
from email.parser import BytesParser
from pathlib import Path, PurePosixPath

from environments import TOP

__all__ = ["check_same_description", "check_sdist", "check_wheel"]

SDIST_MUST = {
    "CHANGELOG.md",
    "LICENSE",
    "PKG-INFO",
    "README.md",
    "docs/conf.py",
    "docs/index.md",
    "iconfig.yml",
    "pyproject.toml",
    "src/bluescribe/py.typed",
}
SDIST_NEVER = {"tests", "benchmarks", ".github", ".ci", ".venv"}
LARGEST = 1_500_000
"""Bytes: a wheel, or an sdist, is a third of that."""


class ContentsError(Exception):
    """Something is missing, or should not be there."""


def check_wheel(path: Path) -> None:
    """Fail unless a wheel has the package, all of it, and nothing else.

    Raises
    ------
    ContentsError
        It is not so.
    """
    with zipfile.ZipFile(path) as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
        about = {name for name in names if PurePosixPath(name).parts[0].endswith(".dist-info")}
        entries = wheel.read(next(n for n in about if n.endswith("entry_points.txt"))).decode()
        told = BytesParser().parsebytes(
            wheel.read(next(n for n in about if n.endswith("METADATA")))
        )
    _check_same("the wheel and src/", names - about, _package())
    _check(path.stat().st_size < LARGEST, f"{path.name} has {path.stat().st_size} bytes")
    _check("bluescribe/py.typed" in names, "no py.typed: type checkers would take it for untyped")
    _check(any(name.endswith("licenses/LICENSE") for name in about), "the licence is not in it")
    _check("bluescribe = bluescribe.commands.cli:main" in entries, "the command is not in it")
    _check_metadata(told)


def check_sdist(path: Path) -> None:
    """Fail unless an sdist has what builds and documents the package, and no tests' data.

    Raises
    ------
    ContentsError
        It is not so.
    """
    with tarfile.open(path) as sdist:
        files = {"/".join(PurePosixPath(m.name).parts[1:]) for m in sdist if m.isfile()}
    _check(not SDIST_MUST - files, f"the sdist lacks {sorted(SDIST_MUST - files)}")
    tops = {name.partition("/")[0] for name in files}
    _check(not SDIST_NEVER & tops, f"the sdist has {sorted(SDIST_NEVER & tops)}")
    package = {name.removeprefix("src/") for name in files if name.startswith("src/")}
    _check_same("the sdist and src/", package, _package())
    _check(path.stat().st_size < LARGEST, f"{path.name} has {path.stat().st_size} bytes")


def check_same_description(wheel: Path, sdist: Path) -> None:
    """Fail unless both say the same of the package.

    Raises
    ------
    ContentsError
        They do not.
    """
    with zipfile.ZipFile(wheel) as opened:
        name = next(n for n in opened.namelist() if n.endswith(".dist-info/METADATA"))
        of_wheel = opened.read(name)
    with tarfile.open(sdist) as archive:
        found = archive.extractfile(next(m for m in archive if m.name.endswith("/PKG-INFO")))
        assert found is not None
        of_sdist = found.read()
    _check(of_wheel == of_sdist, "wheel and sdist say different things of the package")


def _check_metadata(told: Message) -> None:
    _check(told["License-Expression"] == "BSD-3-Clause", "no licence expression")
    _check("Typing :: Typed" in told.get_all("Classifier", []), "no classifier for types")
    text = str(told.get_payload())
    _check(f"# Changes in {told['Version']}" in text, "what changed in this version is not told")
    unbound = [line for line in told.get_all("Requires-Dist", []) if _is_unbound(line)]
    _check(not unbound, f"no oldest version is told of {unbound}")


def _is_unbound(line: str) -> bool:
    """Tell whether a package that every user gets may be of any version."""
    return "extra ==" not in line and ">=" not in line


def _package() -> set[str]:
    found = (TOP / "src" / "bluescribe").rglob("*")
    files = (path for path in found if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(TOP / "src").as_posix() for path in files}


def _check_same(what: str, found: set[str], expected: set[str]) -> None:
    lacking, more = sorted(expected - found)[:5], sorted(found - expected)[:5]
    _check(found == expected, f"{what} differ: not there {lacking}, not expected {more}")


def _check(is_well: bool, words: str) -> None:
    if not is_well:
        raise ContentsError(words)
