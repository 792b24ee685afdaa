"""The ledgers of one listener: what it notes of its runs, in every folder that it writes into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..contract.report import RunReport
from ..files.run_paths import fixed_part
from ..files.working_directory import working_directory
from ..recording.writer import Writer
from .ledger import Ledger

__all__ = ["Ledgers"]


class Ledgers:
    """The ledgers of the folders that a listener's writers write into.

    Parameters
    ----------
    writers
        By format. Those that write into the same folder have one ledger.
    name
        Of the listener.
    """

    def __init__(self, writers: Mapping[str, Writer], name: str) -> None:
        self._writers, self._name = writers, name
        by_folder: dict[Path, Ledger] = {}
        self._by_format: dict[str, Ledger] = {}
        for format_name, writer in writers.items():
            folder = working_directory() / fixed_part(str(writer.settings.directory))
            if folder not in by_folder:
                by_folder[folder] = Ledger(folder)
            self._by_format[format_name] = by_folder[folder]

    def begin(self, uid: str, *, most_deaths: int) -> tuple[dict[str, Writer], int]:
        """Note that a run is written from now on, in each format in which it is not done.

        Parameters
        ----------
        uid
            The run.
        most_deaths
            Of how many listeners it may have been the death, at which it is not begun any more.

        Returns
        -------
        writers
            Those that have not done it, by format.
        deaths
            How many listeners have begun it and neither ended nor left it.
        """
        missing, deaths = {}, 0
        for name, ledger in self._by_format.items():
            with ledger.alone():
                if self._is_done_in(name, uid):
                    continue
                missing[name] = self._writers[name]
                deaths = max(deaths, ledger.deaths(uid, name))
                if deaths < most_deaths:
                    ledger.clear_away(uid, name)
                    ledger.begin(uid, name, self._name)
        return missing, deaths

    def claim(self, uid: str, name: str, path: Path) -> bool:
        """Note a file before it is made; return False if another listener has its run."""
        ledger = self._by_format[name]
        with ledger.alone():
            is_mine = ledger.is_by(uid, name, self._name)
            if is_mine:
                ledger.claim(uid, name, path)
        return is_mine

    def end(self, report: RunReport) -> bool:
        """Note what became of a run in a format; return False if another listener has it."""
        ledger, uid, name = self._by_format[report.format], report.uid, report.format
        with ledger.alone():
            is_mine = ledger.is_by(uid, name, self._name)
            if not (is_mine and all(path.exists() for path in report.files)):
                return False
            if report.is_given_up:
                ledger.fail(uid, name)
            else:
                ledger.finish(uid, name, report.files)
        return True

    def leave(self, uid: str, names: Iterable[str]) -> None:
        """Note that a run is left to other listeners in these formats."""
        for name in names:
            self._by_format[name].leave(uid, name, self._name)

    def deaths(self, uid: str) -> int:
        """Return how many listeners have begun a run and neither ended nor left it."""
        deaths = []
        for name, ledger in self._by_format.items():
            with ledger.alone():
                deaths.append(ledger.deaths(uid, name))
        return max(deaths)

    def is_done(self, uid: str) -> bool:
        """Return whether a run is done in all formats, by whichever listener."""
        for name, ledger in self._by_format.items():
            with ledger.alone():
                if not self._is_done_in(name, uid):
                    return False
        return True

    def _is_done_in(self, name: str, uid: str) -> bool:
        shares = self._writers[name].shares_files
        return self._by_format[name].is_done(uid, name, shares=shares)
