"""Packages that are missing for what is on, and folders of detectors that are not there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from ..config.configuration import WriterConfig
from ..contract.settings import Need
from .bounded import within
from .subject import Subject
from .verdict import Verdict, failed, ok, warning

__all__ = ["extras", "image_folders"]

_SECONDS = 5.0
_OF_IMAGES = {"tifffile": "TIFF files", "PIL": "JPEG files", "hdf5plugin": "compressed HDF5 files"}


def extras(subject: Subject) -> Iterator[Verdict]:
    """Yield a verdict on each package that is missing."""
    is_whole = True
    for config in subject.formats:
        for need, is_asked_for in _needs(config):
            if find_spec(need.module) is None:
                is_whole = False
                tell = failed if is_asked_for else warning
                found = f"{need.what} need {need.module}, which is not installed"
                yield tell(f"package for {config.name}", found, _install(need))
    if is_whole and subject.formats:
        yield ok("packages", "all that the formats need is installed")


def _needs(config: WriterConfig) -> Iterator[tuple[Need, bool]]:
    """Yield what a format needs, and whether somebody has asked for that in so many words."""
    settings = config.settings
    for need in settings.needs():
        yield need, True
    if config.plugin.copies_images and getattr(settings, "images", None) == "copy":
        for module, files in _OF_IMAGES.items():
            need = Need(module, "images", f"copies of images that are in {files}")
            yield need, "images" in settings.model_fields_set


def _install(need: Need) -> str:
    return f"pip install 'bluescribe[{need.extra}]'"


def _look_into(folder: Path) -> None:
    next(folder.iterdir(), None)


def image_folders(subject: Subject) -> Iterator[Verdict]:
    """Yield a verdict on each folder of `PATH_MAP`: whether it can be looked into."""
    maps = {
        (old, new) for config in subject.formats for old, new in config.settings.path_map.items()
    }
    for old, new in sorted(maps):
        what = f"PATH_MAP {old}"
        try:
            within(_SECONDS, partial(_look_into, new), subject.heed)
        except OSError as error:
            words = error.strerror or str(error)
            remedy = f"mount what the IOC calls {old}, or correct PATH_MAP"
            yield failed(what, f"{new}: {words}: images there would not be found", remedy)
        else:
            yield ok(what, f"{Path(new).absolute()} can be looked into")
