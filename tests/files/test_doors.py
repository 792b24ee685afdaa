"""Nothing but `files` opens a file for writing by its name, but for those that are named here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import bluescribe

PACKAGE = Path(bluescribe.__file__).parent

PLACE = "HDF5 takes names only: it is given a Place, which looks where its folder is at that moment"
DOORS = {
    "files/folder.py": "is what all others call",
    "files/place.py": "is what all others call",
    "hdf5/file.py: h5py.File": PLACE,
    "hdf5/finished/changed_copy.py: h5py.File": PLACE,
    "hdf5/finished/compact.py: h5py.File": "in memory: the driver is core, without a backing store",
    "hdf5/preallocate.py: tempfile.TemporaryFile": "has no name: what HDF5 writes to it is gone",
    "contract/folders.py: tempfile.TemporaryFile": "has no name: tells whether it can be written",
    "files/scratch.py: tempfile.TemporaryDirectory": "a new folder, of this user alone",
    "archive/packing/userzip.py: zipfile.ZipFile": "a new file in that folder",
    "archive/packing/zipped.py: .rename": "a folder, to a name that no file and no full folder has",
    "archive/packing/boxes.py: .rename": "of what a document names; of what is whole, in a folder",
    "archive/packing/roots.py: os.fdopen": "a descriptor, to be read",
    "recording/process/child.py: tempfile.TemporaryFile": "has no name: a process's last words",
    "spool/stretch.py: io.FileIO": "a descriptor, to be read",
    "spool/folder.py: os.open": "of this user alone, not through a link, in a folder that is held",
    "spool/folder.py: .rename": "a folder, to a name that nobody can foresee",
    "delivery/globus/begun.py: open": "a descriptor, of a file that its Place opened",
}
"""Who else may, and why."""
ELSEWHERE = ("demo/", "testing/")
"""What writes no run's files."""

CALLS = {
    "os": {"open", "fdopen", "rename", "replace", "link", "symlink", "truncate", "mkfifo", "mknod"},
    "shutil": {"copy", "copy2", "copyfile", "copytree", "move", "unpack_archive"},
    "tempfile": {"NamedTemporaryFile", "TemporaryFile", "TemporaryDirectory", "mkstemp", "mkdtemp"},
    "tifffile": {"imwrite", "TiffWriter", "memmap"},
    "np": {"save", "savez", "savez_compressed", "savetxt", "memmap"},
    "zipfile": {"ZipFile"},
    "tarfile": {"open"},
    "gzip": {"open"},
    "io": {"open", "FileIO"},
    "h5py": {"File"},
}
METHODS = {"write_text", "write_bytes", "touch", "tofile", "hardlink_to", "symlink_to", "rename"}
PLACES = ("place", "part", "folder")
"""What a `Place` and a `Folder` are called wherever they open or replace a file; no path is."""
NO_FILES = ("h5a", "h5d", "h5g", "h5o", "self._file", "super()", "_package('PIL.Image')")
"""What has a method ``open`` for something else."""


def writes(path: Path) -> Iterator[str]:
    """Yield what a module calls that opens, makes or moves a file by its name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and (name := _door(node)):
            yield name


def _door(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Name):
        return function.id if function.id == "open" and _is_for_writing(call, 1) else ""
    if not isinstance(function, ast.Attribute):
        return ""
    owner = function.value.id if isinstance(function.value, ast.Name) else ""
    if function.attr in CALLS.get(owner, ()):
        name = f"{owner}.{function.attr}"
        return "" if _only_reads(name, call) else name
    return f".{function.attr}" if owner != "os" and _is_method(function.attr, call) else ""


def _is_method(name: str, call: ast.Call) -> bool:
    """Tell whether a call is one of `Path` that opens a file for writing, or replaces one."""
    assert isinstance(call.func, ast.Attribute)
    if name in ("open", "replace") and _is_place(call.func.value):
        return False
    if name == "replace":  # with two arguments it is one of `str`
        return len(call.args) == 1 and not isinstance(call.args[0], ast.Starred)
    return name in METHODS or (name == "open" and _is_for_writing(call, 0))


def _is_place(owner: ast.expr) -> bool:
    text = ast.unparse(owner)
    return text.startswith(("Place.at(", "Folder(")) or text.endswith(PLACES) or text in NO_FILES


def _only_reads(name: str, call: ast.Call) -> bool:
    if name == "os.open":
        writing = {"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"}
        return "O_RDONLY" in _names(call) and not writing & _names(call)
    return name in ("h5py.File", "zipfile.ZipFile") and _mode(call, 1) in ("", "r")


def _names(call: ast.Call) -> set[str]:
    return {node.attr for node in ast.walk(call) if isinstance(node, ast.Attribute)}


def _is_for_writing(call: ast.Call, position: int) -> bool:
    """Tell whether the mode of an open is more than reading, or cannot be told."""
    mode = _mode(call, position)
    return bool(mode) and (mode == "?" or not set(mode) <= set("rbt"))


def _mode(call: ast.Call, position: int) -> str:
    given = {k.arg: k.value for k in call.keywords}.get("mode")
    if given is None and len(call.args) > position:
        given = call.args[position]
    if given is None:
        return ""
    return str(given.value) if isinstance(given, ast.Constant) else "?"


def found() -> dict[str, list[str]]:
    doors: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(ELSEWHERE):
            for door in writes(path):
                doors.setdefault(f"{name}: {door}", []).append(name)
    return doors


def is_allowed(door: str) -> bool:
    return door in DOORS or door.partition(":")[0] in DOORS


def test_no_other_way_into_a_file():
    assert [door for door in found() if not is_allowed(door)] == []


def test_no_door_stands_open_that_nobody_uses():
    used = {*found(), *(door.partition(":")[0] for door in found())}
    assert DOORS.keys() - used == set()


@pytest.mark.parametrize(
    "code",
    [
        'open(path, "w")',
        'open(path, mode="ab")',
        'path.open("x")',
        "path.open(mode)",
        'path.open("r+b")',
        "os.open(path, os.O_RDWR)",
        "os.open(path, flags)",
        "path.write_bytes(b'')",
        "path.touch()",
        "path.rename(other)",
        "path.replace(other)",
        "shutil.copy2(path, other)",
        'h5py.File(path, "a")',
        "h5py.File(path, mode)",
        "np.save(path, data)",
        'zipfile.ZipFile(path, "w")',
        "tifffile.imwrite(path, data)",
        "tempfile.NamedTemporaryFile()",
    ],
)
def test_what_is_seen(tmp_path, code):
    (tmp_path / "module.py").write_text(code)
    assert list(writes(tmp_path / "module.py"))


@pytest.mark.parametrize(
    "code",
    [
        "open(path)",
        'path.open("rb")',
        "os.open(path, os.O_RDONLY)",
        'h5py.File(path, "r")',
        'text.replace("a", "b")',
    ],
)
def test_what_only_reads(tmp_path, code):
    (tmp_path / "module.py").write_text(code)
    assert not list(writes(tmp_path / "module.py"))
