"""CsvWriter: writes every run that it receives as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...later import later
from ...recording.writer import Writer
from .settings import CsvSettings

if TYPE_CHECKING:
    from ...contract.recovery import Recovery

__all__ = ["CsvWriter"]


class CsvWriter(Writer):
    """Write every stream of every run as a CSV table, with a package that describes them.

    ``pandas.read_csv`` reads the tables, while the run goes on too. Arrays of one dimension have
    tables of their own; images and what else is not there is named in the package.
    """

    format = "csv"
    process_safe = True
    file_class = later(f"{__package__}.runfile", "CsvFile")
    settings_class = CsvSettings

    @classmethod
    def recovery(cls) -> type[Recovery]:
        """Return what finishes tables and packages, or writes them anew."""
        from .recovery import CsvRecovery

        return CsvRecovery
