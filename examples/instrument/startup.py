"""Start a session of this instrument: RunEngine, callbacks, devices, plans."""

import logging
from pathlib import Path

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import yaml
from bluesky import RunEngine, SupplementalData
from bluesky.callbacks.best_effort import BestEffortCallback

from bluescribe import newSpecFile, spec_comment

from .callbacks.data_files import init_data_files
from .devices import baseline, diode, m1, m2
from .plans import find_peak, take_darks

logger = logging.getLogger(__name__)

iconfig_path = Path(__file__).parent / "configs" / "iconfig.yml"
iconfig = yaml.safe_load(iconfig_path.read_text())
logger.info("starting the instrument with %s", iconfig_path)

RE = RunEngine(dict(iconfig["RUN_ENGINE"]["DEFAULT_METADATA"]))
sd = SupplementalData(baseline=baseline)
RE.preprocessors.append(sd)

# Data files first: what is subscribed after them sees complete files at the end of a run.
writers = init_data_files(RE, iconfig_path)

bec = None
if "BEC" in iconfig:
    bec = BestEffortCallback()
    for part in ("baseline", "heading", "plots", "table"):
        if not iconfig["BEC"][part.upper()]:
            getattr(bec, f"disable_{part}")()
    RE.subscribe(bec)

__all__ = [
    "RE",
    "bec",
    "bp",
    "bps",
    "diode",
    "find_peak",
    "iconfig",
    "m1",
    "m2",
    "newSpecFile",
    "sd",
    "spec_comment",
    "take_darks",
    "writers",
]
