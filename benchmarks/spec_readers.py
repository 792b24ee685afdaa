"""Print what each reader that is installed sees of the control lines of SPEC files.

Run as ``python benchmarks/spec_readers.py FILE...``. The table in
docs/reference/spec-control-lines.md was made with it. larch is heavy: it may have an environment
of its own, for this script imports nothing of bluescribe.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator


def spec2nexus(path: str) -> Iterator[tuple[str, object]]:
    """Yield what the scans of spec2nexus hold."""
    from spec2nexus.spec import SpecDataFile

    file = SpecDataFile(path)
    scans = list(file.scans.values())
    yield "#S", [(scan.scanNum, scan.scanCmd[:40]) for scan in scans[:3]]
    yield "scans", len(scans)
    scan = scans[0]
    scan.interpret()
    yield "#F #E", (file.headers[0].file, scan.header.epoch)
    yield "#D", scan.date
    yield "#T #M", [getattr(scan, name, None) for name in ("T", "M")]
    yield "#O #P", dict(list(scan.positioner.items())[:2])
    yield "#G", sorted(scan.G)
    yield "#Q", getattr(scan, "Q", None)
    if scan.G:
        yield "unit cell, UB", (scan.diffractometer.lattice, getattr(scan.diffractometer, "UB", 0))
    yield "#N #L", scan.L
    yield "#C", len(scan.comments)
    yield "#MD", sorted(getattr(scan, "MD", {}))[:4]
    yield "rows", {k: v[:2] for k, v in list(scan.data.items())[:3]}
    yield "@A", [(k, len(v)) for k, v in scan.data.get("_mca_", {}).items()]
    yield "#@", getattr(scan, "MCA", None)


def silx(path: str) -> Iterator[tuple[str, object]]:
    """Yield what silx reads, and what its tree of HDF5 shows."""
    from silx.io.specfile import SpecFile
    from silx.io.spech5 import SpecH5

    file = SpecFile(path)
    scan = file[0]
    yield "scans", len(file)
    yield "#S", scan.scan_header_dict.get("S", "")[:40]
    yield "header keys", sorted(scan.scan_header_dict)
    yield "mca keys", sorted(scan.mca_header_dict)
    yield "#O #P", list(zip(scan.motor_names, scan.motor_positions, strict=False))[:2]
    yield "#N #L", scan.labels
    yield "rows", scan.data.shape
    yield "@A", [len(mca) for mca in scan.mca][:4]
    with SpecH5(path) as tree:
        entry = tree[next(iter(tree))]
        yield "tree", [str(key) for key in entry]
        yield "start_time", entry["start_time"][()]
        analysers = [name for name in entry["instrument"] if name.startswith("mca_")]
        for name in analysers:
            told = {key: item[()] for key, item in entry["instrument"][name].items()}
            yield (
                name,
                {key: value for key, value in told.items() if key not in ("data", "channels")},
            )
        if "sample" in entry:
            yield "sample", {key: item[()].ravel()[:3] for key, item in entry["sample"].items()}


def xrayutilities(path: str) -> Iterator[tuple[str, object]]:
    """Yield what the scans of xrayutilities hold."""
    from xrayutilities.io import SPECFile

    with contextlib.redirect_stdout(io.StringIO()):
        scans = SPECFile(path).scan_list
        scans[0].ReadData()
    scan = scans[0]
    yield "scans", len(scans)
    yield "#S", (scan.nr, scan.command[:40])
    yield "#D", (scan.date, scan.time)
    yield "#T", scan.itime
    yield "#O #P", dict(list(scan.init_motor_pos.items())[:2])
    yield "header lines", [line[:30] for line in scan.header][:6]
    yield "#L, @A", scan.data.dtype
    yield "rows", len(scan.data)
    yield "status", scan.scan_status


def larch(path: str) -> Iterator[tuple[str, object]]:
    """Yield what larch's source of scans tells."""
    from larch.io.specfile_reader import DataSourceSpecH5

    source = DataSourceSpecH5(path)
    scans = source.get_scans()
    yield "scans", len(scans)
    yield "#S", scans[0]
    source.set_scan(scans[0][0])
    yield "#D", source.get_time()
    yield "#O", source.get_motors()
    yield "#L", source.get_counters()
    yield "rows", len(source.get_array(source.get_counters()[0]))
    if source.get_motors():
        yield "#P", source.get_motor_position(source.get_motors()[0])
    yield "@A", source.get_scan(scans[0][0]).array_labels  # fails where there are spectra


def main() -> None:
    """Print a list for each file and reader."""
    readers: list[Callable[[str], Iterator[tuple[str, object]]]] = [
        spec2nexus,
        silx,
        xrayutilities,
        larch,
    ]
    for path in sys.argv[1:]:
        for reader in readers:
            print(f"--- {reader.__name__}: {path}")
            try:
                for line, seen in reader(path):
                    print(f"{line:14} {seen}")
            except ImportError as error:
                print(f"not installed: {error}")
            except Exception as error:
                print(f"FAILS: {error!r}")


if __name__ == "__main__":
    main()
