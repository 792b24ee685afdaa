"""Six instruments in the shapes of public ones: with apstools, and moved over.

Each is what its package has beside devices: callbacks, and plans that speak to them. `before` gets
the callbacks of apstools. `after` is the same with what docs/how-to/move-an-instrument.md changes:
one import, or three lines. Both hear the same runs, and write into folders of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import bluesky.preprocessors as bpp
import h5py
from apstools import callbacks as theirs
from apstools.plans import label_stream_wrapper
from ophyd import Signal
from ophyd.sim import SynAxis, SynGauss

from bluescribe import subscribe_writers
from bluescribe.compat import apstools as ours
from bluescribe.formats.nexus import NexusFile
from tests.formats.beamline import APS, signals

__all__ = ["INSTRUMENTS", "Instrument", "Session"]

MOTOR = SynAxis(name="motor", value=1.0, labels={"motor"})
DET = SynGauss("det", MOTOR, "motor", center=0, Imax=1000, sigma=1)


@dataclass
class Session:
    """One way of writing, in a folder of its own."""

    RE: Any
    folder: Path
    nexus: Any = None
    spec: Any = None
    closing: list[Any] = field(default_factory=list)

    def subscribe(self, *callbacks: Any) -> None:
        for callback in callbacks:
            self.RE.subscribe(callback.receiver)

    def wait(self) -> None:
        """Wait for the files, as a plan of apstools does."""
        for callback in (self.nexus, self.spec):
            if hasattr(callback, "wait_writer"):
                callback.wait_writer()
        for each in self.closing:
            each.flush(60)

    def close(self) -> None:
        for each in self.closing:
            each.close()


@dataclass(frozen=True)
class Instrument:
    """A shape."""

    before: Callable[[Session], None]
    after: Callable[[Session], None]
    plan: Callable[[list[Session]], Any]
    md: dict[str, Any] = field(default_factory=dict)
    baseline: dict[str, Any] = field(default_factory=dict)
    takes_motors: bool = False


def scan(**md: Any) -> Any:
    return (yield from bp.scan([DET], MOTOR, -1, 1, 5, md=md))


# --- the template of BITS -------------------------------------------------------------------------

BITS: dict[str, Any] = {
    "RUN_ENGINE": {"DEFAULT_METADATA": {"beamline_id": "demo"}},
    "NEXUS_DATA_FILES": {"ENABLE": True, "FILE_EXTENSION": "hdf"},
    "SPEC_DATA_FILES": {"ENABLE": True, "FILE_EXTENSION": "dat"},
}


def bits_before(session: Session) -> None:
    class MyNXWriter(theirs.NXWriterAPS):  # type: ignore[misc]  # apstools is not typed
        def get_sample_title(self) -> str:
            try:
                return str(self.metadata["title"])
            except KeyError:
                return f"S{self.scan_id:05d}-{self.plan_name}-{self.uid[:7]}"

    session.nexus = MyNXWriter()
    session.nexus.file_path = session.folder  # its working directory
    session.nexus.file_extension = BITS["NEXUS_DATA_FILES"]["FILE_EXTENSION"]
    session.nexus.warn_on_missing_content = False
    session.spec = theirs.SpecWriterCallback2()
    session.spec.newfile(session.folder / session.spec.spec_filename)
    session.subscribe(session.nexus, session.spec)


def bits_after(session: Session) -> None:
    iconfig = {**BITS, "DATA_FILES": {"DIRECTORY": str(session.folder)}}  # the working directory
    writers = subscribe_writers(session.RE, iconfig)
    session.closing = [writers]


def bits_plan(_: list[Session]) -> Iterator[Any]:
    yield from scan(title="LaB6")
    yield from bp.count([DET], num=2)


# --- USAXS: content of its own, a name and a folder for each technique ----------------------------

USAXS = {"user_data_sample_title": "glass", "user_data_sample_thickness": 1.5, **APS}


def usaxs_before(session: Session) -> None:
    class NXWriterUascan(theirs.NXWriterAPS):  # type: ignore[misc]  # as above
        def write_entry(self) -> Any:
            entry = super().write_entry()
            entry["program"] = "usaxs"
            return entry

        def write_sample(self, parent: Any) -> Any:
            sample = self.create_NX_group(parent, "sample:NXsample")
            for name in ("title", "thickness"):
                sample[name] = self.get_stream_link(f"user_data_sample_{name}")
            return sample

    session.nexus = NXWriterUascan()
    session.nexus.warn_on_missing_content = False
    session.nexus.file_extension = "h5"
    session.subscribe(session.nexus)


class UsaxsFile(NexusFile):
    def extend(self, entry: h5py.Group) -> None:
        entry["program"] = "usaxs"


class UsaxsWriter(ours.NXWriterAPS):
    file_class = UsaxsFile
    content = {  # noqa: RUF012  # as its users write it
        "/entry/sample:NXsample": {
            "title": "baseline/user_data_sample_title",
            "thickness": "baseline/user_data_sample_thickness",
        }
    }


def usaxs_after(session: Session) -> None:
    session.nexus = UsaxsWriter()
    session.nexus.warn_on_missing_content = False
    session.nexus.file_extension = "h5"
    session.subscribe(session.nexus)
    session.closing = [session.nexus]


def usaxs_plan(sessions: list[Session]) -> Iterator[Any]:
    for order, technique in enumerate(("usaxs", "saxs")):
        for session in sessions:
            session.nexus.file_path = session.folder / technique
            session.nexus.file_path.mkdir(exist_ok=True)
            session.nexus.file_name = session.nexus.file_path / f"glass_{order:04d}.h5"
        yield from scan(hdf5_file=f"glass_{order:04d}.h5")
        for session in sessions:
            yield from session.nexus.wait_writer_plan_stub()


# --- 8-ID: the folder is what the IOC says; XPCS content ------------------------------------------

XPCS = {"t0": 0.1, "t1": 0.05, "det_dist": 8.0, **APS}
IOC_FOLDER = Signal(name="ioc_folder", value="")


def xpcs_before(session: Session) -> None:
    class XpcsWriter(theirs.NXWriterAPS):  # type: ignore[misc]  # as above
        def write_detector(self, parent: Any) -> Any:
            group = super().write_detector(parent)
            xpcs = self.create_NX_group(parent, "xpcs:NXcollection")
            for name in ("t0", "t1", "det_dist"):
                xpcs[name] = self.get_stream_link(name)
            xpcs["analysis"] = self.metadata["analysis"]
            return group

    session.nexus = XpcsWriter()
    session.nexus.warn_on_missing_content = False
    session.subscribe(session.nexus)


def xpcs_after(session: Session) -> None:
    class XpcsWriter(ours.NXWriterAPS):
        content = {  # noqa: RUF012  # as its users write it
            "/entry/instrument/xpcs:NXcollection": {
                "t0": "baseline/t0",
                "t1": "baseline/t1",
                "det_dist": "baseline/det_dist",
                "analysis": "metadata/analysis",
            }
        }

    session.nexus = XpcsWriter()
    session.nexus.warn_on_missing_content = False
    session.subscribe(session.nexus)
    session.closing = [session.nexus]


def xpcs_plan(sessions: list[Session]) -> Iterator[Any]:
    for header in ("A001", "A002"):
        yield from bps.mv(IOC_FOLDER, header)
        for session in sessions:
            session.nexus.file_path = session.folder / IOC_FOLDER.get()
            session.nexus.file_path.mkdir(exist_ok=True)
        yield from scan(header=header, analysis="Multitau")


# --- POLAR: names of its own, links to external files, a writer for one plan ----------------------


def polar_before(session: Session) -> None:
    class PolarNXWriter(theirs.NXWriter):  # type: ignore[misc]  # as above
        external_files: dict[str, str] = {}  # noqa: RUF012  # of the class, as there

        def write_entry(self) -> Any:
            entry = super().write_entry()
            for name, path in self.metadata.get("external_files", {}).items():
                entry[f"externals/{name}"] = h5py.ExternalLink(path, "/entry/frames")
            return entry

    session.nexus = PolarNXWriter()
    session.nexus.warn_on_missing_content = False


class PolarFile(NexusFile):
    def open(self, run: Any) -> None:
        self._external = run.start.get("external_files", {})
        super().open(run)

    def extend(self, entry: h5py.Group) -> None:
        for name, path in self._external.items():
            entry[f"externals/{name}"] = h5py.ExternalLink(path, "/entry/frames")


class PolarWriter(ours.NXWriter):
    file_class = PolarFile


def polar_after(session: Session) -> None:
    session.nexus = PolarWriter()
    session.nexus.warn_on_missing_content = False
    session.closing = [session.nexus]


def polar_plan(sessions: list[Session]) -> Iterator[Any]:
    images = sessions[0].folder.parent / "eiger.h5"
    with h5py.File(images, "w") as file:
        file["entry/frames"] = [[1, 2], [3, 4]]
    yield from scan()  # nobody has subscribed a writer
    for session in sessions:
        session.nexus.file_name = session.folder / "sample5_scan.hdf"
    receivers = [session.nexus.receiver for session in sessions]

    @bpp.subs_decorator(receivers)
    def written() -> Any:
        yield from scan(external_files={"eiger": str(images)})

    yield from written()


# --- bluesky_training: both formats, the older keys, motors at the start of each run --------------

TRAINING = {
    "WRITE_NEXUS_DATA_FILES": True,
    "NEXUS_FILE_EXTENSION": "hdf",
    "NEXUS_WARN_MISSING_CONTENT": False,
    "WRITE_SPEC_DATA_FILES": True,
}


def training_before(session: Session) -> None:
    session.nexus = theirs.NXWriterAPS()
    session.nexus.file_path = session.folder
    session.nexus.file_extension = TRAINING["NEXUS_FILE_EXTENSION"]
    session.nexus.warn_on_missing_content = TRAINING["NEXUS_WARN_MISSING_CONTENT"]
    session.spec = theirs.SpecWriterCallback2()
    session.spec.newfile(session.folder / "spec.dat")
    session.subscribe(session.nexus, session.spec)


def training_after(session: Session) -> None:
    iconfig = {**TRAINING, "DATA_FILES": {"DIRECTORY": str(session.folder)}}
    writers = subscribe_writers(session.RE, iconfig)
    writers.spec.newfile("spec", RE=session.RE)
    session.closing = [writers]


def training_plan(_: list[Session]) -> Iterator[Any]:
    yield from scan(purpose="training")
    yield from bp.rel_scan([DET], MOTOR, -0.5, 0.5, 3)
    yield from bp.count([DET])


# --- haven and blueapi: the facility says the folder in the start document ------------------------


def haven_before(session: Session) -> None:
    class FacilityWriter(theirs.NXWriter):  # type: ignore[misc]  # as above
        def start(self, doc: Any) -> None:
            visit = Path(doc["data_session_directory"])
            # what is moved over writes into the visit itself
            self.file_path = session.folder / visit.relative_to(visit.parents[2])
            self.file_path.mkdir(parents=True, exist_ok=True)
            self.file_name = self.file_path / f"{doc['scan_file']}.nxs"
            super().start(doc)

    session.nexus = FacilityWriter()
    session.nexus.warn_on_missing_content = False
    session.subscribe(session.nexus)


def haven_after(session: Session) -> None:
    (session.folder / "dls").mkdir()
    shared = {
        "DIRECTORY": "{data_session_directory:path}",
        "FILE_NAME": "{scan_file}",
        "ROOTS": [str(session.folder / "dls")],
    }
    source = {"name": "Bluesky framework", "type": "Synchrotron X-ray Source", "probe": "x-ray"}
    content = {name: {"value": value} for name, value in source.items()}
    nexus = {
        "ENABLE": True,
        "FILE_EXTENSION": "nxs",
        "CONTENT": {"/entry/instrument/source:NXsource": content},
    }
    writers = subscribe_writers(session.RE, {"DATA_FILES": shared, "NEXUS_DATA_FILES": nexus})
    session.closing = [writers]


def haven_plan(sessions: list[Session]) -> Iterator[Any]:
    facility = sessions[1].folder / "dls" / "p38"
    for number, visit in enumerate(("cm1-1", "cm1-2")):
        yield from scan(data_session_directory=f"{facility}/{visit}", scan_file=f"p38-{number}")


INSTRUMENTS = {
    "bits": Instrument(bits_before, bits_after, bits_plan, takes_motors=True),
    "usaxs": Instrument(usaxs_before, usaxs_after, usaxs_plan, baseline=USAXS),
    "xpcs": Instrument(xpcs_before, xpcs_after, xpcs_plan, baseline=XPCS),
    "polar": Instrument(polar_before, polar_after, polar_plan),
    "training": Instrument(
        training_before, training_after, training_plan, baseline=APS, takes_motors=True
    ),
    "haven": Instrument(haven_before, haven_after, haven_plan),
}


def motors_recorded(plan: Any) -> Any:
    """Record motor positions at the start of each run, as the template does."""
    return label_stream_wrapper(plan, ["motor"], when="start", ns={"motor": MOTOR})


def baseline_of(instrument: Instrument) -> list[Any]:
    return list(signals(instrument.baseline))
