"""Names that nobody would look at or call are refused; what is a subclass's own stays free."""

from __future__ import annotations

import json
from abc import abstractmethod

import pytest

from bluescribe import JsonlWriter, NexusWriter, SpecWriter, Writer, subscribe_writers
from bluescribe.contract.runfile import RunFile
from bluescribe.contract.settings import WriterSettings
from bluescribe.delivery import load_delivery
from bluescribe.errors import DefinitionError, UnknownAttributeError
from bluescribe.formats import format_names, load_format
from bluescribe.formats.jsonl import JsonlFile
from bluescribe.formats.nexus import NexusFile
from bluescribe.formats.spec import SpecFile
from tests.core.scanning import WHOLE, names, scan

WRITERS = [load_format(name) for name in format_names()]

# --- attributes that are assigned -----------------------------------------------------------------


@pytest.mark.parametrize("writer_class", WRITERS)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("file_path", "the folder is the setting directory"),
        ("on_error", r"Writer\(\.\.\., on_error=\.\.\.\), or ON_ERROR in iconfig\.yml"),
        ("warn_on_missing_content", "the setting warn_missing"),
        ("nxdata_signal", "the setting signal"),
        ("enable", "set enabled of the writer"),
        ("foo", "an attribute of your own is declared in a subclass"),
        ("_private", "an attribute of your own is declared in a subclass"),
        ("flsh", r"did you mean flush\?"),
        ("settings", "settings are given when the writer is made: directory, file_name"),
        ("interval", "it is decided when the writer is made"),
        ("file_class", "it is decided when the writer is made"),
        ("receiver", "cannot be assigned"),
        ("spec_filename", r"newfile\(title\)"),
    ],
)
def test_an_attribute_that_nobody_looks_at_is_refused(tmp_path, writer_class, name, words):
    with writer_class(tmp_path) as writer:
        with pytest.raises(UnknownAttributeError, match=words) as caught:
            setattr(writer, name, "x")
        assert str(caught.value).startswith(f"{writer_class.__name__}.{name} cannot be assigned")
        assert isinstance(caught.value, AttributeError)


def test_all_writers_and_a_delivery_refuse_them_too(engine, tmp_path):
    content = {"DATA_FILES": {"DIRECTORY": str(tmp_path)}, "CSV_DATA_FILES": {"ENABLE": True}}
    with subscribe_writers(engine, content) as writers:
        for name in ("foo", "file_path", "csv", "nexus", "enable"):
            with pytest.raises(UnknownAttributeError, match=rf"^Writers\.{name} cannot be assig"):
                setattr(writers, name, None)
        with pytest.raises(UnknownAttributeError, match=r"^CsvWriter\.enable cannot be assigned"):
            writers.csv.enable = False
    delivery = load_delivery("globus")
    with pytest.raises(UnknownAttributeError, match=r"\.enabled cannot be assigned"):
        delivery.__new__(delivery).enabled = False


class Counting(JsonlWriter):
    """A subclass with attributes of its own."""

    label: str
    limit = 5

    def __init__(self, directory, **settings):
        self.runs = 0
        super().__init__(directory, **settings)
        self._names = []

    @property
    def sample(self):
        """What a running session may set."""
        return self._sample

    @sample.setter
    def sample(self, name):
        self._sample = name

    def __call__(self, name, doc):
        """Count runs."""
        if name == "start":
            self.runs += 1
            self.latest = doc["uid"]
        super().__call__(name, doc)


def test_a_subclass_has_attributes_of_its_own(engine, tmp_path):
    with Counting(tmp_path) as writer:
        writer.label, writer.limit, writer.runs, writer._names = "mine", 6, 0, ["x"]
        writer.sample = "steel"
        engine.subscribe(writer.receiver)
        engine(scan())
        assert (writer.runs, writer.sample, writer.label) == (1, "steel", "mine")
        with pytest.raises(UnknownAttributeError, match=r"did you mean label\?"):
            writer.labl = "x"
    (path,) = tmp_path.glob("*.jsonl")
    assert names(path) == WHOLE
    assert json.loads(path.read_text().splitlines()[0])[1]["uid"] == writer.latest


# --- hooks that are defined -----------------------------------------------------------------------


def method(self, *args, **kwargs):
    """Stand in for a hook of a user."""


APSTOOLS = [
    "get_sample_title", "write_entry", "write_sample", "write_user", "write_slits", "write_stream_e"
    "xternal", "write_root", "write_undulator", "make_file_name", "getResourceFile", "clear",
    "start", "descriptor", "event", "stop", "writer", "wait_writer", "get_stream_link",
    "write_scan_header", "prepare_scan_contents", "assign_signal_type",
]  # fmt: skip


@pytest.mark.parametrize("base", [Writer, NexusWriter, SpecWriter, RunFile, NexusFile, SpecFile])
@pytest.mark.parametrize("name", APSTOOLS)
def test_a_hook_of_apstools_is_refused_with_what_takes_its_place(base, name):
    with pytest.raises(DefinitionError, match=rf"^Mine\.{name} would never be called: it is a na"):
        type("Mine", (base,), {name: method})


@pytest.mark.parametrize(
    ("base", "name", "meant"),
    [
        (NexusFile, "extends", "extend"),
        (NexusFile, "titel", "title"),
        (NexusFile, "accept", "accepts"),
        (NexusFile, "filename", "file_name"),
        (NexusFile, "resource_paths", "resource_path"),
        (JsonlFile, "write_event", "write_events"),
        (RunFile, "add_descriptors", "add_descriptor"),
        (SpecFile, "abandone", "abandon"),
        (NexusWriter, "prepared", "prepare"),
        (SpecWriter, "new_file", "newfile"),
    ],
)
def test_a_misspelt_hook_is_refused(base, name, meant):
    with pytest.raises(DefinitionError, match=rf"Mine\.{name} would never .* you mean {meant}\?"):
        type("Mine", (base,), {name: method})


@pytest.mark.parametrize("name", ["accepts", "file_name", "title", "extend", "write_events"])
def test_a_hook_of_the_file_does_not_belong_into_the_writer(name):
    with pytest.raises(DefinitionError, match=r"define it in a subclass of NexusFile, and name"):
        type("Mine", (NexusWriter,), {name: method})


@pytest.mark.parametrize("name", ["prepare", "recovery", "go_on"])
def test_a_hook_of_the_writer_does_not_belong_into_the_file(name):
    with pytest.raises(DefinitionError, match=r"define it in the subclass of Writer"):
        type("Mine", (NexusFile,), {name: method})


@pytest.mark.parametrize(
    ("base", "name", "value", "words"),
    [
        (NexusFile, "nxdata_signal", "I0", "would never be looked at: .* the setting signal"),
        (NexusWriter, "nxdata_signal", "I0", "would never be looked at: .* the setting signal"),
        (NexusWriter, "warn_on_missing_content", False, "the setting warn_missing"),
        (NexusWriter, "signal", "I0", "it is a setting, given when the writer is made: signal="),
        (JsonlFile, "directory", "data", "it is a setting"),
        (NexusFile, "file_name", "scan", r"has to be a method, file_name\(self, run\)"),
        (NexusFile, "accepts", lambda self: True, r"is called as accepts\(self, run\)"),
        (NexusFile, "extend", lambda self: None, r"called as extend\(self, entry, run\)"),
        (NexusWriter, "receiver", method, "has to be a property"),
        (Writer, "settings_class", dict, "has to be a subclass of WriterSettings"),
    ],
)
def test_what_cannot_be_called_or_seen_is_refused(base, name, value, words):
    with pytest.raises(DefinitionError, match=words):
        type("Mine", (base,), {name: value})


def test_helpers_of_a_subclass_stay_free(engine, tmp_path):
    class Titled(NexusFile):
        prefix = "run of"

        def title(self, run, *more):
            return f"{self.prefix} {self.write_sample(run)}"

        def write_sample(self, run):
            """Has a name of apstools, and is called."""
            return "".join(self.titles() for _ in range(1))

        def titles(self):
            """Is nearly a hook, and is called."""
            return "mine"

        @staticmethod
        def shared():
            """Is a helper for others."""

    class TitledWriter(NexusWriter):
        file_class = Titled

        def report(self):
            """Tell users something."""
            return str(self.status().last_file)

    import h5py

    with TitledWriter(tmp_path) as writer:
        engine.subscribe(writer.receiver)
        engine(scan())
        with h5py.File(writer.report()) as file:
            assert file["entry/title"][()].decode() == "run of mine"


# --- what a class needs ---------------------------------------------------------------------------


class Half(RunFile[WriterSettings]):
    """A file that lacks methods: good as a base, but not for a writer."""

    def open(self, run):
        """Do nothing."""

    def add_descriptor(self, stream, descriptor):
        """Do nothing."""

    def sync(self):
        """Do nothing."""

    @abstractmethod
    def write_header(self):
        """Have a subclass write it."""


class HalfWriter(Writer):
    """A base of writers, which makes none itself."""

    file_class = Half


def test_a_writer_that_lacks_something_is_told_when_it_is_made(tmp_path):
    class Empty(Writer):
        pass

    class Named(Writer):
        format = "xy"

    class Lost(HalfWriter):
        format = "xy"

    class Wrong(Writer):
        format = "xy"
        file_class = dict  # type: ignore[assignment]  # what is tried

    for cls, words in [
        (Writer, r"^Writer has no format: add  format = "),
        (Empty, r"^Empty has no format: add  format = "),
        (Named, r"^Named has no file_class: add  file_class = XyFile"),
        (HalfWriter, r"^HalfWriter has no format"),
        (Wrong, r"^Wrong has no file_class: .* found <class 'dict'>"),
        (Lost, r"Lost cannot write: its file_class Half lacks abandon\(self\), close\(self, stop\),"
               r" write_events\(self, stream, page\), write_header\(self\)$"),
    ]:  # fmt: skip
        with pytest.raises(DefinitionError, match=words):
            cls(tmp_path)


def test_a_base_that_lacks_something_serves_those_that_have_it(engine, tmp_path):
    class Whole(Half):
        def write_header(self):
            """Be called by nobody: it is a hook of the base."""

        def write_events(self, stream, page):
            pass

        def close(self, stop):
            pass

        def abandon(self):
            pass

    class WholeWriter(HalfWriter):
        format = "xy"
        file_class = Whole

    with WholeWriter(tmp_path) as writer:
        engine.subscribe(writer.receiver)
        engine(scan())
        assert writer.status().runs_written == 1


def test_settings_that_the_file_does_not_take_are_told_when_the_writer_is_made(tmp_path):
    class Other(Writer):
        format = "xy"
        file_class = NexusFile

    words = "settings_class = WriterSettings, but its file_class NexusFile takes NexusSettings"
    with pytest.raises(DefinitionError, match=words):
        Other(tmp_path)


def test_a_file_that_cannot_be_made_is_a_failure_of_the_run(engine, tmp_path, caplog):
    class Demanding(JsonlFile):
        def __init__(self, settings, more):
            super().__init__(settings)

    class DemandingWriter(JsonlWriter):
        file_class = Demanding

    with DemandingWriter(tmp_path) as writer:
        engine.subscribe(writer.receiver)
        engine(scan())
        (failure,) = writer.status().failures
        assert writer.status().documents_refused == 0
    assert "no file could be made: TypeError" in failure.cause
    (told,) = [r.getMessage() for r in caplog.records if r.name.startswith("bluescribe")]
    assert "is INCOMPLETE: no file could be made" in told
