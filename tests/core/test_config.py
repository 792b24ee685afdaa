"""iconfig.yml: what it switches on, and what each mistake in it is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from bluescribe.config.config import read_iconfig
from bluescribe.errors import ConfigError, UnknownFormatError
from bluescribe.files.run_paths import DEFAULT_TEMPLATE

BITS = """
    ICONFIG_VERSION: 2.0.0
    RUN_ENGINE: {DEFAULT_METADATA: {beamline_id: demo}, MD_PATH: .re_md}
    BEC: {BASELINE: true}
    OPHYD: {CONTROL_LAYER: PyEpics, TIMEOUTS: {PV_READ: 5}}
    SPEC_DATA_FILES: {ENABLE: true, FILE_EXTENSION: dat}
    NEXUS_DATA_FILES: {ENABLE: true, FILE_EXTENSION: hdf, WARN_MISSING: false}
    LOGGING: {}
    1: a key that is a number
"""


@pytest.fixture
def iconfig(tmp_path):
    """Return what writes an iconfig.yml."""

    def write(text: str) -> Path:
        path = tmp_path / "iconfig.yml"
        path.write_text(dedent(text).lstrip("\n"))
        return path

    return write


def one(path):
    (config,) = read_iconfig(path).writers
    return config.settings


def error_of(path, kind=ConfigError):
    with pytest.raises(kind) as caught:
        read_iconfig(path)
    return str(caught.value)


def test_nothing_is_on_that_is_not_switched_on(iconfig):
    assert read_iconfig(iconfig("CSV_DATA_FILES: {ENABLE: false}")).writers == []
    assert read_iconfig(iconfig("CSV_DATA_FILES:")).writers == []
    assert read_iconfig(iconfig("# nothing but a comment")).writers == []


def test_what_is_not_set_has_its_default(iconfig):
    settings = one(iconfig("JSONL_DATA_FILES: {ENABLE: true, DIRECTORY: , ON_ERROR: ~}"))
    assert settings.directory == Path()
    assert settings.file_name == DEFAULT_TEMPLATE
    assert (settings.file_extension, settings.on_error) == ("jsonl", "warn")
    assert (settings.retry_seconds, settings.drain_timeout) == (30, 5)


def test_a_block_overrides_the_shared_one(iconfig):
    path = iconfig("""
        DATA_FILES: {DIRECTORY: data, ON_ERROR: abort, RETRY_SECONDS: 3}
        JSONL_DATA_FILES: {ENABLE: true, DIRECTORY: journals, RETRY_SECONDS: }
        SPEC_DATA_FILES: {ENABLE: true}
    """)
    jsonl, spec = (config.settings for config in read_iconfig(path).writers)
    assert (jsonl.directory, jsonl.on_error, jsonl.retry_seconds) == (Path("journals"), "abort", 3)
    assert (spec.directory, spec.on_error) == (Path("data"), "abort")


def test_the_content_may_be_given_as_a_dict():
    content = {"JSONL_DATA_FILES": {"ENABLE": True, "DIRECTORY": "x"}}
    assert one(content).directory == Path("x")
    assert error_of({"JSONL_DATA_FILES": {"ENABLED": True}}).startswith(
        "iconfig: JSONL_DATA_FILES.ENABLED: unknown key; did you mean ENABLE?"
    )


def test_a_writer_is_made_of_its_settings(iconfig, tmp_path):
    (config,) = read_iconfig(
        iconfig(f"SPEC_DATA_FILES: {{ENABLE: true, DIRECTORY: {tmp_path}}}")
    ).writers
    writer = config.make()
    assert type(writer).__name__ == "SpecWriter"
    assert writer.settings == config.settings


def test_keys_of_other_concerns_are_left_alone(iconfig, caplog):
    spec, nexus = read_iconfig(iconfig(BITS)).writers
    assert (spec.name, spec.settings.file_extension) == ("spec", "dat")
    assert (nexus.name, nexus.settings.file_extension) == ("nexus", "hdf")
    assert nexus.settings.model_dump()["warn_missing"] is False
    assert not caplog.records


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            "\nCSV_DATA_FILES:\n  ENABLE: true\n  DIRECTRY: x",
            (
                4,
                "CSV_DATA_FILES.DIRECTRY",
                "unknown key",
                "did you mean DIRECTORY? Allowed are ENABLE, DIRECTORY, FILE_NAME",
            ),
        ),
        (
            "CSV_DATA_FILES:\n  enable: true",
            (2, "CSV_DATA_FILES.enable", "unknown key", "did you mean ENABLE?"),
        ),
        (
            "SPEC_DATA_FILES: {ENABLE: false, WARN_MISING: true}",
            (1, "SPEC_DATA_FILES.WARN_MISING", "unknown key", "ONE_FILE_A_RUN"),
        ),
        ("DATA_FILES:\n  ENABLE: true", (2, "DATA_FILES.ENABLE", "unknown key", "DIRECTORY")),
        (
            "DATA_FILES:\n  FILE_EXTENSION: dat",
            (
                2,
                "DATA_FILES.FILE_EXTENSION",
                "unknown key",
                "Allowed are DIRECTORY, FILE_NAME, ON_ERROR",
            ),
        ),
        (
            "CSV_DATA_FILES:\n\n  ENABLE: true\n  ON_ERROR: stop",
            (4, "CSV_DATA_FILES.ON_ERROR", "found 'stop'", "'warn' or 'abort'"),
        ),
        (
            "DATA_FILES:\n  ON_ERROR: stop\nCSV_DATA_FILES:\n  ENABLE: true",
            (2, "DATA_FILES.ON_ERROR", "found 'stop'", "'warn' or 'abort'"),
        ),
        (
            "CSV_DATA_FILES:\n  ENABLE: true\n  ON_ERROR: stop\nDATA_FILES:\n  ON_ERROR: warn",
            (3, "CSV_DATA_FILES.ON_ERROR", "found 'stop'", "'warn' or 'abort'"),
        ),
        (
            "DATA_FILES:\n  ON_ERROR: stop\nCSV_DATA_FILES:\n  ENABLE: true\n  ON_ERROR:",
            (2, "DATA_FILES.ON_ERROR", "found 'stop'", "'warn' or 'abort'"),
        ),
        (
            "DATA_FILES:\n  RETRY_SECONDS: -1\nCSV_DATA_FILES: {ENABLE: true}",
            (2, "DATA_FILES.RETRY_SECONDS", "found -1", "greater than or equal to 0"),
        ),
        (
            "DATA_FILES: {FILE_NAME: '{uid'}\nCSV_DATA_FILES: {ENABLE: true}",
            (1, "DATA_FILES.FILE_NAME", "found '{uid'", "see {time:"),
        ),
        (
            "DATA_FILES: {DIRECTORY: 'data/{uid'}\nCSV_DATA_FILES: {ENABLE: true}",
            (1, "DATA_FILES.DIRECTORY", "data/{uid", "see {time:"),
        ),
        (
            "CSV_DATA_FILES:\n  ENABLE: 1",
            (2, "CSV_DATA_FILES.ENABLE", "found 1", "allowed are true and false"),
        ),
        (
            "CSV_DATA_FILES: {ENABLE: 'yes'}",
            (1, "CSV_DATA_FILES.ENABLE", "found 'yes'", "allowed are true and false"),
        ),
        (
            "CSV_DATA_FILES:\n  ENABLE:",
            (2, "CSV_DATA_FILES.ENABLE", "found None", "allowed are true and false"),
        ),
        (
            "A: 1\nCSV_DATA_FILES: true",
            (2, "CSV_DATA_FILES", "found True", "a block of keys is needed"),
        ),
        ("DATA_FILES: [a]", (1, "DATA_FILES", "found ['a']", "a block of keys is needed")),
        (
            "CSV_DATA_FILES:\n  ENABLE: true\n  ENABLE: false",
            (3, "CSV_DATA_FILES.ENABLE", "stands a second time, after line 2", "keep one"),
        ),
        (
            "CSV_DATA_FILES: {}\nA: 1\nCSV_DATA_FILES: {}",
            (3, "CSV_DATA_FILES", "stands a second time, after line 1", "keep one"),
        ),
        (
            "NEXUS_FILE_EXTENSION: hdf\nNEXUS_FILE_EXTENSION: h5",
            (2, "NEXUS_FILE_EXTENSION", "stands a second time", "keep one"),
        ),
        (
            "WRITE_SPEC_DATA_FILES: true\nSPEC_DATA_FILES: {ENABLE: false}",
            (1, "WRITE_SPEC_DATA_FILES", "found True", "SPEC_DATA_FILES.ENABLE says False"),
        ),
        (
            "A: 1\nWRITE_SPEC_DATA_FILES: maybe",
            (2, "WRITE_SPEC_DATA_FILES", "found 'maybe'", "allowed are true and false"),
        ),
        (
            "WRITE_NEXUS_DATA_FILES: true\nNEXUS_FILE_EXTENSION: 5",
            (2, "NEXUS_FILE_EXTENSION", "found 5", "valid string"),
        ),
    ],
)
def test_a_mistake_names_file_line_key_found_and_allowed(iconfig, text, mistake):
    path = iconfig("")
    path.write_text(text)
    line, key, found, allowed = mistake
    message = error_of(path)
    assert message.startswith(f"{path}, line {line}: {key}: "), message
    assert found in message
    assert allowed in message


def test_an_unknown_format_names_those_that_are_known(iconfig):
    message = error_of(iconfig("SPECK_DATA_FILES: {ENABLE: true}"), UnknownFormatError)
    assert "line 1: SPECK_DATA_FILES: unknown format; did you mean SPEC_DATA_FILES?" in message
    for known in ("CSV", "JSONL", "NEXUS", "SPEC"):
        assert f"{known}_DATA_FILES" in message


def test_a_near_miss_of_a_block_that_switches_on_is_refused(iconfig):
    path = iconfig("A: 1\nSPEC_DATA_FILE: {ENABLE: true}\nspec_data_files: {ENABLE: true}")
    first, near, lower = error_of(path).splitlines()
    assert first == f"{path}: 2 mistakes"
    assert near.startswith(f"{path}, line 2: SPEC_DATA_FILE: is it SPEC_DATA_FILES?")
    assert lower.startswith(f"{path}, line 3: spec_data_files: is it SPEC_DATA_FILES?")


def test_a_near_miss_that_switches_nothing_on_is_told_and_not_read(iconfig, caplog):
    path = iconfig("A: 1\nSPEC_DATA_FILE: {PATH: x}\nNEXUS_FILE_EXTENSIONS: hdf")
    assert read_iconfig(path).writers == []
    block, older = (record.getMessage() for record in caplog.records)
    assert f"{path}, line 2: SPEC_DATA_FILE: is it SPEC_DATA_FILES? Nothing is read" in block
    assert "line 3: NEXUS_FILE_EXTENSIONS: is it NEXUS_FILE_EXTENSION? Nothing is read" in older


def test_the_older_keys_switch_on(iconfig):
    path = iconfig("""
        WRITE_SPEC_DATA_FILES: true
        WRITE_NEXUS_DATA_FILES: true
        NEXUS_FILE_EXTENSION: h5
        NEXUS_WARN_MISSING_CONTENT: true
    """)
    configs = {config.name: config.settings for config in read_iconfig(path).writers}
    assert set(configs) == {"spec", "nexus"}
    assert configs["nexus"].file_extension == "h5"
    assert configs["nexus"].model_dump()["warn_missing"] is True


def test_an_older_key_may_agree_with_its_block(iconfig):
    path = iconfig("WRITE_SPEC_DATA_FILES: true\nSPEC_DATA_FILES: {ENABLE: true}")
    assert one(path).file_extension == "dat"


@pytest.mark.parametrize("text", ["- CSV_DATA_FILES", "CSV_DATA_FILES", "5"])
def test_what_is_not_a_mapping_is_told_with_the_file(iconfig, text):
    path = iconfig(text)
    assert error_of(path).startswith(f"{path}: a mapping of keys is needed, found a ")


def test_a_missing_file_is_named(tmp_path):
    assert str(tmp_path / "none.yml") in error_of(tmp_path / "none.yml", FileNotFoundError)


def test_merged_keys_may_be_overridden(iconfig):
    path = iconfig("""
        ALL: &all
          DIRECTORY: data
          ON_ERROR: stop
        CSV_DATA_FILES:
          <<: *all
          ENABLE: true
          DIRECTORY: tables
    """)
    assert f"{path}, line 4: CSV_DATA_FILES.ON_ERROR: found 'stop'" in error_of(path)
    path.write_text(path.read_text().replace("stop", "warn"))
    assert one(path).directory == Path("tables")


def test_a_structure_that_contains_itself_is_left_alone(iconfig):
    assert one(iconfig("A: &a {b: *a}\nCSV_DATA_FILES: {ENABLE: true}"))


def test_a_format_that_is_off_is_not_imported(iconfig):
    path = iconfig("""
        JSONL_DATA_FILES: {ENABLE: true}
        NEXUS_DATA_FILES: {ENABLE: false, FILE_EXTENSION: hdf}
        SPEC_DATA_FILES: {ENABLE: false}
    """)
    program = f"""
        import sys
        from bluescribe.config.config import read_iconfig
        assert [config.name for config in read_iconfig({str(path)!r}).writers] == ["jsonl"]
        unwanted = {{"h5py", "bluesky", "bluescribe.formats.nexus", "bluescribe.formats.spec"}}
        assert not unwanted & set(sys.modules), unwanted & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", dedent(program)], check=True)


def test_folders_of_iocs_are_read_for_all_formats_or_one(tmp_path):
    file = tmp_path / "iconfig.yml"
    file.write_text(
        """
DATA_FILES:
  PATH_MAP: {/mnt/ioc: /share/data, 'Z:\\': /share/z}
NEXUS_DATA_FILES:
  ENABLE: true
CSV_DATA_FILES:
  ENABLE: true
  PATH_MAP:
    C:\\data: ~/eiger
"""
    )
    maps = {config.name: config.settings.path_map for config in read_iconfig(file).writers}
    assert maps["nexus"] == {"/mnt/ioc": Path("/share/data"), "Z:\\": Path("/share/z")}
    assert maps["csv"] == {"C:\\data": Path.home() / "eiger"}


@pytest.mark.parametrize("value", ["/mnt/ioc", "{mnt: /share}", "{/mnt: share}", "{/mnt: 5}"])
def test_folders_that_cannot_be_meant_name_their_line(tmp_path, value):
    file = tmp_path / "iconfig.yml"
    file.write_text(f"DATA_FILES:\n  PATH_MAP: {value}\nCSV_DATA_FILES:\n  ENABLE: true\n")
    with pytest.raises(ConfigError, match=r"line 2: DATA_FILES.PATH_MAP: found "):
        read_iconfig(file)


# --- deliveries -----------------------------------------------------------------------------------

GLOBUS = """
    CSV_DATA_FILES: {ENABLE: true}
    GLOBUS:
      ENABLE: true
      SOURCE_ENDPOINT: 11111111-0000-4000-8000-111111111111
      DESTINATION_ENDPOINT: 22222222-0000-4000-8000-222222222222
      LOCAL_ROOT: /data
      DESTINATION_PATH: /beamline
"""


def test_a_delivery_is_switched_on_beside_the_formats(iconfig):
    found = read_iconfig(iconfig(GLOBUS))
    assert [config.name for config in found.writers] == ["csv"]
    (config,) = found.deliveries
    assert config.name == "globus"
    assert (config.settings.outbox, config.delivery_class.name) == (None, "globus")
    off = GLOBUS.replace("GLOBUS:\n      ENABLE: true", "GLOBUS:\n      ENABLE: false")
    assert not read_iconfig(iconfig(off)).deliveries


@pytest.mark.parametrize("block", ["GLOBUS: a name", "GLOBUS: {COLLECTION: x}", "TILED: [1, 2]"])
def test_what_belongs_to_other_software_is_left_alone(iconfig, caplog, block):
    assert not read_iconfig(iconfig(block)).deliveries
    assert not caplog.records


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("LOCAL_ROTO: /data", "line 8: GLOBUS.LOCAL_ROTO: unknown key; did you mean LOCAL_ROOT?"),
        ("LOCAL_ROOT: /x", "line 8: GLOBUS.LOCAL_ROOT: stands a second time, after line 6"),
        ("NOTIFY: never", "line 8: GLOBUS.NOTIFY: found 'never'; input should be 'all', "),
        ("SECRET: hunter2", "line 8: GLOBUS.SECRET: found something (not shown); a secret does"),
    ],
)
def test_a_mistake_in_a_delivery_is_told_with_its_line(iconfig, line, message):
    path = iconfig(f"{GLOBUS.rstrip()}\n      {line}\n")
    assert error_of(path).startswith(f"{path}, {message}")


def test_a_delivery_that_stands_twice_is_told(iconfig):
    path = iconfig(f"{GLOBUS}\n    GLOBUS: {{X: 1}}\n")
    assert "line 9: GLOBUS: stands a second time, after line 2" in error_of(path)


def test_a_near_miss_of_a_delivery_that_is_on_is_refused(iconfig):
    assert "line 1: GLOBSU: is it GLOBUS?" in error_of(iconfig("GLOBSU: {ENABLE: true}"))


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("globus: {enable: true}", "globus: is it GLOBUS?"),
        ("GLOBUS: {ENABLED: true}", "GLOBUS: it has no ENABLE"),
    ],
)
def test_what_is_nearly_a_delivery_is_told(iconfig, caplog, block, message):
    assert not read_iconfig(iconfig(block)).deliveries
    assert message in caplog.text
    assert "Nothing is read from it." in caplog.text
