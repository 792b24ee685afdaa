"""External data: where documents of every kind say that it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bluescribe.assets import image_files, kinds
from bluescribe.assets.asset import Frames
from bluescribe.assets.book import AssetBook, datum_rows
from bluescribe.assets.path_map import PathMap
from bluescribe.contract.settings import WriterSettings
from bluescribe.errors import ConfigError, DocumentError
from bluescribe.model.run import Run, Stream

PRIMARY = Stream("primary")


def test_each_kind_of_files_has_a_reader():
    """Else its images would be waited for, as if their producer had not closed them."""
    assert {kind.name for kind in kinds._SEQUENCES.values()} == image_files._READERS.keys()


def page(*values, external="FILE:"):
    keys = {"image": {"external": external}, "x": {}}
    stream, descriptor = Run({"uid": "u"}).add_descriptor({"uid": "d", "data_keys": keys})
    events = [{"seq_num": n, "time": 1.0, "data": {"image": v, "x": 1}, "timestamps": {}}
              for n, v in enumerate(values)]  # fmt: skip
    return stream.page(descriptor, events)


def resource(path_map=None, **doc):
    book = AssetBook(PathMap(path_map or {}).apply)
    book.add_resource({"uid": "r", "resource_path": "a.h5", **doc})
    ((_, asset, _),) = book.of_page(page("r/0"))
    return asset


def stream_resource(path_map=None, **doc):
    book = AssetBook(PathMap(path_map or {}).apply)
    book.add_stream_resource({"uid": "r", "data_key": "image", **doc})
    datum = {
        "stream_resource": "r",
        "seq_nums": {"start": 1, "stop": 2},
        "indices": {"start": 0, "stop": 1},
    }
    return book.of_stream_datum(datum, PRIMARY)[1]


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
        for _, asset, _ in book.of_page(page("r1/0", "odd name", "r1/1", None, "nobody/0", 5))
    ]
    assert found == ["r1", "r2", "r1"]
    assert not list(book.of_page(page("r1/0", external="")))


WINDOWS = {"root": "C:\\Data", "path_semantics": "windows", "resource_path": "2026\\a.h5"}


@pytest.mark.parametrize(
    ("folders", "doc", "path"),
    [
        ({"/mnt/ioc": "/share"}, {"root": "/mnt/ioc/x"}, "/share/x/a.h5"),
        ({"/mnt/ioc/": "/share"}, {"root": "/mnt", "resource_path": "ioc/a.h5"}, "/share/a.h5"),
        ({"/mnt/io": "/share"}, {"root": "/mnt/ioc"}, "/mnt/ioc/a.h5"),
        ({"/": "/all", "/mnt/ioc": "/share"}, {"root": "/mnt/ioc"}, "/share/a.h5"),
        ({"/": "/all", "/mnt/ioc": "/share"}, {"root": "/opt"}, "/all/opt/a.h5"),
        ({"file://ioc/mnt": "/share"}, {"root": "/mnt"}, "/share/a.h5"),
        ({"c:/data": "/win"}, WINDOWS, "/win/2026/a.h5"),
        ({"C:\\": "/win"}, WINDOWS, "/win/Data/2026/a.h5"),
        ({"Z:": "/win"}, WINDOWS, "C:\\Data\\2026\\a.h5"),
        ({"\\\\nas\\Raw": "/raw"}, {**WINDOWS, "root": "\\\\NAS\\raw\\d"}, "/raw/d/2026/a.h5"),
    ],
    ids=str,
)
def test_folders_of_another_machine_are_found_here(folders, doc, path):
    path_map = {old: Path(new) for old, new in folders.items()}
    assert resource(path_map, **doc).path == Path(path)


def test_a_uri_of_another_machine_is_found_here():
    found = stream_resource({"C:\\data": Path("/win")}, uri="file:///C:/data/b%20c.h5")
    assert found.path == Path("/win/b c.h5")
    found = stream_resource({"/mnt/ioc": Path("/here")}, uri="file://ioc/mnt/ioc/a.h5")
    assert found.path == Path("/here/a.h5")


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ({"mnt": "/a"}, "no absolute path; write it as the IOC does"),
        ({"/mnt": "a"}, "no absolute path; write it as this machine does"),
        ({"C:\\data": "/a", "c:/DATA/": "/b"}, "are the same folder"),
        ({"/mnt": 5}, "path_map"),
        ("/mnt", "path_map"),
    ],
)
def test_a_path_map_that_cannot_be_meant_is_refused(folders, message):
    with pytest.raises(ConfigError, match=message):
        WriterSettings.validated("nexus", {"path_map": folders})


def test_the_home_directory_may_stand_in_a_path_map():
    settings = WriterSettings.validated("nexus", {"path_map": {"/mnt": "~/x"}})
    assert settings.path_map == {"/mnt": Path.home() / "x"}


def test_datums_tell_the_frames_of_events():
    book = AssetBook()
    for uid in ("r1", "r2"):
        book.add_resource({"uid": uid, "resource_path": f"{uid}.h5"})
    points = [("r1", 0), ("r1", 1), ("r1", 3), ("r2", 0), ("r2", 1)]
    for n, (uid, point) in enumerate(points):
        book.add_datum(f"d{n}", uid, {"point_number": np.int64(point)})
    found = [(a.uid, frames) for _, a, frames in book.of_page(page(*[f"d{n}" for n in range(5)]))]
    assert found == [
        ("r1", Frames(0, 2, 0, 2)),
        ("r1", Frames(2, 3, 3, 4)),
        ("r2", Frames(3, 5, 0, 2)),
    ]


@pytest.mark.parametrize(
    "kwargs", [None, 5, {"frame": [0]}, {"frame": [0, None]}, {"frame": [-1, "a"]}, {"x": [0, 1]}]
)
def test_datums_that_tell_no_place_have_no_frames(kwargs):
    book = AssetBook()
    book.add_resource({"uid": "r", "resource_path": "r.h5"})
    for datum_id, row in zip(("d0", "d1"), datum_rows(kwargs, 2), strict=True):
        book.add_datum(datum_id, "r", row)
    assert [frames for _, _, frames in book.of_page(page("d1"))] == [None]


def test_datums_do_not_fill_the_memory():
    book = AssetBook()
    for number in range(60_000):
        book.add_datum(f"d{number}", "r")
    assert len(book._datums) == 50_000


def test_a_stream_datum_tells_the_field_and_half_open_ranges():
    book = AssetBook()
    book.add_stream_resource({"uid": "r", "data_key": "image", "uri": "file:///a"})
    ranges = {"seq_nums": {"start": np.int64(1), "stop": 4}, "indices": {"start": 0, "stop": 3}}
    name, asset, frames = book.of_stream_datum({"stream_resource": "r", **ranges}, PRIMARY)
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
        book.of_stream_datum(doc, PRIMARY)
