"""The settings of raw HDF5 files."""

from __future__ import annotations

from pydantic import Field

from ...hdf5.settings import DividedFileSettings

__all__ = ["Hdf5Settings"]


class Hdf5Settings(DividedFileSettings):
    """Settings of raw HDF5 files."""

    file_extension: str = Field("h5", description="Ending of the files' names, without the dot")
