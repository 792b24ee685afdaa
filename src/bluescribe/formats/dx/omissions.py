"""What a run has and its Data Exchange file does not: one role, one image field."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from ...assets.asset import Asset
from ...model.run import Run
from .external import ExternalFrames
from .tomogram import Tomogram

__all__ = ["omissions", "warn_of_images"]

logger = logging.getLogger(__name__)

_ELSEWHERE = "the NeXus file (nexus) or the journal (jsonl) of the run, where those are switched on"

External = Mapping[tuple[str, str], Mapping[str, Asset]]
"""Assets of fields by their uid, by stream and field."""


def omissions(
    run: Run, tomogram: Tomogram, frames: ExternalFrames, external: External
) -> Iterator[dict[str, Any]]:
    """Yield what a run has and its file does not.

    Parameters
    ----------
    run
        The run.
    tomogram
        Which fields the file has.
    frames
        Which external images the file has.
    external
        The external files that the documents tell of.
    """
    theta = {tomogram.theta(stream) for stream in run.streams.values()}
    shown = {frames.source(task) for task in frames.shown}
    for stream in run.streams.values():
        for name in stream.fields:
            entry = {"stream": stream.name, "field": name, "where": _ELSEWHERE}
            assets = external.get((stream.name, name))
            if assets and (stream.name, name) not in shown:
                yield {**entry, "where": [asset.place for asset in assets.values()]}
            elif name not in {tomogram.image, *theta}:
                yield entry
    yield from _nameless(run, tomogram, external)
    if tomogram.misfits:
        what = f"{tomogram.misfits} values that are no such image, or of no role"
        yield {"field": tomogram.image, "what": what, "where": _ELSEWHERE}
    for role, count in frames.without.items():
        if count:
            what = f"{count} events of {role} for which no frame was announced"
            yield {"field": tomogram.image, "what": what, "where": "nowhere"}


def _nameless(run: Run, tomogram: Tomogram, external: External) -> Iterator[dict[str, Any]]:
    """Yield the images that are in files of which no document told."""
    for stream in run.streams:
        name = tomogram.image_of(stream)
        if name and (stream, name) not in external:
            what = "images in files that no document names"
            yield {"stream": stream, "field": name, "what": what, "where": _ELSEWHERE}


def warn_of_images(run: Run, field: str | None, external: External) -> None:
    """Tell that a run has no file, though its images came: they are in other files."""
    if field in {name for _, name in external}:
        logger.warning(
            "dx: %s has no Data Exchange file: the images of %s are in no stream that "
            "STREAMS has a role for, or are not declared to be in files of their own.",
            run.label,
            field,
        )
