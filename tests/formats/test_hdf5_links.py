"""Links to external files are written, though the disk refuses the first try."""

from __future__ import annotations

import errno
import os

import h5py
import pytest

from bluescribe import Hdf5Writer, NexusWriter
from bluescribe.hdf5.file import LiveFile
from bluescribe.hdf5.images.links import AssetLinks
from bluescribe.testing import documents


@pytest.mark.parametrize("writer_class", [NexusWriter, Hdf5Writer])
def test_a_link_that_the_disk_refused_is_written_at_the_next_try(
    writer_class, tmp_path, monkeypatch
):
    plain, add, due = LiveFile.plain, AssetLinks.add, []

    def added(links, *args):
        is_new = add(links, *args)
        due.extend([True] * is_new)
        return is_new

    def refused(file):
        if due:
            due.pop()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return plain(file)

    monkeypatch.setattr(AssetLinks, "add", added)
    monkeypatch.setattr(LiveFile, "plain", refused)
    (tmp_path / "assets").mkdir()
    with writer_class(tmp_path / "data", retry_seconds=10) as writer:
        for name, doc in documents("resource_hdf5", tmp_path / "assets"):
            writer(name, doc)
        status = writer.status()
    assert (status.failures, due) == ((), [])
    found: list[str] = []
    with h5py.File(status.last_file) as file:
        file.visit_links(found.append)
        links = [file.get(name, getlink=True) for name in found if "streams/" in name]
    assert any(isinstance(link, h5py.ExternalLink) for link in links)
