"""SPOOL and SPOOL_LIMIT of DATA_FILES: what is accepted, what is refused, and what uses them."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import dedent

import pytest
from bluesky import RunEngine

from bluescribe import subscribe_writers
from bluescribe.config.config import read_iconfig
from bluescribe.errors import ConfigError
from bluescribe.files.write_lock import is_held
from bluescribe.session.subscribe import make_writers
from bluescribe.spool import SpoolSettings
from bluescribe.spool.folder import SESSION

ON = "JSONL_DATA_FILES: {ENABLE: true}\n"
DEFAULT = SpoolSettings()


@pytest.fixture
def iconfig(tmp_path):
    """Return what writes an iconfig.yml."""

    def write(text: str) -> Path:
        path = tmp_path / "iconfig.yml"
        path.write_text(dedent(text))
        return path

    return write


@pytest.fixture
def told(iconfig):
    """Return what writes a configuration and returns the error's lines, without the file's name."""

    def told(text: str) -> list[str]:
        path = iconfig(text)
        with pytest.raises(ConfigError) as caught:
            read_iconfig(path)
        lines = str(caught.value).splitlines()
        return [line.removeprefix(str(path)).lstrip(",: ") for line in lines]

    return told


# --- what is accepted ---


@pytest.mark.parametrize(
    ("value", "spool"),
    [
        ("~/spool", Path.home() / "spool"),
        ("/var/lib/spool", Path("/var/lib/spool")),
        ("spool", Path("spool").absolute()),
        ("null", None),
        ("", None),
    ],
)
def test_a_spool_is_a_folder_or_left_to_us(iconfig, value, spool):
    assert read_iconfig(iconfig(f"DATA_FILES:\n  SPOOL: {value}\n{ON}")).spool.spool == spool


@pytest.mark.parametrize(
    ("value", "limit"),
    [
        ("20 GB", 20 * 10**9),
        ("1.5 TB", 1500 * 10**9),
        ("1 MB", 10**6),
        ("1000000", 10**6),
        ("null", DEFAULT.spool_limit),
        ("", DEFAULT.spool_limit),
    ],
)
def test_a_limit_is_a_number_of_bytes_or_a_text(iconfig, value, limit):
    read = read_iconfig(iconfig(f"DATA_FILES:\n  SPOOL_LIMIT: {value}\n{ON}")).spool
    assert read.spool_limit == limit


def test_what_is_not_set_has_its_default(iconfig):
    assert read_iconfig(iconfig(ON)).spool == DEFAULT
    assert read_iconfig(iconfig(f"DATA_FILES:\n{ON}")).spool == DEFAULT
    assert read_iconfig({"JSONL_DATA_FILES": {"ENABLE": True}}).spool == DEFAULT


def test_both_may_be_all_that_is_shared(iconfig):
    expected = SpoolSettings(spool=Path("/a/spool"), spool_limit=2 * 10**9)
    both = {"SPOOL": "/a/spool", "SPOOL_LIMIT": "2 GB"}
    assert read_iconfig({"DATA_FILES": both}).spool == expected
    read = read_iconfig(iconfig(f"DATA_FILES: {{SPOOL: /a/spool, SPOOL_LIMIT: 2 GB}}\n{ON}"))
    assert read.spool == expected
    (writer,) = read.writers
    assert writer.settings.model_fields_set == set()


def test_a_path_may_be_given_as_one():
    content = {"DATA_FILES": {"SPOOL": Path("/a/spool"), "SPOOL_LIMIT": 2 * 10**9}}
    assert read_iconfig(content).spool == SpoolSettings(
        spool=Path("/a/spool"), spool_limit=2 * 10**9
    )


# --- what is refused ---


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("PROCESS", "maybe", "a valid boolean"),
        ("PROCESS", "2", "a valid boolean"),
        ("SPOOL", "5", "input is not a valid path"),
        ("SPOOL", "true", "input is not a valid path"),
        ("SPOOL", "[a, b]", "input is not a valid path"),
        ("SPOOL", "{a: b}", "input is not a valid path"),
        ("SPOOL", "~nobody-of-this-name/spool", "~nobody-of-this-name is nobody's home directory"),
        ("SPOOL_LIMIT", "-1", "greater than or equal to"),
        ("SPOOL_LIMIT", "-1 GB", "a number of bytes is needed"),
        ("SPOOL_LIMIT", "much", "a number of bytes is needed"),
        ("SPOOL_LIMIT", "1.5", "a valid integer"),
        ("SPOOL_LIMIT", ".inf", "a finite number"),
        ("SPOOL_LIMIT", "[1]", "a valid integer"),
        ("SPOOL_LIMIT", "99999999 TB", "no disk has so many bytes"),
    ],
)
def test_a_wrong_value_is_told_once_with_its_line(told, key, value, words):
    for on in ("", ON, f"{ON}CSV_DATA_FILES: {{ENABLE: true}}\n"):
        (line,) = told(f"DATA_FILES:\n  {key}: {value}\n{on}")
        assert line.startswith(f"line 2: DATA_FILES.{key}: found ")
        assert words in line


@pytest.mark.parametrize("value", ["0", "1", "999999", "999 kB"])
def test_a_limit_below_a_megabyte_is_refused(told, value):
    (line,) = told(f"DATA_FILES:\n  SPOOL_LIMIT: {value}\n{ON}")
    assert line.startswith("line 2: DATA_FILES.SPOOL_LIMIT: found ")
    assert "a spool needs 1 MB at the least" in line


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("SPOOOL", "SPOOL"),
        ("spool", "SPOOL"),
        ("SPOOLS", "SPOOL"),
        ("SPOOL_LIMT", "SPOOL_LIMIT"),
        ("SPOOLLIMIT", "SPOOL_LIMIT"),
        ("SPOOL_SIZE", "SPOOL_LIMIT"),
    ],
)
def test_a_misspelt_key_is_told_with_what_is_meant(told, key, meant):
    (line,) = told(f"DATA_FILES:\n  {key}: 1\n{ON}")
    assert line.startswith(f"line 2: DATA_FILES.{key}: unknown key; did you mean {meant}? Allowed")
    assert line.endswith("SPOOL, SPOOL_LIMIT, PROCESS, SHOW_FILES")


@pytest.mark.parametrize("block", ["CSV_DATA_FILES", "NEXUS_DATA_FILES", "GLOBUS"])
@pytest.mark.parametrize("is_on", ["true", "false"])
def test_a_format_has_no_spool_of_its_own(told, block, is_on):
    heading, *lines = told(f"{block}:\n  ENABLE: {is_on}\n  SPOOL: x\n  SPOOL_LIMIT: 1 GB\n")
    assert heading == "2 mistakes"
    ending = "it is of the whole session: it stands in DATA_FILES"
    assert lines == [
        f"line 3: {block}.SPOOL: {ending}",
        f"line 4: {block}.SPOOL_LIMIT: {ending}",
    ]


def test_a_spool_that_stands_twice_is_refused(told):
    (line,) = told(f"DATA_FILES:\n  SPOOL: x\n  SPOOL: y\n{ON}")
    assert line == "line 3: DATA_FILES.SPOOL: stands a second time, after line 2; keep one of them"


@pytest.mark.parametrize("keys", ["SPOOL", "SPOOL_LIMIT", "SPOOL, SPOOL_LIMIT"])
def test_keys_that_lost_their_indentation_are_told(told, keys):
    lost = "".join(f"{key}: 1\n" for key in keys.split(", "))
    (line,) = told(f"DATA_FILES:\n{lost}{ON}")
    first = keys.split(",")[0]
    where = "below DATA_FILES of line 1"
    assert (
        line == f"line 2: {first}: stands at the left margin, {where}: indent {keys} by two spaces"
    )


def test_a_key_that_may_have_lost_its_indentation_is_warned_of(iconfig, caplog):
    path = iconfig(f"DATA_FILES:\n  DIRECTORY: x\nSPOOL: /a/spool\n{ON}")
    assert read_iconfig(path).spool == DEFAULT
    (warning,) = [record.getMessage() for record in caplog.records]
    assert "line 3: SPOOL: stands at the left margin, below DATA_FILES of line 1" in warning
    assert warning.endswith("Nothing is read from it")


def test_a_block_that_is_misspelt_is_known_by_its_spool(told):
    (line,) = told(f"DATA_FILE:\n  SPOOL: x\n{ON}")
    assert line == "line 1: DATA_FILE: is it DATA_FILES? Nothing is read from DATA_FILE"


# --- what uses them ---


def play(writers, uid):
    """Begin a run."""
    writers("start", {"uid": uid, "time": 1.0})
    assert writers.flush(10)


@pytest.mark.parametrize("is_file", [True, False])
def test_a_run_that_is_open_is_in_that_folder(iconfig, tmp_path, is_file):
    home, data = tmp_path / "spools", tmp_path / "data"
    if is_file:
        given = iconfig(
            f"DATA_FILES: {{SPOOL: {home}, DIRECTORY: {data}, SPOOL_LIMIT: 1 GB}}\n{ON}"
        )
    else:
        shared = {"SPOOL": str(home), "DIRECTORY": str(data), "SPOOL_LIMIT": "1 GB"}
        given = {"DATA_FILES": shared, "JSONL_DATA_FILES": {"ENABLE": True}}
    RE = RunEngine({})
    with subscribe_writers(RE, given) as writers:
        assert writers.spool == SpoolSettings(spool=home, spool_limit=10**9)
        assert not home.exists()
        play(writers, "first")
        (own,) = home.iterdir()
        assert is_held(own / SESSION)
        assert [path.suffix for path in own.iterdir() if path.name != SESSION] == [".spool"]
        writers("stop", {"uid": "end", "run_start": "first", "time": 2.0})
    assert list(home.iterdir()) == []
    assert len(list(data.glob("*.jsonl"))) == 1


def test_what_is_open_to_others_gets_a_folder_in_it(tmp_path):
    home = tmp_path / "spools"
    home.mkdir(0o755)
    shared = {"SPOOL": str(home), "DIRECTORY": str(tmp_path / "data")}
    with make_writers({"DATA_FILES": shared, "JSONL_DATA_FILES": {"ENABLE": True}}) as writers:
        play(writers, "first")
        (inside,) = home.iterdir()
        (own,) = inside.iterdir()
        assert is_held(own / SESSION)


def test_the_usual_folder_is_taken_where_none_is_chosen(tmp_path):
    shared = {"SPOOL": None, "DIRECTORY": str(tmp_path)}
    with make_writers({"DATA_FILES": shared, "JSONL_DATA_FILES": {"ENABLE": True}}) as writers:
        play(writers, "first")
        (own,) = Path(os.environ["XDG_STATE_HOME"], "bluescribe", "spool").iterdir()
        assert is_held(own / SESSION)


@pytest.mark.parametrize("key", ["ROOTS", "SHOW_FILES"])
def test_what_is_of_the_session_stands_in_no_block_of_a_format(told, key):
    (line,) = told(f"CSV_DATA_FILES:\n  ENABLE: true\n  {key}: [/data]\n")
    where = f"line 3: CSV_DATA_FILES.{key}: it is of the whole session: it stands in DATA_FILES"
    assert line.startswith(where)
    assert told(f"CSV_DATA_FILES:\n  ENABLE: false\n  {key}: [/data]\n") == [line]


def test_roots_go_to_each_format():
    blocks = {f"{name}_DATA_FILES": {"ENABLE": True} for name in ("CSV", "JSONL")}
    found = read_iconfig({"DATA_FILES": {"ROOTS": "/data", "SHOW_FILES": False}, **blocks})
    assert [config.settings.roots for config in found.writers] == [(Path("/data"),)] * 2
    assert found.session.show_files is False
