"""A format is one record: those of ours say what is so, and one of others is as good as ours."""

from __future__ import annotations

import json
import logging
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from pydantic import Field

import bluescribe
from bluescribe import CsvWriter, JsonlWriter, NexusWriter, SpecWriter, Writer, subscribe_writers
from bluescribe.config.config import read_iconfig
from bluescribe.contract.plugin import FormatPlugin
from bluescribe.errors import ConfigError, DefinitionError, UnknownFormatError
from bluescribe.formats import format_names, load_format, load_plugin
from bluescribe.formats.csv import CsvFile, CsvSettings
from bluescribe.formats.jsonl import JsonlFile
from bluescribe.testing import RecordedRun
from bluescribe.testing.contract import in_json, received, same_value
from bluescribe.testing.contract.faults import Faults
from tests import lines_format
from tests.core.scanning import scan
from tests.installed import install
from tests.lines_format import LinesWriter
from tests.readers import jsonl
from tests.recovering import recover

OURS = ["csv", "dx", "hdf5", "json", "jsonl", "nexus", "spec", "tiff"]


# --- a format of others, in one file --------------------------------------------------------------


@pytest.fixture
def site(tmp_path):
    """Return a folder on the path of Python, with the file in it."""
    folder = tmp_path / "site"
    folder.mkdir()
    shutil.copy(lines_format.__file__, folder)
    yield folder
    sys.modules.pop("lines_format", None)


@pytest.fixture(params=["FORMAT", "LinesWriter"])
def installed(request, monkeypatch, site):
    """Install the format by its record, or as it was done before there were records."""
    if request.param == "LinesWriter":
        path = site / "lines_format.py"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if not line.startswith("FORMAT = ")))
    install(monkeypatch, site, lines=f"lines_format:{request.param}")
    return request.param


@pytest.fixture
def written(installed, engine, tmp_path):
    """Write a run live, as iconfig.yml says, and return the folder."""
    (tmp_path / "iconfig.yml").write_text(
        f"DATA_FILES:\n  FILE_NAME: run\n  DIRECTORY: {tmp_path / 'data'}\n"
        "JSONL_DATA_FILES:\n  ENABLE: true\n"
        "LINES_DATA_FILES:\n  ENABLE: true\n  GREETING: hello\n"
    )
    with subscribe_writers(engine, tmp_path / "iconfig.yml") as writers:
        engine(scan(3))
        assert writers.lines.status().runs_written == 1
    return tmp_path / "data"


def command(*args, site, cwd):
    """Run the command as a user runs it."""
    paths = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "bluescribe", *map(str, args)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def documents_in(path):
    first, *others = path.read_text().splitlines()
    return json.loads(first)[1], [json.loads(line) for line in others]


def test_its_block_switches_it_on_with_a_key_of_its_own(written):
    greeting, documents = documents_in(written / "run.lines")
    assert greeting == "hello"
    assert [tuple(pair) for pair in documents] == jsonl.read_documents(written / "run.jsonl")


def test_the_command_exports_to_it(written, site, tmp_path):
    for jobs in (1, 2):
        out = tmp_path / f"out{jobs}"
        wanted = ["--to", "lines", "--out", out, "--file-name", "x", "--jobs", jobs]
        command("export", written / "run.jsonl", *wanted, site=site, cwd=tmp_path)
        assert documents_in(out / "x.lines")[1] == documents_in(written / "run.lines")[1]


def test_the_command_finishes_its_files(written, site, tmp_path):
    whole = (written / "run.lines").read_bytes()
    (written / "run.lines").write_bytes(whole[: whole.index(b'["event"') + 5])
    told = command(
        *("recover", written, "--iconfig", tmp_path / "iconfig.yml"), site=site, cwd=tmp_path
    )
    assert "written anew" in told
    assert (written / "run.lines").read_bytes() == whole


def test_the_readme_of_a_zip_file_says_what_opens_it(installed, written, tmp_path):
    packing = pytest.importorskip("bluescribe.archive.packing")
    packing.zip_for_user(str(written / "run.jsonl"), tmp_path / "run.zip", ["lines"])
    with zipfile.ZipFile(tmp_path / "run.zip") as file:
        text = file.read("run/README.txt").decode()
    readers = "any editor" if installed == "FORMAT" else "see its documentation"
    assert f"* lines: {readers}\n" in text


class TestLines(Faults):
    """What goes wrong, in a format of others that takes documents as they come."""

    writer_class: ClassVar[type[Writer]] = LinesWriter

    def read_back(self, folder: Path) -> list[RecordedRun]:
        paths = sorted(folder.rglob("*.lines"))
        return [run for path in paths for run in received(documents_in(path)[1])]

    def same(self, expected, found):
        return same_value(in_json(expected), found)

    def same_metadata(self, expected, found):
        return same_value(in_json(expected), found)


# --- what is no format ----------------------------------------------------------------------------

NONE = {
    "lines_format:LinesFile": "is neither a FormatPlugin nor a Writer class: found <class 'lines_",
    "lines_format:read": "is neither a FormatPlugin nor a Writer class: found <function read",
    "lines_format:Missing": "cannot be imported: AttributeError: module 'lines_format' has no",
    "lines_formt:FORMAT": "cannot be imported: ModuleNotFoundError: No module named 'lines_formt'",
    "bluescribe.formats.csv:FORMAT": "has a writer with format = 'csv': give both one name",
    "bluescribe:Writer": "cannot be imported: DefinitionError: Writer has no format: add",
}


@pytest.fixture(params=NONE)
def refusal(request, monkeypatch, site):
    """Install what is no format, and return how it is told."""
    install(monkeypatch, site, lines=request.param)
    package = "the package others 1.2 names in the entry-point group bluescribe.formats, "
    return f"the format 'lines' is not there: {request.param}, which {package}{NONE[request.param]}"


def test_what_is_no_format_is_told_where_it_is_wanted(refusal, tmp_path):
    def refused(wanted, *arguments):
        with pytest.raises(ConfigError) as caught:
            wanted(*arguments)
        return caught.value

    for wanted in (load_plugin, load_format):
        error = refused(wanted, "lines")
        assert isinstance(error, UnknownFormatError)
        assert str(error).startswith(refusal)
        assert str(error).endswith("Mend that package or remove it")
    assert str(refused(bluescribe.export, [], tmp_path / "out", ["lines"])).startswith(refusal)
    block = {"LINES_DATA_FILES": {"ENABLE": True}}
    assert str(refused(read_iconfig, block)).count(refusal) == 1


def test_what_is_no_format_harms_no_other(refusal, tmp_path, caplog):
    (config,) = read_iconfig({"CSV_DATA_FILES": {"ENABLE": True}}).writers
    assert config.name == "csv"
    (tmp_path / "20261122-094501.jsonl").write_text('["start", {"uid": "a", "time": 1.0}]\n["ev')
    caplog.set_level(logging.WARNING)
    (step,) = recover(tmp_path).steps
    assert step.outcome == "mended"
    (told,) = [text for text in caplog.messages if "lines" in text]
    assert refusal in told


def test_a_folder_without_a_record_is_no_format(monkeypatch):
    monkeypatch.delattr("bluescribe.formats.csv.FORMAT")
    with pytest.raises(UnknownFormatError, match=r"csv/__init__\.py is no format: it needs"):
        load_plugin("csv")


def test_one_of_ours_that_cannot_be_imported_harms_no_other(monkeypatch, tmp_path, caplog):
    monkeypatch.setitem(sys.modules, "bluescribe.formats.nexus.runfile", None)
    with pytest.raises(UnknownFormatError, match=r"'nexus' cannot be imported: ModuleNotFoundErr"):
        load_plugin("nexus")
    assert not recover(tmp_path).steps
    (told,) = [text for text in caplog.messages if "not looked at" in text]
    assert told.startswith("nexus: its files are not looked at: the format 'nexus' cannot be imp")


# --- our records ----------------------------------------------------------------------------------


def test_each_of_ours_has_a_record_of_its_name():
    assert format_names()[: len(OURS)] == OURS
    for name in OURS:
        plugin = load_plugin(name)
        assert plugin.name == plugin.writer.format == name
        assert load_format(name) is plugin.writer
        assert plugin.readers != FormatPlugin.readers
        assert pickle.loads(pickle.dumps(plugin)) == plugin  # an export's processes get it


def test_a_format_opens_hdf5_if_its_record_says_so():
    program = """if True:
        import os, sys, bluescribe.formats as f
        for name in sys.argv[1:]:
            if not os.fork():  # each is loaded where no other was
                f.load_plugin(name)
                print(name, "h5py" in sys.modules, flush=True)
                os._exit(0)
            os.wait()
    """
    command = [sys.executable, "-c", program, *OURS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    wanted = [f"{name} {load_plugin(name).opens_hdf5}" for name in OURS]
    assert done.stdout.splitlines() == wanted


def test_a_format_copies_images_if_its_record_says_so():
    for name in OURS:
        plugin = load_plugin(name)
        images = plugin.settings.model_fields.get("images")
        assert (images is not None) is plugin.copies_images
        assert images is None or "'copy'" in str(images.annotation)


def test_spec_alone_may_share_files_and_the_journal_alone_takes_raw_documents(tmp_path):
    plugins = [load_plugin(name) for name in OURS]
    assert [plugin.name for plugin in plugins if plugin.may_share_files] == ["spec"]
    assert [plugin.name for plugin in plugins if plugin.takes_raw_documents] == ["jsonl"]
    assert [plugin.name for plugin in plugins if plugin.is_journal] == ["jsonl"]
    for one_file_a_run in (True, False):
        with SpecWriter(tmp_path, one_file_a_run=one_file_a_run) as writer:
            assert writer.shares_files is not one_file_a_run


# --- classes without a record ---------------------------------------------------------------------


def test_who_extends_a_format_can_what_it_can():
    class Mine(NexusWriter):
        format = "mine"

    plugin = FormatPlugin.of(Mine)
    assert (plugin.name, plugin.writer) == ("mine", Mine)
    assert plugin.opens_hdf5
    assert plugin.copies_images
    assert FormatPlugin.of(NexusWriter) is load_plugin("nexus")


def test_who_writes_other_files_is_another_format():
    others = {"file_class": CsvFile, "settings_class": CsvSettings}
    plugin = FormatPlugin.of(type("Mine", (NexusWriter,), others))
    assert not plugin.opens_hdf5
    assert not plugin.copies_images
    assert plugin.run_file is CsvFile


class ImageSettings(CsvSettings):
    images: Literal["copy", "name"] = Field("copy", description="Copy images")
    images_timeout: float = Field(60.0, description="Seconds")


def test_a_class_without_a_record_is_taken_for_what_it_shows():
    class Copying(Writer):
        format = "copying"
        file_class = CsvFile
        settings_class = ImageSettings

    plugin = FormatPlugin.of(Copying)
    assert plugin.copies_images


def test_a_record_that_its_writer_contradicts_is_refused():
    class Copying(CsvWriter):
        format = "copying"

    with pytest.raises(DefinitionError, match="CsvSettings needs the fields images and images_tim"):
        FormatPlugin(Copying, copies_images=True)


def test_a_class_that_shares_files_may_do_so():
    class Sharing(JsonlWriter):
        format = "sharing"

        @property
        def shares_files(self):
            return True

    assert FormatPlugin.of(Sharing).may_share_files
    assert FormatPlugin.of(Sharing).run_file is JsonlFile
