"""External data: where documents of every kind say that it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bluescribe.assets import AssetBook, Frames
from bluescribe.errors import DocumentError
from bluescribe.run import Run


def page(*values, external="FILE:"):
    keys = {"image": {"external": external}, "x": {}}
    stream, descriptor = Run({"uid": "u"}).add_descriptor({"uid": "d", "data_keys": keys})
    events = [{"seq_num": n, "time": 1.0, "data": {"image": v, "x": 1}, "timestamps": {}}
              for n, v in enumerate(values)]  # fmt: skip
    return stream.page(descriptor, events)


def resource(**doc):
    book = AssetBook()
    book.add_resource({"uid": "r", "resource_path": "a.h5", **doc})
    ((_, asset),) = book.of_page(page("r/0"))
    return asset


def stream_resource(**doc):
    book = AssetBook()
    book.add_stream_resource({"uid": "r", "data_key": "image", **doc})
    datum = {
        "stream_resource": "r",
        "seq_nums": {"start": 1, "stop": 2},
        "indices": {"start": 0, "stop": 1},
    }
    return book.of_stream_datum(datum)[1]


@pytest.mark.parametrize(
    ("doc", "path"),
    [
        ({"root": "/data"}, "/data/a.h5"),
        ({"root": "/data", "resource_path": "/b/a.h5"}, "/data/b/a.h5"),
        ({"root": "", "resource_path": "/b/a.h5"}, "/b/a.h5"),
        ({"root": None}, "a.h5"),
        ({}, "a.h5"),
    ],
)
def test_a_resource_is_at_its_root_and_path(doc, path):
    assert resource(**doc).path == Path(path)


@pytest.mark.parametrize(
    ("doc", "dataset"),
    [
        ({"spec": "AD_HDF5"}, "/entry/data/data"),
        ({"spec": "AD_HDF5", "resource_kwargs": {"dataset": "x/y/"}}, "/x/y"),
        ({"spec": "XSP3"}, "/entry/instrument/detector/data"),
        ({"spec": "AD_TIFF"}, None),
        ({"resource_kwargs": 5}, None),
    ],
)
def test_a_resource_of_hdf5_tells_its_dataset(doc, dataset):
    asset = resource(**doc)
    assert asset.dataset == dataset
    assert asset.is_hdf5 is (dataset is not None)
    assert asset.place == ("a.h5:" + dataset if dataset else "a.h5")


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file://localhost/a/b%20c.h5", "/a/b c.h5"),
        ("file:///a/b.h5", "/a/b.h5"),
        ("file:/a/b.h5", "/a/b.h5"),
        ("file://localhost/a/100%.h5", "/a/100%.h5"),
        ("file://localhost/a/b c%20d.h5", "/a/b c%20d.h5"),
        ("/a/b.h5", "/a/b.h5"),
        ("file://host/%E8%A9%A6.h5", "/試.h5"),
    ],
)
def test_a_uri_is_a_path(uri, path):
    assert stream_resource(uri=uri).path == Path(path)


def test_a_stream_resource_tells_its_dataset_if_it_is_hdf5():
    hdf5 = {"uri": "file:///a", "parameters": {"dataset": "/x"}, "mimetype": "application/x-hdf5"}
    assert stream_resource(**hdf5).dataset == "/x"
    assert (
        stream_resource(**{**hdf5, "mimetype": "multipart/related;type=image/tiff"}).dataset is None
    )
    assert stream_resource(**{**hdf5, "parameters": None}).dataset is None


def test_a_stream_resource_of_older_event_models_is_a_resource():
    old = {"root": "/d", "resource_path": "a.h5", "spec": "AD_HDF5", "resource_kwargs": {}}
    assert stream_resource(**old).place == "/d/a.h5:/entry/data/data"


@pytest.mark.parametrize(
    "doc", [{}, {"uid": "r"}, {"uid": 5, "resource_path": "a"}, {"uid": "r", "resource_path": None}]
)
def test_a_resource_without_uid_or_path_is_refused(doc):
    with pytest.raises(DocumentError, match="resource without uid or resource_path"):
        AssetBook().add_resource(doc)
    with pytest.raises(DocumentError, match="without uid or"):
        AssetBook().add_stream_resource({**doc, "uri": None})


def test_a_datum_may_be_called_anything_once_it_was_told():
    book = AssetBook()
    for uid in ("r1", "r2"):
        book.add_resource({"uid": uid, "resource_path": f"{uid}.h5"})
    book.add_datum("odd name", "r2")
    found = [
        asset.uid
        for _, asset in book.of_page(page("r1/0", "odd name", "r1/1", None, "nobody/0", 5))
    ]
    assert found == ["r1", "r2"]
    assert not list(book.of_page(page("r1/0", external="")))


def test_datums_do_not_fill_the_memory():
    book = AssetBook()
    for number in range(60_000):
        book.add_datum(f"d{number}", "r")
    assert len(book._resource_of) == 50_000


def test_a_stream_datum_tells_the_field_and_half_open_ranges():
    book = AssetBook()
    book.add_stream_resource({"uid": "r", "data_key": "image", "uri": "file:///a"})
    ranges = {"seq_nums": {"start": np.int64(1), "stop": 4}, "indices": {"start": 0, "stop": 3}}
    name, asset, frames = book.of_stream_datum({"stream_resource": "r", **ranges})
    assert (name, asset.uid, frames) == ("image", "r", Frames(1, 4, 0, 3))


@pytest.mark.parametrize(
    "doc",
    [{}, {"stream_resource": "nobody"}, {"stream_resource": "r"}, {"stream_resource": "old"},
     {"stream_resource": "r", "seq_nums": {"start": 1}, "indices": {}},
     {"stream_resource": "r", "seq_nums": 1, "indices": 2},
     {"stream_resource": "r", "seq_nums": {"start": "a", "stop": 2}, "indices": {"start": 0}}],
    ids=str,
)  # fmt: skip
def test_a_stream_datum_that_refers_to_nothing_is_refused(doc):
    book = AssetBook()
    book.add_stream_resource({"uid": "r", "data_key": "image", "uri": "file:///a"})
    book.add_resource({"uid": "old", "resource_path": "a.h5"})
    with pytest.raises(DocumentError, match="stream_datum"):
        book.of_stream_datum(doc)
