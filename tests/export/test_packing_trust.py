"""What others wrote takes no files of the packer along, and fills no disk where it is unpacked."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import struct
import zipfile

import h5py
import numpy as np
import pytest
from rich.console import Console

from bluescribe.archive.packing import PackError, pack, zip_for_user
from bluescribe.commands.unpack import check
from bluescribe.testing import documents

PRIVATE = b"PRIVATE"


def resource(path, **more):
    doc = {"uid": f"r{path}", "run_start": "u1", "spec": "X", "root": "/", "resource_kwargs": {}}
    return ["resource", {**doc, "resource_path": str(path), **more}]


def streamed(path):
    doc = {"uid": f"s{path}", "run_start": "u1", "data_key": "x", "mimetype": "a/b"}
    return ["stream_resource", {**doc, "uri": f"file://localhost{path}", "parameters": {}}]


@pytest.fixture
def place(tmp_path):
    """Return a folder for a journal, with links and hidden files, beside a private one."""
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "id_key").write_bytes(PRIVATE)
    folder = tmp_path / "journals"
    (folder / ".ssh").mkdir(parents=True)
    (folder / ".ssh" / "id_key").write_bytes(PRIVATE)
    (folder / "link").symlink_to(tmp_path / "private")
    (folder / "image_1").symlink_to(tmp_path / "private" / "id_key")
    (folder / "image_0").write_bytes(b"an image")
    return folder


def journal(folder, *named):
    start, stop = {"uid": "u1", "time": 1.0}, {"uid": "s", "run_start": "u1", "time": 2.0}
    lines = [["start", start], *named, ["stop", stop]]
    (folder / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder / "a.jsonl"


def packed(folder):
    """Return the names of the external files in a pack, after a look for what is private."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert not any(PRIVATE in path.read_bytes() for path in files)
    return sorted(path.name for path in folder.glob("external_files/**/*") if path.is_file())


def test_private_files_do_not_travel(tmp_path, place):
    private = tmp_path / "private"
    source = journal(
        place,
        resource(private / "id_key"),
        resource(private),
        resource(private / "id"),  # the beginning of the names of a sequence
        resource("id_key", root=str(private)),
        resource("../private/id_key", root=str(place)),
        resource(place / "link" / "id_key"),
        resource(place / "image"),
        resource(place / ".ssh" / "id_key"),
        resource("/dev/zero"),
        resource("/etc/passwd"),
        streamed(private / "id_key"),
        streamed(place / "link" / "id_key"),
        streamed(f"{place}/sub/../../private/id_key"),
        streamed(f"{place}/.."),
    )
    box = pack(source, tmp_path / "box")
    assert packed(tmp_path / "box") == ["image_0"]
    assert box.external_files == 1
    (line,) = [line for line in box.failures if f"external files in {private}, " in line]
    assert f"--root {private}" in line
    assert any("external files in /etc, named 1 times, are not packed" in x for x in box.failures)


def test_named_roots_are_packed(tmp_path, place):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "image.h5").write_bytes(b"an image")
    source = journal(place, resource(tmp_path / "data" / "image.h5"))
    assert not pack(source, tmp_path / "a").external_files
    assert not pack(source, tmp_path / "b", roots=[tmp_path / "data"]).failures
    assert packed(tmp_path / "b") == ["image.h5"]
    windows = resource("image.h5", root="C:\\data", path_semantics="windows")
    source = journal(place, windows)
    folders = {"C:\\data": tmp_path / "data"}
    assert not pack(source, tmp_path / "c", path_map=folders).failures
    assert packed(tmp_path / "c") == ["image.h5"]
    with pytest.raises(PackError, match="--root nowhere: there is no such folder"):
        pack(source, tmp_path / "d", roots=["nowhere"])


def test_a_journal_in_the_home_directory_opens_no_home(tmp_path, place, monkeypatch):
    monkeypatch.setenv("HOME", str(place))
    source = journal(place, resource(place / "image_0"))
    assert not pack(source, tmp_path / "box").external_files


def test_a_zip_file_takes_no_images_from_elsewhere(tmp_path):
    (tmp_path / "external").mkdir()
    played = documents("resource_hdf5", tmp_path / "external")
    done = zip_for_user(played, tmp_path / "a.zip", ["nexus", "jsonl"])
    assert any(f"--root {tmp_path / 'external'}" in line for line in done.failures)
    assert "NOT COMPLETE, external files in" in member(tmp_path / "a.zip", "README.txt").decode()
    assert not images(tmp_path / "a.zip")
    roots = [tmp_path / "external"]
    done = zip_for_user(played, tmp_path / "b.zip", ["nexus"], roots=roots)
    assert not done.failures
    assert images(tmp_path / "b.zip")


def member(path, ending):
    with zipfile.ZipFile(path) as file:
        (name,) = [name for name in file.namelist() if name.endswith(ending)]
        return file.read(name)


def images(path):
    """Return the paths of the images in the NeXus file of a zip file."""
    found = []
    with h5py.File(io.BytesIO(member(path, ".hdf"))) as file:
        file.visititems(lambda name, node: found.append(name) if _is_image(node) else None)
    return found


def _is_image(node):
    return isinstance(node, h5py.Dataset) and node.ndim > 2 and np.any(node[()])


def made(path, *entries, sums=None, **options):
    """Make a zip file that promises what is in it, or `sums`."""
    text = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in entries)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as file:
        file.writestr("p/SHA256SUMS", text if sums is None else sums)
        for name, data in entries:
            file.writestr(f"p/{name}", data)
    return path


def unpacked(path):
    told = io.StringIO()
    status = check(path, None, Console(file=told, width=200), only_verify=False)
    return status, told.getvalue()


def left(folder):
    return sorted(path.name for path in folder.rglob("*"))


def test_what_is_not_promised_is_not_written(tmp_path):
    path = made(tmp_path / "p.zip", ("big", bytes(30_000_000)), sums="0  x\n")
    assert path.stat().st_size < 100_000
    status, told = unpacked(path)
    assert status == 1
    assert "missing: x" in told
    assert "not of the pack: big" in told
    assert "Nothing was unpacked" in told
    assert left(tmp_path) == ["p.zip"]


def test_what_was_changed_is_not_written(tmp_path):
    path = made(tmp_path / "p.zip", ("a", b"1"), ("b", b"2"), sums=f"{'0' * 64}  a\n")
    status, told = unpacked(path)
    assert status == 1
    assert "changed: a" in told
    assert left(tmp_path) == ["p.zip"]


def _edited(path, offset, value):
    """Write another size into the directory of a zip file, for its last file."""
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + offset : at + offset + len(value)] = value
    path.write_bytes(data)
    return path


def test_a_size_that_is_not_true_is_told(tmp_path):
    path = made(tmp_path / "p.zip", ("a", b"x" * 1_000_000))
    status, told = unpacked(_edited(path, 24, struct.pack("<I", 5)))
    assert status == 1
    assert "changed: a" in told
    with pytest.raises(PackError, match="is damaged: p/a is not as long as it says"):
        unpacked(_edited(path, 24, struct.pack("<I", 10_000_000)))
    assert left(tmp_path) == ["p.zip"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_entries_that_are_no_files_of_ours_are_told(tmp_path):
    link = zipfile.ZipInfo("p/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    cases = {
        "is in it twice": lambda: made(tmp_path / "p.zip", ("a", b"1"), ("a", b"1")),
        "is encrypted": lambda: _edited(made(tmp_path / "p.zip", ("a", b"1")), 8, b"\x01\x00"),
        "is compressed in": lambda: _edited(made(tmp_path / "p.zip", ("a", b"1")), 10, b"\x0c\x00"),
        "leads out of it": lambda: made(tmp_path / "p.zip", ("../../a", b"1")),
    }
    for message, make in cases.items():
        with pytest.raises(PackError, match=message):
            unpacked(make())
    with zipfile.ZipFile(made(tmp_path / "p.zip", ("a", b"1")), "a") as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(PackError, match="'p/link' is no plain file"):
        unpacked(tmp_path / "p.zip")
    assert left(tmp_path) == ["p.zip"]


def test_room_is_looked_for_first(tmp_path, monkeypatch):
    path = made(tmp_path / "p.zip", ("a", bytes(1_000_000)))
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr("shutil.disk_usage", lambda place: usage)
    with pytest.raises(PackError, match=r"holds 1,000,\d+ bytes, and .* has room for 1,000,000"):
        unpacked(path)
    assert left(tmp_path) == ["p.zip"]


def test_sums_are_no_longer_than_their_files(tmp_path):
    path = made(tmp_path / "p.zip", ("a", b"1"), sums="x" * 50_000_000)
    with pytest.raises(PackError, match="is longer than its files"):
        unpacked(path)


def test_a_whole_zip_file_is_unpacked(tmp_path):
    path = made(tmp_path / "p.zip", ("a", b"1"), ("sub/b", b"2" * 3_000_000))
    assert unpacked(path)[0] == 0
    assert (tmp_path / "p" / "sub" / "b").read_bytes() == b"2" * 3_000_000
