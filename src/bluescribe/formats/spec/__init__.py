"""SPEC: the standard data file format of the SPEC manual, one file a session.

See `the SPEC manual <https://certif.com/spec_manual/user_1_4_1.html>`_ for the format, and
`scans <https://certif.com/spec_help/scans.html>`_ for spectra. A run is a scan; numbers are rows,
arrays are ``@A`` lines, and what else was measured is told in comments between the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.plugin import FormatPlugin
from ...later import later, names_of
from .console import newSpecFile, spec_comment
from .session import SpecSession
from .settings import SpecSettings
from .writer import SpecWriter

if TYPE_CHECKING:
    from .runfile import SpecFile

__all__ = ["FORMAT", "SpecFile", "SpecSettings", "SpecWriter", "newSpecFile", "spec_comment"]

FORMAT = FormatPlugin(
    SpecWriter,
    session=SpecSession,
    readers="SPEC; PyMca, silx view, in Python silx.io.open(file)",
    read_back=later(f"{__name__}.readback", "read_back"),
)

__getattr__ = names_of(__name__, {"SpecFile": "runfile"})
