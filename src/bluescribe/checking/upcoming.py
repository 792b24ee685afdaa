"""What the next runs of a session are written in, as its console and its metadata have it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ..recording.changes import ENABLED
from ..recording.metadata import KEY, asked_in
from .subject import Subject
from .verdict import Verdict, failed, warning

__all__ = ["as_asked"]


def as_asked(subject: Subject, off: Collection[str]) -> tuple[Subject, list[Verdict]]:
    """Return what is checked as the metadata ask for it, and a verdict on each format that is off.

    Parameters
    ----------
    subject
        What is checked.
    off
        Formats that are off if the metadata do not say otherwise.
    """
    formats, verdicts = [], []
    for config in subject.formats:
        asked = asked_in(subject.metadata, config.name, config.settings)
        cure = f"writers.{config.name}.enabled = True has them written again"
        if ENABLED in asked:
            cure = f"take {ENABLED!r} out of RE.md[{KEY!r}] to have them written again"
        if not asked.pop(ENABLED, config.name not in off):
            told = "it is off: the next runs are not written in it, and it is not checked"
            verdicts.append(warning(f"format {config.name}", told, cure))
        else:
            settings = config.settings.changed(asked) if asked else config.settings
            formats.append(replace(config, settings=settings))
    if verdicts and not formats and not subject.configuration.deliveries:
        cure = "writers.enabled = True, and look for 'enabled' in RE.md"
        verdicts.append(failed("formats", "all are off: no file would be written", cure))
    return subject.of(formats), verdicts
