"""Keys that are paths, lists, defaults and a counter; and that no value leads out of a root."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluescribe.contract.settings import SettingsError, WriterSettings
from bluescribe.files.filling import Roots
from bluescribe.files.numbers import highest_number, numbered_path
from bluescribe.files.run_paths import check_template, run_path
from bluescribe.testing.strategies.values import json_values
from bluescribe.testing.words import AWKWARD, FORBIDDEN, TEXTS, UNPRINTABLE

TOLD = "leads to no folder below one of ROOTS"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "dls" / "i22").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    return tmp_path / "dls"


def where(directory: str, roots: Roots, **start: object) -> Path:
    return run_path(Path(directory), "x", start, roots=roots).parent


@pytest.mark.parametrize("inside", ["i22/2026/cm 1", "new", "i22/a#b;c", "i22/ü"])
def test_a_facility_path_leads_where_it_says(root, inside):
    roots = Roots((root, Path("/nowhere")))
    assert where("{d:path}", roots, d=str(root / inside)) == root / inside
    assert where("{d:path}/s", roots, d=str(root / inside)) == root / inside / "s"
    assert where(f"{root}/{{d:path}}", roots, d=inside) == root / inside
    assert where(f"{root}/{{d:path}}", roots, d=str(root / inside)) == root / inside
    assert where("{d:path}", Roots((root,), root), d=inside) == Path(inside)


def test_a_root_may_be_a_link(root, tmp_path):
    (tmp_path / "link").symlink_to(root)
    assert where("{d:path}", Roots((tmp_path / "link",)), d=str(root / "a")) == root / "a"
    here = str(tmp_path / "link" / "a")
    assert where("{d:path}", Roots((root,)), d=here) == Path(here)


@pytest.mark.parametrize(
    "path", ["/etc", "{root}/../other", "{root}x", "a/../../b", "/", "~", "{root}/a\nb"]
)
def test_what_leads_elsewhere_is_flattened_and_told(root, path, caplog):
    value = path.format(root=root)
    found = where(f"{root}/in/{{d:path}}", Roots((root,)), d=value)
    assert found.parent == root / "in"
    if "/" in value:
        assert TOLD in caplog.text


def test_a_link_that_leads_out_is_not_followed(root, tmp_path, caplog):
    (root / "out").symlink_to(tmp_path / "other")
    found = where("{d:path}", Roots((root,), tmp_path), d=str(root / "out" / "x"))
    assert len(found.parts) == 1
    found = where(f"{root}/{{d:path}}", Roots((root,), tmp_path), d="out/x")
    assert found.parent == root
    assert found.name == "out_x"
    assert "is no folder below" in caplog.text


def test_without_a_root_it_is_flattened_and_told(root, caplog):
    assert where("data/{d:path}", Roots(), d=str(root / "new")).parent == Path("data")
    assert TOLD in caplog.text


def test_a_path_in_a_name_stays_in_the_folder(root):
    roots = Roots((root,))
    path = run_path(root / "i22", "{f:path}", {"f": "scans/i22-5"}, roots=roots)
    assert path == root / "i22" / "scans" / "i22-5"
    path = run_path(root / "i22", "{f:path}", {"f": "/etc/passwd"}, roots=roots)
    assert path == root / "i22" / "_etc_passwd"
    assert run_path(root, "{f:path}", {"f": ".a/#b"}, roots=roots) == root / "_a" / "_b"


words = st.one_of(
    st.sampled_from(["..", ".", "", "a", "out", "out/x", "~", "/", "//", "/etc", *AWKWARD, *TEXTS]),
    st.sampled_from([*FORBIDDEN, *UNPRINTABLE, "ring", "file"]),
    st.text(max_size=20),
)
hostile = st.one_of(json_values, st.lists(words, max_size=6).map("/".join))
directories = [
    "{d:path}",
    "base/{d:path}",
    "base/{d:path}/{e:path}",
    "base/{e}{d:path}",
    "x{d:path}",
]


@given(hostile, hostile, st.sampled_from(directories), st.booleans(), st.booleans())
def test_no_value_leads_out_of_the_roots(one, other, directory, is_below, has_root):
    with TemporaryDirectory() as name:
        top = Path(name).resolve()
        root = top / "root"
        for folder in (root / "a", top / "cwd" / "base", top / "other"):
            folder.mkdir(parents=True)
        (root / "out").symlink_to(top / "other")
        (root / "ring").symlink_to(root / "ring")
        (root / "file").touch()
        value = f"{root}/{one}" if is_below else one
        start = {"uid": "1f5a9c3", "d": value, "e": other}
        roots = Roots((root,) if has_root else (), top / "cwd")
        path = run_path(Path(directory), "{e:path}-{d:path}", start, roots=roots)
        place = (top / "cwd" / path).parent.resolve()
        assert place.is_relative_to(root) or place.is_relative_to(top / "cwd")
        assert place.is_relative_to(top / "cwd") or has_root
        assert len(os.fsencode(path.name)) <= 255


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{motors[0]}", "m1"), ("{motors[1]}-{motors[2]|none}", "m2-none"),
        ("{sample|none}", "none"), ("{sample[name]|a b}", "a b"), ("{empty|none}", "none"),
        ("x{sample|}", "x"), ("{scan_id|7:03d}", "042"), ("{extents[0][1]}", "2"),
        ("{title[0]|text}", "text"), ("{motors[x]|y}", "y"), ("{#:03d}", "005"),
    ],
)  # fmt: skip
def test_lists_defaults_and_the_counter(template, name):
    check_template(template, may_be_late=True)
    start = {"uid": "1", "scan_id": 42, "motors": ["m1", "m2"], "empty": "", "title": "abc", "#": 5}
    start["extents"] = [[1, 2]]
    assert run_path(Path(), template, start).name == name


def test_a_list_that_is_too_short_gives_the_default_name(caplog):
    path = run_path(Path(), "{motors[3]}", {"uid": "1f5a9c3e", "motors": ["m"]})
    assert path.name.endswith("-S00000-1f5a9c3")
    assert "has no 'motors[3]'" in caplog.text


@pytest.mark.parametrize("template", ["{#:s}", "{#:path}"])
def test_what_no_counter_or_path_is_is_refused(template):
    with pytest.raises(ValueError, match="no format of Python"):
        check_template(template, may_be_late=True)


@pytest.mark.parametrize("template", ["{#}", "{a:path}"])
def test_they_are_for_folders_and_names_of_runs(template):
    with pytest.raises(ValueError, match="for DIRECTORY and FILE_NAME only"):
        check_template(template)


@pytest.mark.parametrize("root", ["/", "data", "", "a/b"])
def test_a_root_is_a_folder_from_the_top(root):
    with pytest.raises(SettingsError, match="such as /data"):
        WriterSettings.validated("csv", {"roots": [root]})


def test_roots_are_one_or_several():
    assert WriterSettings.validated("csv", {"roots": "/data"}).roots == (Path("/data"),)
    two = WriterSettings.validated("csv", {"roots": ["/data", "~/x"]}).roots
    assert two == (Path("/data"), Path("~/x").expanduser())


@pytest.mark.parametrize(
    ("template", "names", "highest"),
    [
        ("x-{#:03d}", ["x-001-primary.csv", "x-012.hdf", "x-9b.hdf", "y-100.hdf", "x-"], 12),
        ("x-{#}", [], 0),
        ("{#}-{scan_id}", ["7-42.hdf", "8-43.hdf"], 7),
        ("{#}/x", ["3/", "4/x", "5x/"], 4),
        ("{#}-{event[t]:.1f}", ["2-1.5.csv", "3-.csv"], 3),
    ],
)
def test_the_highest_number(tmp_path, template, names, highest):
    for name in names:
        path = tmp_path / name
        if name.endswith("/"):
            path.mkdir()
        else:
            path.parent.mkdir(exist_ok=True)
            path.touch()
    path = numbered_path(tmp_path, template, {"scan_id": 42}, Roots())
    assert path is not None
    assert highest_number(path) == highest


def test_no_number_is_looked_for_where_a_key_is_missing(tmp_path):
    assert numbered_path(tmp_path, "{sample}-{#}", {}, Roots()) is None
    assert numbered_path(tmp_path / "away", "{#}", {}, Roots()) is not None
    assert highest_number(tmp_path / "away" / "x") == 0
