"""Names of files: keys that may not be there, and paths that lead nowhere."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from string import Formatter
from typing import NamedTuple

from ..config.configuration import WriterConfig
from ..files.filling import Roots, filled_path, fixed_part, kept_path
from ..files.templates import COUNTER, PATH, default_in, steps_of
from ..files.working_directory import working_directory
from .subject import Subject
from .verdict import Verdict, failed, warning

__all__ = ["OF_BLUESKY", "Key", "keys_of", "names", "value_of"]

OF_BLUESKY = (
    "detectors",
    "hints",
    "motors",
    "num_intervals",
    "num_points",
    "plan_args",
    "plan_name",
    "plan_pattern",
    "plan_type",
    "scan_id",
    "time",
    "uid",
    "versions",
)
"""What the RunEngine and bluesky's plans put into start documents."""

_NEAR = 0.8
"""How much a misspelt key is like the one that is meant: scan_file is not meant to be scan_id."""


class Key(NamedTuple):
    """A key of the start document in a template."""

    config: WriterConfig
    template: str
    text: str
    """As it stands in the braces, before the colon."""
    is_path: bool

    @property
    def default(self) -> str | None:
        """What steps in where it is missing."""
        return default_in(self.text)[1]

    @property
    def steps(self) -> tuple[str, ...]:
        """What leads to its value: ``motors[0]`` has two."""
        return steps_of(self.text)

    @property
    def shown(self) -> str:
        """As it is written."""
        return f"{{{self.text}{':' + PATH if self.is_path else ''}}}"

    @property
    def is_in_directory(self) -> bool:
        """Whether it stands in `DIRECTORY`."""
        return self.template == str(self.config.settings.directory)


def keys_of(formats: list[WriterConfig]) -> Iterator[Key]:
    """Yield the keys of all names, but for those that the start document does not bring."""
    for config in formats:
        for template in (str(config.settings.directory), config.settings.file_name):
            for _, text, spec, _ in Formatter().parse(template):
                if text and steps_of(text)[0] not in (COUNTER, "config", "event"):
                    yield Key(config, template, text, spec == PATH)


def value_of(text: str, start: dict[str, object]) -> str | None:
    """Return what a key is filled with, as it stands there; None where nothing is."""
    try:
        return filled_path(f"{{{text}}}", start)
    except LookupError:
        return None


def names(subject: Subject, start: dict[str, object]) -> Iterator[Verdict]:
    """Yield a verdict on each key that may not be there, and on each path that leads nowhere.

    Parameters
    ----------
    subject
        What is checked.
    start
        What is known of start documents.
    """
    found: dict[Verdict, list[str]] = {}
    for key in keys_of(subject.formats):
        for verdict in (_missing(key, subject, start), _astray(key, start)):
            formats = found.setdefault(verdict, []) if verdict else []
            formats += [] if key.config.name in formats else [key.config.name]
    for verdict, formats in found.items():
        what = f"names for {', '.join(formats)}"
        yield Verdict(verdict.level, what, verdict.found, verdict.remedy)


def _missing(key: Key, subject: Subject, start: dict[str, object]) -> Verdict | None:
    first, *inner = key.steps
    is_known = first in OF_BLUESKY or first in subject.metadata
    if (is_known and not inner) or value_of(default_in(key.text)[0], start) is not None:
        return None
    name = default_in(key.text)[0]
    near = (
        ()
        if is_known
        else difflib.get_close_matches(first, [*OF_BLUESKY, *subject.metadata], n=1, cutoff=_NEAR)
    )
    if near and key.default is not None:
        told = f"{{{name}}} is not known: a run without it has {key.default!r} there"
        return warning("", told, f"is it {{{near[0]}|{key.default}}}? Else all is well")
    if near:
        cure = f"is it {{{near[0]}}}? Correct DIRECTORY or FILE_NAME"
        return failed("", f"{{{name}}} is not known", cure)
    if key.default is not None:
        return None
    instead = f"{{{name}|none{':' + PATH if key.is_path else ''}}}"
    goes = "gets the default name"
    if key.is_in_directory:
        goes = f"goes to {working_directory() / fixed_part(key.template)}"
    if is_known:
        told = f"{{{name}}} is not in every run: one without it {goes}"
        return warning("", told, f"name what stands there then: {instead}")
    cure = (
        f"have each run say it, such as RE.md[{first!r}] = ...; to check with a value, "
        f"give --md {first}=VALUE; or name what stands there else: {instead}"
    )
    return warning("", f"{{{name}}} is not known: a run without it {goes}", cure)


def _astray(key: Key, start: dict[str, object]) -> Verdict | None:
    """Return a verdict on a path of which one name is made, as it leads below no root."""
    if not key.is_path:
        return None
    settings = key.config.settings
    value = value_of(key.text, start)
    if not settings.roots:
        if value is not None and "/" not in value:
            return None
        told = f"{key.shown}: ROOTS is empty, so that each path becomes the name of one folder"
        return failed("", told, "name the folders in ROOTS below which it may lead")
    if value is None or not key.is_in_directory:
        return None
    roots = Roots(settings.roots, working_directory())
    kept = kept_path(value, roots)
    if kept and roots.hold(working_directory() / fixed_part(key.template) / kept):
        return None
    told = (
        f"{key.shown} is {value}, which is no folder below {' or '.join(map(str, roots.folders))}"
    )
    cure = "correct the metadata, or add the folder to ROOTS; else it is the name of one folder"
    return failed("", told, cure)
