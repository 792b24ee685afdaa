"""The frames of a run's events as one virtual dataset, where a link would show others.

It is made of several files of one field, of one that has other frames too, and of those of which
only a part is meant.
"""

from __future__ import annotations

from collections.abc import Callable

import h5py

from .file import write_node
from .images import Images, ImagesError, NotReadyError, spans
from .links import AssetLinks
from .objects import set_attribute
from .virtual import write_virtual

__all__ = ["join_files"]


def join_files(
    h5: h5py.File,
    links: AssetLinks,
    group_of: Callable[[str, str], str],
    tell: Callable[[str], None],
) -> None:
    """Show the frames of each field as one dataset, where that is possible.

    Parameters
    ----------
    h5
        The file.
    links
        Its external files; is told what is one dataset now.
    group_of
        Returns the absolute path of the group of a stream's field.
    tell
        Is told of fields whose files are not joined, and why.
    """
    for images in links.images(group_of):
        if not images.parts or not all(asset.is_hdf5 for asset in images.assets):
            continue
        is_linked = links.is_linked(images)
        try:
            found = spans(images)
            if not (is_linked and len(found) == 1 and found[0].is_whole):
                _join(h5[images.group], images, links)
        except (ImagesError, OSError, RuntimeError, TypeError) as error:
            if not (is_linked and isinstance(error, NotReadyError)):  # a missing file is told
                tell(
                    f"the files of {images.field!r} are linked one by one and not joined: {error}. "
                    "A joined dataset would show zeros for what is not there."
                )


def _join(group: h5py.Group, images: Images, links: AssetLinks) -> None:
    dataset = write_virtual(group, "value", images, links.file_name)
    if links.is_linked(images):  # the whole file is of use too
        write_node(group, "value_1", links.external(images.assets[0]))
    names = [name for name in group if name.startswith("value_")]
    set_attribute(dataset, "joined_from", names or [n for n in group if n.startswith("asset_")])
    links.set_here(images, tuple(dataset.shape))
