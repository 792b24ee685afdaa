"""The name by which hooks import Run and Stream: what is in it is in `model.run` and `files`."""

from __future__ import annotations

from .files.working_directory import working_directory
from .model.run import (
    COUNT_TIMES,
    Descriptor,
    Document,
    Field,
    Page,
    Run,
    Stream,
    stream_name,
)

__all__ = [
    "COUNT_TIMES",
    "Descriptor",
    "Document",
    "Field",
    "Page",
    "Run",
    "Stream",
    "stream_name",
    "working_directory",
]
