"""What public instruments do with apstools' writers: one import changes, and it goes on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import h5py
import pytest
from bluesky import SupplementalData
from ophyd.sim import SynAxis, SynGauss

from bluescribe.compat import apstools as ours
from tests.compat.side_by_side import instrument, unequal_scans
from tests.conftest import PROCESS
from tests.formats.beamline import APS, signals
from tests.formats.test_nexus_apstools import unequal

theirs = pytest.importorskip("apstools.callbacks")

MOTOR = SynAxis(name="motor", labels={"motor"})
DET = SynGauss("det", MOTOR, "motor", center=0, Imax=1, sigma=1)


@pytest.fixture(autouse=True, params=["threads", pytest.param("processes", marks=pytest.mark.ci)])
def _way_of_writing(request, monkeypatch, tmp_path):
    monkeypatch.setenv(PROCESS, str(request.param == "processes").lower())
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def closing():
    """Callbacks that are closed at the end of a test."""
    made: list[Any] = []
    yield made
    for callback in made:
        callback.close()


def both(closing: list[Any], make: Any) -> tuple[Any, Any]:
    """Return what `make` makes of our classes, and of those of apstools."""
    ours_made, theirs_made = make(ours), make(theirs)
    closing.append(ours_made)
    return ours_made, theirs_made


def scan(**md: Any) -> Any:
    return bp.scan([DET], MOTOR, -1, 1, 3, md=md)


def title(path: Path) -> str:
    with h5py.File(path) as root:
        return str(root["entry/title"][()].decode())


def test_a_subclass_says_the_title(closing):
    def make(callbacks: Any) -> Any:
        class MyNXWriter(callbacks.NXWriterAPS):  # type: ignore[misc]  # one or the other
            def get_sample_title(self) -> str:
                try:
                    return f"S{self.scan_id:05d}-{self.metadata['sample']}"
                except KeyError:
                    return f"S{self.scan_id:05d}-{self.plan_name}-{self.uid[:7]}"

        return MyNXWriter()

    nxwriter, other = both(closing, make)
    other.file_extension = "theirs.h5"
    RE = instrument(nxwriter, other)
    for md in ({"sample": "LaB6"}, {}, {"title": "said", "sample": "LaB6"}):
        RE(scan(**md))
        assert list(unequal(other.output_nexus_file, nxwriter.output_nexus_file)) == []
        assert title(nxwriter.output_nexus_file) == title(other.output_nexus_file)


def test_attributes_from_the_configuration(closing, caplog, tmp_path):
    iconfig = {"NEXUS_FILE_EXTENSION": "h5", "NEXUS_WARN_MISSING_CONTENT": False}

    def make(callbacks: Any) -> Any:
        nxwriter = callbacks.NXWriterAPS()
        nxwriter.file_extension = iconfig.get("NEXUS_FILE_EXTENSION", "hdf")
        nxwriter.warn_on_missing_content = iconfig.get("NEXUS_WARN_MISSING_CONTENT", False)
        nxwriter.instrument_name = "1-BM"
        return nxwriter

    nxwriter, other = both(closing, make)
    other.file_path = tmp_path / "theirs"
    other.file_path.mkdir()
    RE = instrument(nxwriter, other)
    RE.preprocessors.append(SupplementalData(baseline=signals(APS)))
    RE(scan())
    path = nxwriter.output_nexus_file
    assert path.name == other.output_nexus_file.name  # time, scan and uid, and the ending
    assert path.parent == tmp_path
    assert list(unequal(other.output_nexus_file, path)) == []
    told = [r.getMessage() for r in caplog.records if r.name.startswith("bluescribe")]
    assert not [text for text in told if "not all is on disk after" not in text]
    with h5py.File(path) as found, h5py.File(other.output_nexus_file) as expected:
        assert found.attrs["instrument"] == expected.attrs["instrument"] == "1-BM"


def test_the_spec_file_is_named_and_commented(closing, tmp_path):
    specwriter, other = both(closing, lambda callbacks: callbacks.SpecWriterCallback2())
    specwriter.newfile(Path.cwd() / specwriter.spec_filename)
    RE = instrument(specwriter, other)
    path = ours.newSpecFile("LaB6, 5 K", scan_id=6, RE=RE)
    other.newfile("theirs.dat")
    assert path.name == f"{time.strftime('%m_%d')}_LaB6__5_K.dat"
    assert not path.exists()

    def commented() -> Any:
        yield from ours.spec_comment("before it")  # as a plan
        yield from scan(sample="LaB6")
        ours.spec_comment("behind it", writer=specwriter)  # as a function
        theirs.spec_comment("by the function of apstools", None, specwriter)
        yield from scan()

    RE(commented())
    specwriter._cmt("stop", "at its end")
    assert specwriter.buffered_comments["stop"][0].endswith(".  at its end")
    RE(scan())
    assert list(unequal_scans(tmp_path / "theirs.dat", path)) == []
    text = path.read_text()
    said = ["before it", "#S 7", "#L", "behind it", "apstools", "#S 9", "#L", "at its end"]
    first, second, third = (text.index(f"#S {n} ") for n in (7, 8, 9))
    assert first < text.index("before it") < second
    assert second < text.index("behind it") < text.index("by the function of apstools") < third
    assert text.index("at its end") > text.index("#L", third), said

    assert ours.newSpecFile("LaB6, 5 K", RE=RE) == path  # it is there: the numbers go on
    assert RE.md["scan_id"] == specwriter.scan_id == 9


def test_motors_that_the_instrument_records_are_positions(closing, tmp_path):
    from apstools.plans import label_stream_wrapper

    specwriter, other = both(closing, lambda callbacks: callbacks.SpecWriterCallback2())
    other.newfile("theirs.dat")
    RE = instrument(specwriter, other)
    motors = {"m1": SynAxis(name="m1", value=1.25, labels={"motor"}), "motor": MOTOR}
    RE.preprocessors.append(
        lambda plan: label_stream_wrapper(plan, ["motor"], when="start", ns=motors)
    )
    RE(bp.count([DET], num=2))
    assert list(unequal_scans(tmp_path / "theirs.dat", specwriter.spec_filename)) == []
    assert "#P0 1.25" in specwriter.spec_filename.read_text()


def test_code_that_changes_the_directory(closing, tmp_path, monkeypatch):
    nxwriter, other = both(closing, lambda callbacks: callbacks.NXWriter())
    specwriter, other_spec = both(closing, lambda callbacks: callbacks.SpecWriterCallback2())
    other.file_extension = "theirs.h5"
    other_spec.newfile("theirs.dat")
    RE = instrument(nxwriter, other, specwriter, other_spec)
    for number, name in enumerate(("user1", "user2", "user1")):
        (tmp_path / name).mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / name)
        RE(scan())
        assert nxwriter.output_nexus_file.parent == tmp_path / name
        assert list(unequal(Path.cwd() / other.output_nexus_file, nxwriter.output_nexus_file)) == []
        assert specwriter.spec_filename.exists()
        if number == 2:
            assert list(unequal_scans(Path("theirs.dat"), specwriter.spec_filename)) == []
    assert len(list(tmp_path.glob("user?/*.hdf"))) == 3
    assert not list(tmp_path.glob("*.hdf"))


def test_names_that_a_plan_says(closing, tmp_path):
    nxwriter, other = both(closing, lambda callbacks: callbacks.NXWriter())
    RE = instrument(nxwriter, other)

    def measure(name: str) -> Any:
        for writer, folder in ((nxwriter, "ours"), (other, "theirs")):
            (tmp_path / folder).mkdir(exist_ok=True)
            writer.file_name = tmp_path / folder / name
            writer.nxdata_signal = "motor_setpoint"
        assert isinstance(nxwriter.file_name, Path)
        yield from scan(full_name=nxwriter.file_name.name)
        for writer in (nxwriter, other):
            yield from writer.wait_writer_plan_stub()

    for name in ("Fe {at 5 K}.h5", "scan.001", "no_ending"):
        RE(measure(name))
        assert nxwriter.output_nexus_file == tmp_path / "ours" / name
        assert list(unequal(tmp_path / "theirs" / name, tmp_path / "ours" / name)) == []
        with h5py.File(tmp_path / "ours" / name) as root:
            assert root["entry/data"].attrs["signal"] == "motor_setpoint"

    nxwriter.file_name, nxwriter.file_path = None, "folder/below"
    RE(scan())
    assert nxwriter.output_nexus_file.parent == tmp_path / "folder" / "below"


def test_a_plan_waits_for_the_file(closing):
    nxwriter, other = both(closing, lambda callbacks: callbacks.NXWriter())
    other.file_extension = "theirs.h5"
    RE = instrument(nxwriter, other)
    found = []

    def measure() -> Any:
        for number in range(2):
            yield from bp.count([DET], num=2 + number)
            yield from nxwriter.wait_writer_plan_stub()
            yield from other.wait_writer_plan_stub()
            found.append(list(unequal(other.output_nexus_file, nxwriter.output_nexus_file)))
            with h5py.File(nxwriter.output_nexus_file) as root:
                assert root["entry/data/det"].shape == (2 + number,)

    RE(measure())
    nxwriter.wait_writer()
    assert found == [[], []]


def test_waiting_in_the_run_itself_ends(closing):
    nxwriter = ours.NXWriter()
    closing.append(nxwriter)
    RE = instrument(nxwriter)

    def measure() -> Any:
        yield from bps.open_run()
        yield from nxwriter.wait_writer_plan_stub()
        yield from bps.trigger_and_read([DET])
        yield from bps.close_run()

    RE(measure())
    assert nxwriter.output_nexus_file is not None
    assert nxwriter.output_nexus_file.exists()
