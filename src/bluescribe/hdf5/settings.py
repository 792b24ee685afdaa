"""Settings of all formats that are HDF5: who may read meanwhile, and how arrays are compressed."""

from __future__ import annotations

from pydantic import Field, field_validator

from ..contract.settings import Size, WriterSettings
from .compression import Compression, compression_options

__all__ = ["DividedFileSettings", "Hdf5FileSettings"]

_LEAST_FILE_SIZE = 10**6
"""Each part has the whole tree of a run."""


class Hdf5FileSettings(WriterSettings):
    """Settings of files that are HDF5."""

    live: bool = Field(
        True,
        description="Let others read while the run goes on (SWMR); false for old readers and NFS",
    )
    compression: Compression = Field(
        "none",
        description="How arrays in events are compressed; all but gzip need hdf5plugin",
    )

    def unfit_for(self, file_system: str) -> str:
        """Tell that SWMR wants writes to arrive in their order, as NFS and SMB do not promise."""
        if self.live and file_system.startswith(("nfs", "cifs", "smb")):
            return (
                f"LIVE: true on {file_system}, where readers may see half of what was written. "
                "Remedy: LIVE: false"
            )
        return ""

    @field_validator("compression")
    @classmethod
    def _check_compression(cls, value: Compression) -> Compression:
        compression_options(value)  # a missing package is told before any beam is used
        return value


class DividedFileSettings(Hdf5FileSettings):
    """Settings of files that are divided when they get large."""

    max_file_size: Size = Field(
        0,
        description="Bytes from which on a run goes on in another file, or text such as 10 GB; "
        "0 for never",
    )

    @field_validator("max_file_size")
    @classmethod
    def _check_max_file_size(cls, value: int) -> int:
        if 0 < value < _LEAST_FILE_SIZE:
            raise ValueError("a file of less than 1 MB has no room for what tells of the run")
        return value
