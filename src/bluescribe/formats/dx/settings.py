"""Settings of Data Exchange: what of a run is the tomogram."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from pydantic import Field, field_validator

from ...contract.settings import Seconds
from ...hdf5.settings import Hdf5FileSettings

__all__ = ["IMAGE_KEYS", "ROLES", "TELLING", "DxSettings", "Role"]

Role: TypeAlias = Literal["data", "data_white", "data_dark"]
"""A dataset of images in ``/exchange``."""

ROLES: tuple[Role, ...] = ("data", "data_white", "data_dark")

IMAGE_KEYS: dict[int, Role] = {0: "data", 1: "data_white", 2: "data_dark"}
"""As NXtomo numbers them; 3 is an image that is not to be used."""

TELLING = ("image", "theta", "streams", "image_key", "live", "compression", "images")
"""Settings that decide what a file holds; it tells them, to be written anew alike."""


class DxSettings(Hdf5FileSettings):
    """Settings of Data Exchange files."""

    file_extension: str = Field("dx.h5", description="Ending of the files' names, without the dot")
    image: str | None = Field(
        None, description="Field that is the image; by default the first that has two dimensions"
    )
    theta: str | None = Field(
        None, description="Field that is the angle; by default the plan's first motor"
    )
    streams: dict[Role, str] = Field(
        {"data": "primary", "data_white": "flat", "data_dark": "dark"},
        description="Streams that hold projections, whites and darks",
    )
    image_key: str | None = Field(
        None,
        description="Field that tells them apart in one stream: 0 projection, 1 white, 2 dark",
    )
    images: Literal["link", "copy"] = Field(
        "link",
        description="Show images that are in files of their own, or copy them after the run",
    )
    images_timeout: Seconds = Field(
        60.0,
        description="Seconds for which files are waited for that are not there or not complete",
    )

    of_instrument: ClassVar[frozenset[str]] = Hdf5FileSettings.of_instrument | {
        "image",
        "image_key",
        "streams",
        "theta",
    }

    @field_validator("streams")
    @classmethod
    def _check_streams(cls, value: dict[Role, str]) -> dict[Role, str]:
        if "data" not in value:
            raise ValueError("data is missing: the stream of the projections")
        if len(set(value.values())) < len(value):
            raise ValueError("a stream has one role; set image_key where one stream has several")
        return value
