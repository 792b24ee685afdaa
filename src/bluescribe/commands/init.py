"""``bluescribe init``: a short iconfig.yml of what was chosen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ..errors import ConfigError
from ..files import Place
from ..files.templates import DEFAULT_TEMPLATE
from .output import names_of, terminal

__all__ = ["init"]

_DEFAULTS = {"formats": "spec,nexus,jsonl", "directory": "data", "file_name": DEFAULT_TEMPLATE}
_QUESTIONS = {
    "formats": "Which formats ({names})",
    "directory": "Folder for the files; it may hold {{keys}} of the start document",
    "file_name": "Name of a run's files, without extension",
}


def init(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write; one that is there stays.")
    ] = Path("iconfig.yml"),
    *,
    formats: Annotated[
        str | None,
        typer.Option("--formats", metavar="FORMATS", help="Formats, such as spec,nexus,csv."),
    ] = None,
    directory: Annotated[
        str | None, typer.Option("--directory", metavar="DIR", help="As DIRECTORY in iconfig.")
    ] = None,
    file_name: Annotated[
        str | None, typer.Option("--file-name", metavar="TEMPLATE", help="As FILE_NAME in iconfig.")
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing: take defaults for what is not given.")
    ] = False,
) -> None:
    """Write a short iconfig.yml: which formats, where, and by which names.

    Asks what is not given by an option. The file has nothing but what was chosen; a file that is
    there already is never changed. Shows the two lines for the startup file.
    """
    given = {"formats": formats, "directory": directory, "file_name": file_name}
    _run(path, given, terminal(), asks=not defaults)


def _run(path: Path, given: Mapping[str, str | None], console: Console, *, asks: bool) -> None:
    """Ask what is not given, write the file, and show the lines for the startup file.

    Raises
    ------
    ConfigError
        The file is there already, or an answer is not allowed.
    OSError
        It cannot be written.
    """
    if path.exists() or path.is_symlink():
        raise ConfigError(
            f"{path} is there already, and stays as it is. Give another name: bluescribe init FILE"
        )
    answers = {key: _answer(key, value, asks=asks) for key, value in given.items()}
    formats = names_of(answers["formats"].lower())
    text = _text(formats, answers["directory"], answers["file_name"])
    _check(formats, answers)
    with Place.at(path.absolute()).open("xb") as file:
        file.write(text.encode())
    console.print(f"{path} is written. In the startup file, behind RE = RunEngine(...):\n")
    console.print("    from bluescribe import subscribe_writers")
    console.print(f"    writers = subscribe_writers(RE, {json.dumps(str(path))})\n")
    console.print(f"Before beam: bluescribe check {path}", soft_wrap=True)


def _answer(key: str, value: str | None, *, asks: bool) -> str:
    if value is not None:
        return value
    if not asks:
        return _DEFAULTS[key]
    from ..formats import format_names

    question = _QUESTIONS[key].format(names=", ".join(format_names()))
    return str(typer.prompt(question, default=_DEFAULTS[key]))


def _check(formats: list[str], answers: Mapping[str, str]) -> None:
    """Raise what is wrong with an answer, as the session would."""
    from ..config.config import read_iconfig
    from ..formats import format_names

    unknown = [name for name in formats if name not in format_names()]
    if unknown or not formats:
        found = ", ".join(unknown) or "nothing"
        raise ConfigError(f"formats: found {found}; allowed are {', '.join(format_names())}")
    shared = {key.upper(): answers[key] for key in ("directory", "file_name")}
    blocks: dict[str, Any] = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in formats}
    read_iconfig({"DATA_FILES": shared, **blocks})


def _text(formats: list[str], directory: str, file_name: str) -> str:
    """Return the file; what stands in double quotes is the same in YAML as in JSON."""
    lines = [
        "# Which files bluescribe writes. What is not here has its default; every key is explained",
        "# in the iconfig.yml that comes with bluescribe.",
        "",
        "DATA_FILES:",
        f"  DIRECTORY: {json.dumps(directory)}",
    ]
    if file_name != DEFAULT_TEMPLATE:
        lines.append(f"  FILE_NAME: {json.dumps(file_name)}")
    for name in dict.fromkeys(formats):
        lines += ["", f"{name.upper()}_DATA_FILES:", "  ENABLE: true"]
    return "\n".join([*lines, ""])
