"""Each rule that NeXus files are held to finds a file that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from bluescribe import NexusWriter
from bluescribe.testing import documents
from tests.readers.nexus_rules import broken_rules, check_folder, findings

Damage = Callable[[h5py.File], object]


def written(folder: Path) -> Path:
    """Return the file of a scan of five points; nothing is wrong with it."""
    with NexusWriter(folder) as writer:
        for name, doc in documents("scan", folder):
            writer(name, doc)
    path = writer.status().last_file
    assert path is not None
    assert not [*broken_rules(path), *findings(path)]
    return path


def set_attr(path: str, key: str, value: object) -> Damage:
    return lambda file: file[path].attrs.__setitem__(key, value)


def delete_attr(path: str, key: str) -> Damage:
    return lambda file: file[path].attrs.__delitem__(key)


def put(path: str, value: object) -> Damage:
    def damage(file: h5py.File) -> None:
        if path in file:
            del file[path]
        file[path] = value

    return damage


def no_plot(file: h5py.File) -> None:
    del file["entry/data"]


def link_to_nothing_in_a_file(file: h5py.File) -> None:
    with h5py.File(Path(file.filename).with_name("images.h5"), "w"):
        file["entry/images"] = h5py.ExternalLink("images.h5", "/entry/data")


def another_shape(file: h5py.File) -> None:
    file["entry/data/other"] = [1.0, 2.0]
    file["entry/data"].attrs["auxiliary_signals"] = ["other"]


def axis_of_another_length(file: h5py.File) -> None:
    file["entry/data/other"] = [1.0, 2.0]
    file["entry/data"].attrs["axes"] = ["other"]


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        # the chain of @default
        (set_attr("/", "default", "typo"), "@default = typo, which is not there"),
        (set_attr("entry", "default", "typo"), "@default = typo, which is not there"),
        (set_attr("entry", "default", "instrument"), "which is no NXdata"),
        (delete_attr("entry", "default"), "which is no NXdata"),
        (delete_attr("/", "default"), "which is no NXdata"),
        (set_attr("entry/data", "NX_class", "NXcollection"), "which is no NXdata"),
        (no_plot, "@default = data, which is not there"),
        # links
        (put("entry/lost", h5py.SoftLink("/entry/typo")), "is a broken link to /entry/typo"),
        (link_to_nothing_in_a_file, "does not open in images.h5"),
        (put("entry/far", h5py.ExternalLink("/x/y.h5", "/z")), "linked by an absolute name"),
        # @target
        (set_attr("entry/data/det", "target", "/entry/data/typo"), "is another object, or none"),
        (set_attr("entry/data/det", "target", "/entry/data/m1"), "is another object, or none"),
        # times
        (put("entry/end_time", "2026-11-22T09:45:01"), "has no zone"),
        (put("entry/user_time", "2026-11-22T09:45:01.5"), "has no zone"),
        # signal and axes
        (delete_attr("entry/data", "signal"), "is NXdata without @signal"),
        (set_attr("entry/data", "signal", "typo"), "@signal = typo, which is not there"),
        (set_attr("entry/data", "axes", ["m1", "m1_setpoint", "det"]), "of a signal of 1 dim"),
        (set_attr("entry/data", "axes", ["typo"]), "axis typo is not there"),
        (axis_of_another_length, "axis other is not there, or not as long"),
        (set_attr("entry/data", "auxiliary_signals", ["typo"]), "auxiliary signal typo"),
        (another_shape, "auxiliary signal other is not there, or of another shape"),
    ],
)
def test_a_file_that_breaks_a_rule_is_found(tmp_path: Path, damage: Damage, complaint: str) -> None:
    path = written(tmp_path)
    with h5py.File(path, "r+") as file:
        damage(file)
    assert any(complaint in line for line in broken_rules(path)), list(broken_rules(path))


def test_a_folder_with_one_bad_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    check_folder(tmp_path)
    with h5py.File(path, "r+") as file:
        file["entry/lost"] = h5py.SoftLink("/entry/typo")
    with pytest.raises(AssertionError, match="broken link"):
        check_folder(tmp_path)


def test_what_nexusformat_finds_is_passed_on(tmp_path: Path) -> None:
    path = written(tmp_path)
    with h5py.File(path, "r+") as file:
        file["entry"].create_group("typo").attrs["NX_class"] = "NXtypo"
    assert findings(path)


def test_a_link_to_a_file_that_is_not_there_breaks_no_rule(tmp_path: Path) -> None:
    path = written(tmp_path)
    with h5py.File(path, "r+") as file:
        file["entry/images"] = h5py.ExternalLink("later.h5", "/entry/data")
    assert not list(broken_rules(path))
