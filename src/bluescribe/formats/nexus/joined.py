"""Several HDF5 files of one field, shown as one virtual dataset."""

from __future__ import annotations

from collections.abc import Callable

import h5py

from ...assets import Asset
from ...hdf5.file import set_attribute
from ...hdf5.images import Images, ImagesError, describe, opened, spans
from ...hdf5.links import AssetLinks

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
            shape = _write_joined(h5, images, links.file_name)
        except (ImagesError, OSError, RuntimeError, TypeError) as error:
            tell(
                f"the files of {images.field!r} are linked one by one and not joined: {error}. A "
                "joined dataset would show zeros for what is not there."
            )
        else:
            links.set_here(images, shape, is_virtual=True)


def _write_joined(
    h5: h5py.File, images: Images, file_name: Callable[[Asset], str]
) -> tuple[int, ...]:
    """Write the frames of a field's events as a virtual dataset ``value``; return its shape.

    Where a file is missing a virtual dataset reads as zeros without a word, so there is none
    unless all files hold what the documents have announced.

    Parameters
    ----------
    h5
        The NeXus file.
    images
        Where the frames are.
    file_name
        Returns a file's name relative to the NeXus file.

    Raises
    ------
    NotReadyError
        A file is not there, or not complete.
    ImagesError
        The files hold frames of different shapes or types.
    """
    sources = {asset.uid: _source(asset, file_name(asset)) for asset in images.assets}
    first = sources[images.parts[0].asset.uid]
    for asset in images.assets:
        source = sources[asset.uid]
        if (source.shape[1:], source.dtype) != (first.shape[1:], first.dtype):
            raise ImagesError(
                f"{asset.place} has {source.dtype} frames of shape {source.shape[1:]}, others "
                f"have {first.dtype} of shape {first.shape[1:]}"
            )
    found = spans(images)
    total = sum(stop - start for _, start, stop in found)
    layout = h5py.VirtualLayout((total, *first.shape[1:]), first.dtype)
    at = 0
    for part, start, stop in found:
        layout[at : at + stop - start] = sources[part.asset.uid][start:stop]
        at += stop - start
    group = h5[images.group]
    if group.get("value", getlink=True) is not None:
        del group["value"]
    dataset = group.create_virtual_dataset("value", layout)
    describe(dataset, images)
    set_attribute(dataset, "joined_from", [f"value_{n + 1}" for n in range(len(sources))])
    return tuple(dataset.shape)


def _source(asset: Asset, file_name: str) -> h5py.VirtualSource:
    with opened(asset) as dataset:
        # HDF5 takes % in these names for the number of a block
        path = (asset.dataset or "/").replace("%", "%%")
        name = file_name.replace("%", "%%")
        return h5py.VirtualSource(name, path, dataset.shape, dataset.dtype, dataset.maxshape)
