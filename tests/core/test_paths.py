"""Names of files: whatever a document holds, they stay in the directory and overwrite nothing."""

from __future__ import annotations

import os
import threading
import unicodedata
from collections import UserDict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluescribe.contract.settings import WriterSettings
from bluescribe.errors import ConfigError
from bluescribe.files import Place, Rights
from bluescribe.files.run_paths import (
    DEFAULT_TEMPLATE,
    check_template,
    claim,
    clean,
    place_of_run,
    run_path,
)
from bluescribe.testing.strategies.values import json_values
from bluescribe.testing.words import AWKWARD, FORBIDDEN, TEXTS, UNPRINTABLE

START: dict[str, Any] = {"uid": "1f5a9c3e-aaaa", "time": 1700000000.0, "scan_id": 42}

evil = st.one_of(
    json_values,
    st.text(max_size=300),
    st.text(alphabet="./ \t\\~\0\u2028", max_size=8),
    st.sampled_from([*AWKWARD, *FORBIDDEN, *TEXTS, *UNPRINTABLE, "../../etc/passwd", " ..", "~"]),
)
starts = st.dictionaries(st.sampled_from(["uid", "time", "scan_id", "sample", "a b"]), evil)
templates = st.sampled_from(
    [
        DEFAULT_TEMPLATE,
        "{sample}",
        "{sample}/{uid}",
        "{sample}/{sample}/{sample}{sample}",
        "{sample[name]}-{scan_id:05d}",
        ".{sample}",
        "x{a b:>300}",
        "{time:%Y}/{time}{time:}",
        "{config[d][k]}/{event[f]}",
        "fixed",
    ]
)
folders = st.sampled_from(
    ["base", "base/{sample}", "base/{sample}/{sample}{uid}", "base/x{sample}"]
)


@given(starts, templates, folders)
def test_every_path_stays_inside_and_can_be_made(start, template, folder):
    later = {"config": {"d": {"k": start.get("sample")}}, "event": {"f": start.get("sample")}}
    path = run_path(Path(folder), template, {**start, **later})
    inside = path.relative_to("base")
    assert Path(os.path.normpath(path)) == path
    assert inside.parts
    for part in inside.parts:
        assert len(part.encode()) <= 255
        assert not part.startswith(".") or template.startswith(".")
        assert not [c for c in part if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
        assert not set(part) & set('/\\:*?"<>|#;[]')


@given(evil)
def test_a_value_is_one_part_of_a_path(value):
    part = clean(str(value))
    assert Path(part).parts == (part,)
    assert not part.startswith((".", " "))
    assert len(part.encode()) <= 180


def test_a_folder_that_a_directory_template_names_stays_inside(tmp_path):
    assert run_path(tmp_path / "{sample}", "x", {"sample": " .."}) == tmp_path / "_" / "x"
    assert run_path(tmp_path / "{sample}", "x", {"sample": "../y"}) == tmp_path / "__y" / "x"


def test_a_part_of_several_long_values_still_makes_a_folder(tmp_path):
    start = {"sample": "s" * 200, "user": "ü" * 200}
    path = run_path(tmp_path / "{sample}{user}", "{sample}{user}", start)
    claim(place_of_run(path, Rights()), ".dat")
    assert len(path.parent.name.encode()) > 180


def test_spaces_around_a_value_are_left_out():
    assert clean(" a b ") == "a b"
    assert clean(". .a") == "_a"


def test_half_a_character_is_replaced():
    assert clean("a\ud800\udc80") == "a__"


def test_a_literal_directory_is_taken_as_it_is():
    assert run_path(Path("../.hidden dir/x:y"), "a", START) == Path("../.hidden dir/x:y/a")
    assert run_path(Path("/abs/{{braces}}"), "a", START) == Path("/abs/{braces}/a")


def test_the_default_name_is_the_one_that_the_ecosystem_knows():
    when = datetime.fromtimestamp(START["time"]).astimezone()
    name = run_path(Path("data"), DEFAULT_TEMPLATE, START).name
    assert name == f"{when:%Y%m%d-%H%M%S}-S00042-1f5a9c3"


def test_any_key_and_item_of_the_start_may_be_used():
    start = {**START, "sample": {"name": "Fe", "of": {"x y": 1.25}}, "a b": "ü"}
    template = "{sample[name]}/{sample[of][x y]:.1f}-{a b}"
    assert run_path(Path("{sample[name]}"), template, start) == Path("Fe/Fe/1.2-ü")
    assert run_path(Path(), "{sample[name]}", {"sample": UserDict(name="Cu")}) == Path("Cu")


@pytest.mark.parametrize(
    ("scan_id", "text"),
    [("morning/1", "morning_1"), (None, "00000"), (np.int64(42), "00042"), (4.0, "4.0"),
     pytest.param(10**5000, "_", id="too many digits"), ([1], "_1_")],
)  # fmt: skip
def test_a_scan_id_of_any_kind_makes_a_name(scan_id, text, caplog):
    name = run_path(Path(), "{scan_id:05d}-{uid:.7}", {**START, "scan_id": scan_id}).name
    assert name == f"{text}-1f5a9c3"
    assert not [r for r in caplog.records if "never makes folders" not in r.getMessage()]


@pytest.mark.parametrize("time", [None, "noon", float("nan"), 1e300, -1e300, [1], 10**40])
def test_a_time_that_is_none_is_now(time):
    before = datetime.now().astimezone().replace(microsecond=0)
    name = run_path(Path(), "{time:%Y%m%d-%H%M%S}", {"uid": "x", "time": time}).name
    assert before <= datetime.strptime(name, "%Y%m%d-%H%M%S").astimezone()


@pytest.mark.parametrize("key", ["sample", "sample[name]", "0", "uid[x]"])
def test_a_missing_key_falls_back_to_the_default_with_a_warning(key, caplog):
    path = run_path(Path("data"), f"x-{{{key}}}", START)
    assert path == run_path(Path("data"), DEFAULT_TEMPLATE, START)
    (record,) = caplog.records
    assert key in record.getMessage()
    assert DEFAULT_TEMPLATE in record.getMessage()


@pytest.mark.parametrize(
    ("directory", "stays"),
    [
        ("data/{sample}/x", "data"),
        ("{sample}/x", "."),
        ("data-{sample}", "."),
        ("/abs/{{x}}/{sample}", "/abs/{x}"),
        ("/{sample}", "/"),
    ],
)
def test_a_missing_key_in_the_directory_leaves_the_folders_above(directory, stays, caplog):
    assert run_path(Path(directory), "x", START) == Path(stays, "x")
    assert "sample" in caplog.records[0].getMessage()


def test_an_object_that_cannot_be_printed_makes_a_name():
    class Broken:
        def __str__(self):
            raise RuntimeError

    assert run_path(Path(), "a{x}b", {"x": Broken()}) == Path("a_b")


@pytest.mark.parametrize(
    "template",
    ["", " ", "/", "/abs/{uid}", "../{uid}", "a/../b", "{uid", "uid}", "{}", "{uid.hex}",
     "{uid!r.x}", "{sample[name}", "a\nb", "a\0b", "{uid.__class__}", "\ud800"],
)  # fmt: skip
def test_a_template_that_cannot_work_is_refused_at_once(template):
    with pytest.raises(ValueError, match=r"."):
        check_template(template)
    with pytest.raises(ConfigError, match="file_name"):
        WriterSettings.validated("X", {"file_name": template})


@pytest.mark.parametrize("directory", ["data/{", "{uid.hex}", "{}"])
def test_a_directory_that_cannot_work_is_refused_at_once(directory):
    with pytest.raises(ConfigError, match="directory"):
        WriterSettings.validated("X", {"directory": directory})


@pytest.mark.parametrize("template", [DEFAULT_TEMPLATE, "x", "{{x}}", "a/{sample[a b][c]}/..b"])
def test_a_template_that_works_is_taken(template):
    check_template(template)


def test_a_name_that_is_taken_gets_a_number_and_a_warning(tmp_path, caplog):
    for expected in ("x.dat", "x-2.dat", "x-3.dat"):
        place = claim(place_of_run(tmp_path / "deep" / "x", Rights()), ".dat")
        assert place.path == tmp_path / "deep" / expected
        place.path.write_text("mine")
    assert [r.getMessage().split()[-1] for r in caplog.records] == ["x-2.dat", "x-3.dat"]
    assert all(p.read_text() == "mine" for p in (tmp_path / "deep").iterdir())


def test_a_dangling_link_and_a_folder_are_not_overwritten_either(tmp_path):
    (tmp_path / "x.dat").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "x-2.dat").mkdir()
    assert claim(Place.at(tmp_path / "x"), ".dat").name == "x-3.dat"
    assert not (tmp_path / "elsewhere").exists()


def test_threads_that_want_one_name_get_one_each(tmp_path):
    barrier = threading.Barrier(16)
    claimed: list[Path] = []

    def work():
        barrier.wait()
        claimed.extend(claim(Place.at(tmp_path / "x"), ".dat").path for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(claimed)) == 160 == len(list(tmp_path.iterdir()))


@pytest.mark.parametrize("stem", ["a" * 180, "a" + "ü" * 80, "試" * 60])
def test_a_long_ending_still_makes_a_file(tmp_path, stem):
    ending = "-" + "s" * 190 + ".csv"
    first, second = (claim(Place.at(tmp_path / stem), ending) for _ in range(2))
    assert first != second
    assert first.name.endswith(ending)
