"""The file writers of apstools, as instruments know them, written by bluescribe.

In an instrument that is built on apstools one import changes::

    from bluescribe.compat.apstools import NXWriterAPS, SpecWriterCallback2, spec_comment

Each run takes the attributes as they are when it starts. apstools itself is not needed.
"""

from __future__ import annotations

from .console import newSpecFile, spec_comment
from .nexus import NEXUS_FILE_EXTENSION, NEXUS_RELEASE, NXWriter, NXWriterAPS
from .spec import (
    SCAN_ID_RESET_VALUE,
    SPEC_TIME_FORMAT,
    SpecWriterCallback,
    SpecWriterCallback2,
)

__all__ = [
    "NEXUS_FILE_EXTENSION",
    "NEXUS_RELEASE",
    "SCAN_ID_RESET_VALUE",
    "SPEC_TIME_FORMAT",
    "NXWriter",
    "NXWriterAPS",
    "SpecWriterCallback",
    "SpecWriterCallback2",
    "newSpecFile",
    "spec_comment",
]
