"""CSV: one plain table a stream, and a package beside them that tells what they hold.

The tables are RFC 4180: UTF-8, commas, CRLF at the end of each row, one header line, no comments.
Another delimiter and decimal sign can be chosen for spreadsheets, and a column of ISO times.
The package is a Frictionless Data Package (https://specs.frictionlessdata.io). Rows reach the
tables while the run goes on; the package gets the files' bytes and hashes at its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.plugin import FormatPlugin
from ...later import later, names_of
from .settings import CsvSettings
from .writer import CsvWriter

if TYPE_CHECKING:
    from .runfile import CsvFile

__all__ = ["FORMAT", "CsvFile", "CsvSettings", "CsvWriter"]

FORMAT = FormatPlugin(
    CsvWriter,
    readers="a table for each stream; any spreadsheet opens it, in Python pandas.read_csv(file)",
    read_back=later(f"{__name__}.readback", "read_back"),
)

__getattr__ = names_of(__name__, {"CsvFile": "runfile"})
