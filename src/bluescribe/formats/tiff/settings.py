"""The settings of TIFF files."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...contract.settings import Seconds, WriterSettings

__all__ = ["TiffSettings"]


class TiffSettings(WriterSettings):
    """Settings of TIFF."""

    file_extension: str = Field("tif", description="Ending of the files' names, without the dot")
    one_file_a_frame: bool = Field(
        False, description="Give each image a file; by default a field's images are one stack"
    )
    bigtiff: bool = Field(
        False,
        description="Write BigTIFF, of any size; fewer programs read it. By default a stack that "
        "reaches 4 GB goes on in another file",
    )
    images: Literal["copy", "name"] = Field(
        "copy",
        description="Copy images that are in files of another kind after the run, or name those",
    )
    images_timeout: Seconds = Field(
        60.0,
        description="Seconds for which files are waited for that are to be copied",
    )
