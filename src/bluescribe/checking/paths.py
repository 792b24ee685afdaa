"""Paths in metadata: the folders below which they may lead, and where they lead."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from string import Formatter
from typing import Any

from ..config.configuration import WriterConfig
from ..contract.settings import WriterSettings
from ..files.filling import Roots, kept_path
from ..files.templates import PATH, check_meaning
from ..files.working_directory import working_directory
from .bounded import within
from .names import value_of
from .subject import Subject
from .verdict import Verdict, failed, ok

__all__ = ["answering", "escaped", "led", "mirrored"]

_SECONDS = 5.0


def answering(subject: Subject) -> tuple[Subject, list[Verdict]]:
    """Return what is checked without roots that do not answer, and a verdict on each root."""
    roots = dict.fromkeys(root for config in subject.formats for root in config.settings.roots)
    found = {root: _verdict(root, subject) for root in roots}
    late = {root for root, (_, is_late) in found.items() if is_late}
    formats = [
        _with(config, roots=tuple(root for root in config.settings.roots if root not in late))
        for config in subject.formats
    ]
    return subject.of(formats), [verdict for verdict, _ in found.values()]


def _verdict(root: Path, subject: Subject) -> tuple[Verdict, bool]:
    """Return a verdict on a root, and whether nobody should ask it again."""
    what = f"ROOTS {root}"
    try:
        is_folder, is_open = within(_SECONDS, partial(_look_at, root), subject.heed)
    except OSError as error:
        words = error.strerror or str(error)
        cure = f"mount {root}, or correct ROOTS"
        found = f"{words}: a path in the metadata would lead to a folder that is made there"
        is_late = isinstance(error, TimeoutError)
        return failed(what, words if is_late else found, cure), is_late
    if not is_folder:
        return failed(what, "it is no folder", "correct ROOTS"), False
    if not is_open:
        cure = "have its owner let this user enter it, by its group or an ACL; or correct ROOTS"
        return failed(what, "this user cannot read it", cure), False
    return ok(what, "paths in the metadata may lead below it"), False


def _look_at(root: Path) -> tuple[bool, bool]:
    is_folder = stat.S_ISDIR(root.stat().st_mode)
    return is_folder, os.access(root, os.X_OK)  # who may not list it can write below it


def led(subject: Subject, start: Mapping[str, Any]) -> Subject:
    """Return what is checked, with the folders to which paths in the metadata lead."""
    return subject.of([_led(config, dict(start)) for config in subject.formats])


def _led(config: WriterConfig, start: dict[str, Any]) -> WriterConfig:
    roots = Roots(config.settings.roots, working_directory())
    directory = _filled_in(str(config.settings.directory), start, roots) if roots else ""
    try:
        check_meaning(directory)
    except ValueError:  # a folder that is called as a setting may not be
        return config
    return _with(config, directory=Path(directory)) if directory else config


def _filled_in(directory: str, start: dict[str, Any], roots: Roots) -> str:
    """Fill in absolute paths that are kept: what stands before them is of no meaning."""
    text = ""
    for literal, key, spec, _ in Formatter().parse(directory):
        text += escaped(literal)
        if key is None:
            continue
        value = value_of(key, start) if spec == PATH else None
        kept = kept_path(value, roots) if value is not None else None
        if kept is not None and kept.is_absolute() and text[-1:] in ("", "/"):
            text = escaped(str(kept))
        else:
            text += f"{{{key}{':' + spec if spec else ''}}}"
    return text


def escaped(text: str) -> str:
    """Return a text as it stands in a template."""
    return text.replace("{", "{{").replace("}", "}}")


def mirrored(settings: WriterSettings, parent: Path, scratch: Path) -> Iterator[Path]:
    """Yield the roots of a scratch folder that takes the place of another one."""
    place = parent.resolve()
    for root in (root.resolve() for root in settings.roots):
        if place.is_relative_to(root):
            yield scratch
        elif root.is_relative_to(place):
            yield scratch / root.relative_to(place)


def _with(config: WriterConfig, **values: Any) -> WriterConfig:
    return replace(config, settings=config.settings.model_copy(update=values))
