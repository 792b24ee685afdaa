"""SpecWriter: writes every run that it receives as SPEC."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...files.working_directory import working_directory
from ...later import later
from ...recording.writer import Writer
from .console import forget, remember
from .motors import record_motors
from .session import SpecSession
from .settings import SpecSettings

if TYPE_CHECKING:
    from ...contract.recovery import Recovery

__all__ = ["SpecWriter"]


class SpecWriter(Writer):
    """Append every run, as a scan, to the SPEC file of the session.

    The file is called by the time of its first run, ``20261122-094501.dat``, or by `newfile`.
    """

    format = "spec"
    process_safe = True
    file_class = later(f"{__package__}.runfile", "SpecFile")
    settings_class = SpecSettings
    _session: SpecSession

    def __init__(self, directory: str | Path = ".", **settings: Any) -> None:
        super().__init__(directory, **settings)
        remember(self)

    @classmethod
    def recovery(cls) -> type[Recovery]:
        """Return what finishes SPEC files, or writes their scans anew."""
        from .recovery import SpecRecovery

        return SpecRecovery

    def prepare(self, RE: Any) -> None:
        """Have all motors recorded at the start of each run, where that is set.

        Raises
        ------
        ConfigError
            apstools is missing.
        """
        assert isinstance(self.settings, SpecSettings)  # validated by settings_class
        if self.settings.motor_positions:
            record_motors(RE)

    def stand_aside(self) -> None:
        """Leave `spec_comment` and `newSpecFile` to the writer that was made before."""
        forget(self)

    @property
    def spec_filename(self) -> Path | None:
        """The file that the next run goes into; None when its time will name it."""
        return self._session.path

    def newfile(
        self,
        title_or_path: str | Path | None = None,
        scan_id: int | bool | None = None,
        RE: Any = None,
    ) -> Path:
        """Go on in another file from the next run on; a run that is open stays in its own.

        Parameters
        ----------
        title_or_path
            A title names a file in the writer's directory and cannot lead out of it. A `Path`, or
            text that begins with ``/`` or ``~``, is taken as it is. A file of that name that
            exists is appended to. None names the file by the time.
        scan_id
            The last scan number; the next run gets the one after it. At least the highest one
            in the file. True stands for 0, and False for None, as in apstools.
        RE
            The RunEngine that counts on from there; without it, nothing changes in any RunEngine.

        Returns
        -------
        Path
            The file; it is made when the next run begins. Keys in braces of the directory are
            filled from ``RE.md``, or else when that run tells them.

        Raises
        ------
        ConfigError
            The file is there and is not a SPEC file, or there is one file a run.
        """
        self.flush(self.settings.drain_timeout)  # runs that were taken before go where they were to
        if isinstance(scan_id, bool):
            scan_id = 0 if scan_id else None
        return self._go_on_in(title_or_path, scan_id, RE)[0]

    def _go_on_in(
        self, title_or_path: str | Path | None, scan_id: int | None, RE: Any
    ) -> tuple[Path, int | None]:
        """Name a file and have the RunEngine count on; return it and its highest scan number."""
        path, highest = self._session.newfile(title_or_path, None if RE is None else RE.md)
        if highest is not None:
            scan_id = max(scan_id or 0, highest)
        if scan_id is not None and RE is not None:
            RE.md["scan_id"] = scan_id
        return path, highest

    def usefile(self, path: str | Path, RE: Any = None) -> int:
        """Append to a SPEC file that exists, from the next run on.

        Parameters
        ----------
        path
            The file. A relative path is looked for in the working directory, then in the
            writer's.
        RE
            The RunEngine that counts on from the highest scan number in the file.

        Returns
        -------
        int
            The highest scan number in the file, 0 when it has no scan.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ConfigError
            It is not a SPEC file, or there is one file a run.
        """
        given = Path(path).expanduser()
        folders = [working_directory(), *self._session.folders(None if RE is None else RE.md)]
        found = [folder / given for folder in folders if (folder / given).is_file()]
        if not found:
            places = ", ".join(map(str, folders))
            raise FileNotFoundError(
                f"there is no SPEC file {given} to be used: looked in {places}. Give RE=RE where "
                "the keys of DIRECTORY say which folder it is in"
            )
        self.flush(self.settings.drain_timeout)
        return self._go_on_in(found[0], None, RE)[1] or 0

    def highest_scan(self, path: str | Path) -> int | None:
        """Return the highest scan number in a SPEC file; None if there is no such file.

        Parameters
        ----------
        path
            The file; a relative path is one in the working directory.

        Raises
        ------
        ConfigError
            It is not a SPEC file.
        """
        self.flush(self.settings.drain_timeout)
        return self._session.highest_in(working_directory() / Path(path).expanduser())

    def comment(self, text: str, *, at_end: bool = False) -> None:
        """Write a comment into the SPEC file.

        Called in a plan or at the prompt, it stands between the points that were taken before
        and after it, in the run that began last. Between two runs it stands behind the last scan,
        or else at the beginning of the next one.

        Parameters
        ----------
        text
            One line or several; each becomes ``#C date.  text``.
        at_end
            Put it behind the last point of the run.
        """
        self.control("comment", text=str(text), time=time.time(), at_end=at_end)

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be written any more."""
        return not self._close.alive
