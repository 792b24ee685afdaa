"""The settings of raw HDF5 files."""

from __future__ import annotations

from pydantic import Field, field_validator

from ...contract.settings import WriterSettings
from ...hdf5.compression import Compression, compression_options

__all__ = ["Hdf5Settings"]


class Hdf5Settings(WriterSettings):
    """Settings of raw HDF5 files."""

    file_extension: str = Field("h5", description="Ending of the files' names, without the dot")
    live: bool = Field(
        True,
        description="Let others read while the run goes on (SWMR); false for old readers and NFS",
    )
    compression: Compression = Field(
        "none",
        description="How arrays in events are compressed; all but gzip need hdf5plugin",
    )

    @field_validator("compression")
    @classmethod
    def _check_compression(cls, value: Compression) -> Compression:
        compression_options(value)  # a missing package is told before any beam is used
        return value
