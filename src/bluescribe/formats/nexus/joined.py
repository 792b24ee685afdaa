"""Several HDF5 files of one field, shown as one virtual dataset."""

from __future__ import annotations

from collections.abc import Callable

import h5py

from ...hdf5.images import ImagesError
from ...hdf5.links import AssetLinks
from ...hdf5.objects import set_attribute
from ...hdf5.virtual import write_virtual

__all__ = ["join_files"]


def join_files(
    h5: h5py.File,
    links: AssetLinks,
    group_of: Callable[[str, str], str],
    tell: Callable[[str], None],
) -> None:
    """Show the files of each field that has several as one dataset, where that is possible.

    Parameters
    ----------
    h5
        The NeXus file.
    links
        Its external files; is told what is one dataset now.
    group_of
        Returns the absolute path of the group of a stream's field.
    tell
        Is told of fields whose files are not joined, and why.
    """
    for images in links.images(group_of):
        if len(images.assets) < 2 or not all(asset.is_hdf5 for asset in images.assets):
            continue
        try:
            dataset = write_virtual(h5[images.group], "value", images, links.file_name)
        except (ImagesError, OSError, RuntimeError, TypeError) as error:
            tell(
                f"the files of {images.field!r} are linked one by one and not joined: {error}. A "
                "joined dataset would show zeros for what is not there."
            )
        else:
            names = [f"value_{number + 1}" for number in range(len(images.assets))]
            set_attribute(dataset, "joined_from", names)
            links.set_here(images, tuple(dataset.shape), is_virtual=True)
