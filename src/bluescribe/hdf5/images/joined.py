"""The frames of a run's events as one virtual dataset, where a link would show others.

It is made of several files of one field, of one that has other frames too, and of those of which
only a part is meant.
"""

from __future__ import annotations

from collections.abc import Callable

import h5py

from ...assets.hdf5.reader import spans
from ...assets.images import Images, ImagesError, MissingError, NotReadyError
from ..nodes import write_node
from ..objects import set_attribute
from .links import AssetLinks
from .virtual import write_virtual

__all__ = ["is_linked_exactly", "join_files", "not_joined"]


def join_files(
    h5: h5py.File,
    links: AssetLinks,
    group_of: Callable[[str, str], str],
    tell: Callable[[str], None],
) -> list[tuple[Images, NotReadyError]]:
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

    Returns
    -------
    list of tuple
        The fields whose files are there, but cannot be read yet, and why; they are not told.
    """
    late: list[tuple[Images, NotReadyError]] = []
    for images in links.images(group_of):
        if not images.parts or not all(asset.is_hdf5 for asset in images.assets):
            continue
        try:
            if not is_linked_exactly(images, links):
                _join(h5[images.group], images, links)
        except MissingError as error:
            if not links.is_linked(images):  # what is linked and missing is told anyway
                tell(not_joined(images, error))
        except NotReadyError as error:
            late.append((images, error))
        except (ImagesError, OSError, RuntimeError, TypeError) as error:
            tell(not_joined(images, error))
    return late


def is_linked_exactly(images: Images, links: AssetLinks) -> bool:
    """Tell whether the link to a file shows the frames of the events, all of them and no others.

    Raises
    ------
    NotReadyError, ImagesError
        It cannot be read, yet or at all.
    """
    found = spans(images)
    return links.is_linked(images) and len(found) == 1 and found[0].is_whole


def not_joined(images: Images, error: Exception) -> str:
    """Return what people are told of files that are not shown as one dataset."""
    return (
        f"the files of {images.field!r} are linked one by one and not joined: {error}. A joined "
        "dataset would show invented values for what is not there."
    )


def _join(group: h5py.Group, images: Images, links: AssetLinks) -> None:
    dataset = write_virtual(group, "value", images, links.file_name)
    if links.is_linked(images):  # the whole file is of use too
        write_node(group, "value_1", links.external(images.assets[0]))
    names = [name for name in group if name.startswith("value_")]
    set_attribute(dataset, "joined_from", names or [n for n in group if n.startswith("asset_")])
    links.set_here(images, tuple(dataset.shape))
