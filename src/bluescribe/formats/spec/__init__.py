"""SPEC: the standard data file format of the SPEC manual, one file a session.

See `the SPEC manual <https://certif.com/spec_manual/user_1_4_1.html>`_ for the format, and
`scans <https://certif.com/spec_help/scans.html>`_ for spectra. A run is a scan; numbers are rows,
arrays are ``@A`` lines, and what else was measured is told in comments between the rows.
"""

from __future__ import annotations

from ...contract.plugin import FormatPlugin
from .console import newSpecFile, spec_comment
from .readback import read_back
from .runfile import SpecFile
from .session import SpecSession
from .settings import SpecSettings
from .writer import SpecWriter

__all__ = ["FORMAT", "SpecFile", "SpecSettings", "SpecWriter", "newSpecFile", "spec_comment"]

FORMAT = FormatPlugin(
    SpecWriter,
    session=SpecSession,
    readers="SPEC; PyMca, silx view, in Python silx.io.open(file)",
    read_back=read_back,
)
