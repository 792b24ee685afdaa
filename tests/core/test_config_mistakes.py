"""Mistakes that people make in iconfig.yml, each told in words and with its line; hostile files."""

from __future__ import annotations

import time

import pytest
from bluesky import RunEngine
from pydantic import Field, field_validator

from bluescribe import subscribe_writers
from bluescribe.config.config import read_iconfig
from bluescribe.contract.settings import WriterSettings
from bluescribe.errors import ConfigError, DefinitionError
from bluescribe.files import yamltext
from bluescribe.formats.jsonl import JsonlFile, JsonlSettings
from bluescribe.recording.writer import Writer
from tests.extent import IS_LONG
from tests.installed import install

FORMATS = ["CSV", "DX", "HDF5", "JSON", "JSONL", "NEXUS", "SPEC", "TIFF", "THIRD"]


class ThirdSettings(JsonlSettings):
    """Those of a format in another package; its check has a name that comes to mind first."""

    file_extension: str = Field("third", description="Ending")
    template: str = Field("", description="A setting of its own")

    @field_validator("template")
    @classmethod
    def _check_template(cls, value: str) -> str:
        return value


class ThirdWriter(Writer):
    """A format of another package."""

    format = "third"
    file_class = JsonlFile
    settings_class = ThirdSettings


@pytest.fixture
def third(monkeypatch, tmp_path):
    """Install the format."""
    install(monkeypatch, tmp_path / "site", third=f"{__name__}:ThirdWriter")


@pytest.fixture
def told(tmp_path):
    """Return what writes a configuration and returns the error's lines, without the file's name."""

    def write(text):
        path = tmp_path / "iconfig.yml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ConfigError) as caught:
            read_iconfig(path)
        return [
            line.removeprefix(str(path)).lstrip(",: ") for line in str(caught.value).split("\n")
        ]

    return write


SHARED_MISTAKES = [
    ("DIRECTORY", "'data/{proposal_id'", "not a template"),
    ("DIRECTORY", "'data/{}'", "{} is not a key"),
    ("DIRECTORY", "$HOME/data", "$HOME is not filled in"),
    ("DIRECTORY", "'${HOME}/data'", "${HOME} is not filled in"),
    ("DIRECTORY", "data/%Y", "%Y is not filled in where it stands: write {time:%Y-%m-%d}"),
    ("DIRECTORY", "'{time}'", "has no code of strftime"),
    ("DIRECTORY", "~nobody-of-this-name/data", "~nobody-of-this-name is nobody's home"),
    ("DIRECTORY", "[a, b]", "input is not a valid path"),
    ("FILE_NAME", "'{scan_id:05d'", "not a template"),
    ("FILE_NAME", "'{}'", "{} is not a key"),
    ("FILE_NAME", "''", "names no file"),
    ("FILE_NAME", "'{uid.hex}'", "is not a key"),
    ("FILE_NAME", "'{scan_id:999999999d}'", "wider than 200 characters"),
    ("FILE_NAME", "'{time:%999999999d}'", "wider than 200 characters"),
    ("FILE_NAME", "'{scan_id:.9999}'", "wider than 200 characters"),
    ("FILE_NAME", "'{scan_id:{width}}'", "cannot hold another key"),
    ("FILE_NAME", "'{scan_id:05q}'", "'05q' is no format"),
    ("FILE_NAME", "'{uid!r}'", "nothing may stand between key and colon"),
    ("FILE_NAME", "'{time}'", "{time} has no code of strftime"),
    ("FILE_NAME", "'{time:05d}'", "{time:05d} has no code of strftime"),
    ("FILE_NAME", "'S%05d'", "%05d is not filled in"),
    ("FILE_NAME", "'%(scan_id)s'", "%(scan_id) is not filled in"),
    ("FILE_NAME", "$USER", "$USER is not filled in"),
    ("FILE_NAME", "~/{uid}", "~ is the home directory in a directory only"),
    ("FILE_NAME", "/data/{uid}", "must stay inside the directory"),
    ("FILE_NAME", "{scan_id}", "text that begins with { stands in quotes"),
    ("ON_ERROR", "stop", "'warn' or 'abort'"),
    ("RETRY_SECONDS", "soon", "valid number"),
    ("DRAIN_TIMEOUT", "-1", "greater than or equal to 0"),
    ("PATH_MAP", "{/mnt: ~nobody-of-this-name}", "nobody's home"),
    ("LOW_SPACE", "much", "found 'much'"),
]


@pytest.mark.parametrize(("key", "value", "words"), SHARED_MISTAKES)
def test_a_wrong_shared_value_is_refused_whatever_formats_are_on(told, third, key, value, words):
    """It is told once, whether the shared block or each format has it, and when none is on."""
    blocks = "".join(f"{name}_DATA_FILES: {{ENABLE: true}}\n" for name in FORMATS)
    for on in ("", blocks):
        (line,) = told(f"DATA_FILES:\n  {key}: {value}\n{on}")
        assert line.startswith(f"line 2: DATA_FILES.{key}: found ")
        assert words in line
    own = "".join(f"{name}_DATA_FILES:\n  ENABLE: true\n  {key}: {value}\n" for name in FORMATS)
    first, *lines = told(own)
    assert first == f"{len(FORMATS)} mistakes"
    for number, (name, line) in enumerate(zip(FORMATS, lines, strict=True)):
        assert line.startswith(f"line {3 * number + 3}: {name}_DATA_FILES.{key}: found ")
        assert words in line


@pytest.mark.parametrize("ending", ["a/b", "'{scan_id}'", "x" * 50, '"a\\nb"'])
@pytest.mark.parametrize("name", FORMATS)
def test_a_wrong_ending_is_refused_for_each_format(told, third, name, ending):
    (line,) = told(f"{name}_DATA_FILES:\n  ENABLE: true\n  FILE_EXTENSION: {ending}\n")
    assert line.startswith(f"line 3: {name}_DATA_FILES.FILE_EXTENSION: found ")


def test_a_folder_that_is_there_may_have_any_name(tmp_path):
    (tmp_path / "50%Sn$Pb").mkdir()
    content = {"CSV_DATA_FILES": {"ENABLE": True, "DIRECTORY": str(tmp_path / "50%Sn$Pb")}}
    (config,) = read_iconfig(content).writers
    assert config.settings.directory == tmp_path / "50%Sn$Pb"


def test_settings_that_would_lose_a_check_of_their_base_are_refused_when_defined():
    with pytest.raises(DefinitionError, match=r"Mine\._check_file_name takes the place of a check"):

        class Mine(WriterSettings):
            mine: str = "x"

            @field_validator("mine")
            @classmethod
            def _check_file_name(cls, value: str) -> str:
                return value


def test_a_format_of_another_package_that_is_broken_is_told(told, monkeypatch, tmp_path):
    install(monkeypatch, tmp_path / "site", third="no_such_module:Writer")
    (line,) = told("CSV_DATA_FILES: {ENABLE: true}\nTHIRD_DATA_FILES: {ENABLE: true}")
    assert line == (
        "line 2: THIRD_DATA_FILES: the format 'third' is not there: no_such_module:Writer, which "
        "the package others 1.2 names in the entry-point group bluescribe.formats, cannot be "
        "imported: ModuleNotFoundError: No module named 'no_such_module'. Mend that package or "
        "remove it"
    )


def test_all_mistakes_are_told_at_once(told):
    first, *lines = told(
        "DATA_FILES: {RETRY_SECONDS: -1, DIRECTRY: x}\n"
        "NEXUS_DATA_FILES:\n  ENABLE: true\n  LIVE: 7\n  SIGNL: x\n"
        "CSV_DATA_FILES: {ENABLE: yes please}\n"
        "FOO_DATA_FILES: {ENABLE: true}\n"
        "JSON_DATA_FILES:\nENABLE: true\n"
        "TILED: {ENABLE: true, URI: 5, PATHS: x}\n"
    )
    starts = [
        "line 1: DATA_FILES.DIRECTRY: unknown key; did you mean DIRECTORY?",
        "line 1: DATA_FILES.RETRY_SECONDS: found -1",
        "line 4: NEXUS_DATA_FILES.LIVE: found 7",
        "line 5: NEXUS_DATA_FILES.SIGNL: unknown key; did you mean SIGNAL?",
        "line 6: CSV_DATA_FILES.ENABLE: found 'yes please'",
        "line 7: FOO_DATA_FILES: unknown format",
        "line 9: ENABLE: stands at the left margin, below JSON_DATA_FILES of line 8",
        "line 10: TILED.PATHS: unknown key",
    ]
    assert first == f"{len(starts)} mistakes"
    for line, start in zip(lines, starts, strict=True):
        assert line.startswith(start)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("CSV_DATA_FILES:\n  ENABLE: true\nNEXUS_DATA_FILES:\nENABLE: true\nLIVE: false\nA: 1",
         "line 4: ENABLE: stands at the left margin, below NEXUS_DATA_FILES of line 3: indent "
         "ENABLE, LIVE by two spaces"),
        ("NEXUS_DATA_FILES:\n  LIVE: true\nENABLE: true",
         "line 3: ENABLE: stands at the left margin, below NEXUS_DATA_FILES of line 1: indent "
         "ENABLE by two spaces"),
        ("DATA_FILES:\nDIRECTORY: x\nCSV_DATA_FILES: {ENABLE: true}",
         "line 2: DIRECTORY: stands at the left margin, below DATA_FILES of line 1: indent "
         "DIRECTORY by two spaces"),
        ("TILED:\nENABLE: true\nURI: http://x",
         "line 2: ENABLE: stands at the left margin, below TILED of line 1: indent ENABLE, URI by "
         "two spaces"),
    ],
)  # fmt: skip
def test_a_block_that_lost_its_indentation_is_refused(told, text, line):
    assert told(text) == [line]


def test_lost_indentation_in_a_mapping_of_python_is_refused_too():
    with pytest.raises(ConfigError, match="iconfig: ENABLE: stands at the left margin, below SPEC"):
        read_iconfig({"SPEC_DATA_FILES": None, "ENABLE": True})


def test_a_block_that_may_have_lost_a_line_or_its_place_is_told(tmp_path, caplog):
    path = tmp_path / "iconfig.yml"
    path.write_text(
        "CSV_DATA_FILES:\n  ENABLE: true\nDIRECTORY: data\n"
        "BEC:\n  NEXUS_DATA_FILES: {ENABLE: true}\n"
        "SPEC_DATA_FILES:\n  FILE_EXTENSION: dat\n"
    )
    assert [config.name for config in read_iconfig(path).writers] == ["csv"]
    margin, inside, off = sorted(record.getMessage() for record in caplog.records)
    assert f"{path}, line 3: DIRECTORY: stands at the left margin, below CSV_DATA_FILES" in margin
    assert f"{path}, line 5: BEC.NEXUS_DATA_FILES: stands inside BEC; move it" in inside
    assert f"{path}, line 6: SPEC_DATA_FILES: it has no ENABLE, so no such file is written" in off


OTHERS = """
ICONFIG_VERSION: 2.0.1
DATABROKER_CATALOG: &databroker_catalog 19id_isn
TILED_PROFILE_NAME: 8ide
TILED_PATH_NAME: raw
TILED_SERVER: amber
STATION: dev
CONTROLS_SUBNET: 116
RUN_ENGINE:
    DEFAULT_METADATA: {beamline_id: 19IDE, databroker_catalog: *databroker_catalog}
    SCAN_ID_PV: "IOC:bluesky_scan_id"
    MD_STORAGE_HANDLER: StoredDict
    MD_PATH: .re_md_dict.yml
    USE_PROGRESS_BAR: false
RUNENGINE_METADATA: {beamline_id: 8idi_XPCS}
RUNENGINE_MD_PATH: /home/beams/POLAR/.config/Bluesky_RunEngine_md
RUN_ENGINE_SCAN_ID_PV: "8idi:bluesky_scan_id"
USE_BLUESKY_MAGICS: true
USE_PROGRESS_BAR: false
BASELINE_LABEL:
    ENABLE: true
BEC: {BASELINE: true, HEADING: true, PLOTS: false, TABLE: true}
ALLOW_AREA_DETECTOR_WARMUP: true
ENABLE_AREA_DETECTOR_IMAGE_PLUGIN: true
ENABLE_CALCS: true
AREA_DETECTOR:
    ALLOW_PLUGIN_WARMUP: true
    BLUESKY_FILES_ROOT: &BLUESKY_DATA_ROOT "/path/to/data/"
    IMAGE_DIR: "%Y/%m/%d/"
    HDF5_FILE_TEMPLATE: "%s%s_%6.6d.h5"
    EIGER_1M: {IOC_FILES_ROOT: *BLUESKY_DATA_ROOT}
AD_IMAGE_DIR: "adsimdet/%Y/%m/%d"
AD_MOUNT_PATH: /tmp
BLUESKY_MOUNT_PATH: /tmp/docker_ioc/iocad/tmp
ADSIM_IOC_PREFIX: "ad:"
NEXUS_DATA_FILES:
    ENABLE: false
    FILE_EXTENSION: hdf
    WARN_MISSING_CONTENT: true
SPEC_DATA_FILES:
    ENABLE: true
    FILE_EXTENSION: dat
DM_SETUP_FILE: "/home/dm/etc/dm.setup.sh"
DM_ROOT_PATH: /gdata/dm/4ID
DM_USE_PATH: true
STORAGE: {PATH: /gdata/dm/19ID}
STORAGE_PATH: "/mnt/micdata1/2idd/"
WINDOWS_STORAGE: {LINUX_ROOT: /net/micdata/data1/isn, WINDOWS_ROOT: 'Y:\\isn'}
SOFTGLUE_OUTPUTS: {PTYCHO: 1, XRD: 2}
FILE_DELIMITER: "19ID"
FILE_EXTENSION: hdf
WARN_MISSING: false
SCAN_OVERHEAD: 0.3
DEVICES: {TETRAMM1: "2idsft:TetrAMM1:"}
POSITIONERS: {X_MOTOR: "2idsft:m1"}
DEVICES_FILES:
- devices.yml
APS_DEVICES_FILES:
- devices_aps_only.yml
MAKE_DEVICES: {LOG_LEVEL: info}
OPHYD:
    CONTROL_LAYER: PyEpics
    TIMEOUTS: {PV_READ: &TIMEOUT 5, PV_WRITE: *TIMEOUT, PV_CONNECTION: *TIMEOUT}
OPHYD_CONTROL_LAYER: PyEpics
PV_READ_TIMEOUT: 15
LOGGING:
  # NUMBER_OF_PREVIOUS_BACKUPS: 9
XMODE_DEBUG_LEVEL: Plain
MINIMUM_PYTHON_VERSION:
  - 3
  - 8
RAW_DATA_FILES: /data/raw
DATA_FILE: scan.h5
SECRETS: !env TOKEN
LAST_CALIBRATION: 2026-13-45
ITSELF: &itself [*itself]
1: a key that is a number
"""
"""Keys of instruments that are public, and some that any software could have."""


def test_keys_of_other_software_pass_in_silence(tmp_path, caplog):
    path = tmp_path / "iconfig.yml"
    path.write_text(OTHERS)
    assert [config.name for config in read_iconfig(path).writers] == ["spec"]
    assert not caplog.records


@pytest.mark.parametrize("block", ["NEXUS", "SPEC"])
def test_the_older_name_of_warn_missing_is_taken_inside_its_block(told, tmp_path, block):
    text = f"{block}_DATA_FILES:\n  ENABLE: true\n  WARN_MISSING_CONTENT: false\n"
    path = tmp_path / "iconfig.yml"
    path.write_text(text)
    (config,) = read_iconfig(path).writers
    assert config.settings.model_dump()["warn_missing"] is False
    (line,) = told(f"{text}  WARN_MISSING: true\n")
    name = f"{block}_DATA_FILES.WARN_MISSING"
    assert line == f"line 3: {name}_CONTENT: found False, but {name} says True"
    assert told(text.replace("false", "often"))[-1].startswith(f"line 3: {name}_CONTENT: found 'o")


NOT_YAML = [
    ("A:\n\tB: 1\n", "line 2: a tab; YAML takes spaces"),
    ("A: 1\n\tB: 2\n", "line 2: a tab; YAML takes spaces"),
    ("A:\n  B: 1\n   C: 2\n", "line 3: a key where none can be"),
    ("A:\n  B: x: y\n", "line 2: a key where none can be"),
    ("A:\n  B: 1\n C: 2\n", "line 3: the indentation does not fit the lines above, from line 1 on"),
    ("A: 1\nB\nC: 2\n", "line 3: line 2 is neither a key with ':' nor a value"),
    ("A: *x\n", "line 1: *x: there is no &x above"),
    ("A: {a: 1\nB: 2\n", "line 2: the { or [ of line 1 is not closed before this"),
    ("A: [1", "line 1: the { or [ of line 1 is not closed before this"),
    ("A:\n  N: {time:%Y}-x\n", "line 2: something stands behind a value that has ended; text that"),
    ("A: 'it's'\n", "line 1: something stands behind a value that has ended; text that begins"),
    ("A: %Y\n", "line 1: text that begins with % stands in quotes"),
    ("A: @x\n", "line 1: text that begins with @ stands in quotes"),
    ("A: 'x\nB: 1\n", "line 3: the quote that is opened in line 1 has no end"),
    ('A: "C:\\data"\n', r"line 1: \d in double quotes; write single quotes"),
    ("A: 1\n---\nB: 1\n", "line 2: a second document begins (---); put all in one"),
    ("A: 1\nB: \a\n", "line 2: a control character (#x0007)"),
    (b"A: 1\nB: \xff", "line 2: a byte that is not UTF-8 (0xff); save the file as UTF-8"),
    ("A: 1".encode("utf-16"), "line 1: a byte that is not UTF-8 (0xff); save the file as UTF-8"),
    ("CSV_DATA_FILES:\n  ENABLE: !env X", "line 2: the tag !env is not known here"),
    ("CSV_DATA_FILES:\n  LOW_SPACE: 2026-13-45", "line 2: a value is not understood: month"),
    ("CSV_DATA_FILES: {<<: 5}", "line 1: << takes a block of keys"),
]


@pytest.mark.parametrize(("text", "line"), NOT_YAML)
def test_what_is_not_yaml_is_told_in_words_with_its_line(told, text, line):
    (found,) = told(text)
    assert found.startswith(line)


def test_the_file_of_content_is_told_in_words_with_its_line(told, tmp_path):
    (tmp_path / "content.yml").write_text("/entry:\n\ttitle: x\n")
    (line,) = told("NEXUS_DATA_FILES:\n  ENABLE: true\n  CONTENT: content.yml\n")
    assert line.startswith("line 3: NEXUS_DATA_FILES.CONTENT: found 'content.yml'; ")
    assert line.endswith("content.yml, line 2: a tab; YAML takes spaces")


def test_a_configuration_that_cannot_be_read_is_told(tmp_path):
    for given, words in [
        (tmp_path, r"cannot be read: Is a directory"),
        ("~nobody-of-this-name/iconfig.yml", r"is nobody's home directory"),
        (RunEngine({}), r"the path of iconfig\.yml is needed, .* found a RunEngine"),
    ]:
        with pytest.raises(ConfigError, match=words):
            read_iconfig(given)


# --- hostile files --------------------------------------------------------------------------------


def lines_of_aliases(first, each):
    """Return anchors that each name the one before ten times."""
    names = [f"a{number}" for number in range(10)]
    pairs = zip(names[1:], names[:-1], strict=True)
    later = [
        f"{name}: &{name} {each.format(','.join([f'*{before}'] * 10))}" for name, before in pairs
    ]
    return "\n".join([f"a0: &a0 {first}", *later])


DEPTH = 5000 if IS_LONG else 500

HOSTILE = {
    "aliases": (
        lines_of_aliases("[x]", "[{}]") + "\nCSV_DATA_FILES: {ENABLE: true, PATH_MAP: *a9}",
        "line 11: aliases (*) make more than 20000",
    ),
    "a block of aliases": (
        lines_of_aliases("[x]", "[{}]") + "\nCSV_DATA_FILES: *a9",
        "line 11: al",
    ),
    "merged aliases": (
        lines_of_aliases("{x: 1}", "{{<<: [{}]}}") + "\nCSV_DATA_FILES: {<<: *a9}",
        "line 11: aliases (*) make more than 20000",
    ),
    "aliases at the top": (
        lines_of_aliases("{x: 1}", "{{<<: [{}]}}") + "\n<<: *a9",
        "line 1: alia",
    ),
    "itself": ("CSV_DATA_FILES: &me {ENABLE: true, PATH_MAP: *me}", "line 1: aliases (*) make"),
    "keys": (
        "CSV_DATA_FILES:\n" + "".join(f"  K{n}: {n}\n" for n in range(60_000)),
        "line 10000: more than 20000 keys and values up to here",
    ),
    "nested blocks": (
        "NEXUS_DATA_FILES:\n  CONTENT: " + "{a: " * 5000,
        "line 2: nested deeper tha",
    ),
    "nested lists": ("A: " + "[" * DEPTH + "]" * DEPTH, "line 1: nested deeper than 100 levels"),
    "an integer": (
        "CSV_DATA_FILES: {LOW_SPACE: " + "1" * 5001 + "}",
        "line 1: a value is not understood",
    ),
    "bytes": ("# " + "x" * 3_000_000, "more than 2 MB; is this the right file?"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_in_seconds_and_in_words(told, monkeypatch, kind):
    text, start = HOSTILE[kind]
    if not IS_LONG:  # it takes a while to count up to the bound
        monkeypatch.setattr(yamltext, "_MOST_NODES", 2_000)
        start = start.replace("0000", "000")
    began = time.monotonic()
    (line,) = told(text)
    assert time.monotonic() - began < 60
    assert line.startswith(start)
    assert len(line) < 300


def test_many_mistakes_are_not_all_told(told):
    first, *lines = told("CSV_DATA_FILES:\n" + "".join(f"  K{n}: {n}\n" for n in range(500)))
    assert first == "500 mistakes"
    assert lines[-1] == "and 470 more"


def test_a_value_that_is_endless_is_not_shown_whole():
    endless: dict[str, object] = {}
    endless["me"] = endless
    for value in (endless, "x" * 10**6, list(range(10**6)), 10**5000):
        with pytest.raises(ConfigError) as caught:
            subscribe_writers(RunEngine({}), {"CSV_DATA_FILES": {"ENABLE": value}})
        assert len(str(caught.value)) < 500
