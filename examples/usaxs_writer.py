"""A USAXS instrument's NeXus files: what its subclass of apstools' NXWriterAPS did, on bluescribe.

from usaxs_writer import UsaxsWriter
RE.subscribe(UsaxsWriter("/share1/USAXS_data").receiver)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bluescribe.formats.nexus import NexusFile, NexusWriter
from bluescribe.model.run import Run

CONTENT: dict[str, Any] = {
    "/entry": {
        "title": "baseline/user_data_sample_title",
        "SPEC_data_file": "baseline/user_data_spec_file",
    },
    "/entry/sample:NXsample": {
        "name": "baseline/user_data_sample_title",
        "thickness": "baseline/user_data_sample_thickness",
    },
    "/entry/instrument/monochromator:NXmonochromator": {
        "theta": "baseline/monochromator_dcm_theta",
        "feedback_on": {"source": "baseline/monochromator_feedback_on", "optional": True},
    },
}


class UsaxsFile(NexusFile):
    """The file of one USAXS, SAXS or WAXS run; other plans get none."""

    def accepts(self, run: Run) -> bool:
        """Take the plans that this instrument is prepared to handle."""
        return run.plan_name in ("uascan", "Flyscan", "SAXS", "WAXS")

    def file_name(self, run: Run) -> str:
        """Put each technique in a folder of its own."""
        technique = "usaxs" if run.plan_name in ("uascan", "Flyscan") else run.plan_name.lower()
        return f"{{time:%m_%d}}_{technique}/{{sample_title}}_{{order_number:04d}}"

    def resource_path(self, path: Path) -> Path:
        """Find the area detectors' files where this machine mounts them."""
        root = Path("/mnt/usaxscontrol/USAXS_data")
        return Path("/share1/USAXS_data", path.relative_to(root)) if root in path.parents else path

    def extend(self, entry: h5py.Group, run: Run) -> None:
        """Add reduced data beside what was measured."""
        entry["program_name"].attrs["config_version"] = "1.0"
        if run.plan_name == "uascan" and "data/UPD" in entry:
            reduced = entry.create_group("uascan_reduced")
            reduced.attrs.update(NX_class="NXdata", signal="R", axes="Q")
            reduced["Q"] = np.abs(entry["data/a_stage_r"][()])
            reduced["R"] = entry["data/UPD"][()] / entry["data/I0"][()]


class UsaxsWriter(NexusWriter):
    """Write the runs of the USAXS instrument."""

    file_class = UsaxsFile

    def __init__(self, directory: str | Path = ".", **settings: Any) -> None:
        defaults = {"content": CONTENT, "file_extension": "h5", "signal": "UPD"}
        super().__init__(directory, **defaults | settings)
