"""Sessions that meet faults, one after the other, and who writes what they leave.

``python -m tests.system.faults.striking``, with strike.c preloaded, begins a server of `tests.warm`
of its own. For each line of JSON, the `Fault` of a case, it plays a session, and whatever is needed
after it; it answers with a line, an `Outcome`.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests import warm
from tests.conftest import PROCESS, STATE
from tests.formats.images import area_detector_file, frames
from tests.system.faults.control import Control
from tests.system.faults.struck import FOREIGN

__all__ = ["FORMATS", "Fault", "Outcome", "Striker"]

TOP = Path(__file__).resolve().parents[3]
FORMATS = ("jsonl", "spec", "nexus", "csv", "hdf5", "json", "dx", "tiff")
SECONDS = 90.0
"""How long a session may take."""
_ENDS = 15.0
"""How long the processes of a session may take to end behind it."""


@dataclass
class Fault:
    """What befalls a session."""

    place: str
    """An empty folder."""
    orders: list[str]
    """As strike.c says."""
    scenario: str = "overlapping"
    """What the session plays; ``recover`` has none: ``bluescribe recover`` meets the fault."""
    armed: str = "start"
    is_left: bool = False
    """Whether an earlier session was killed when it had played `overlapping`."""
    in_processes: bool = True
    by_recover: bool = False
    """Who writes what is left: ``bluescribe recover``, or the next session."""


@dataclass
class Outcome:
    """What came of it."""

    status: int | None = None
    """That of the session; None if it had to be killed."""
    struck: int = 0
    met: int = 0
    """How many calls were those of the first order."""
    killed: float = 0.0
    left: int = 0
    """Processes that did not end behind their session."""
    end: dict[str, Any] = field(default_factory=dict)
    """What the session told at its end; nothing if it had none."""
    after: int | None = None
    """The status of who wrote what was left; None if nothing was."""
    said: str = ""
    """What went to standard error, or came from ``recover``."""


class Striker:
    """A process that plays sessions.

    Parameters
    ----------
    library
        strike.c, compiled.
    """

    def __init__(self, library: Path) -> None:
        environment = {**os.environ, "LD_PRELOAD": str(library), PROCESS: "true"}
        environment.pop(warm.PLACE, None)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.faults.striking"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=TOP,
            env=environment,
        )

    def play(self, fault: Fault) -> Outcome:
        """Play a session and what follows it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(asdict(fault)), file=self._process.stdin, flush=True)
        return Outcome(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate(timeout=SECONDS)


def iconfig(folder: Path, *, in_processes: bool) -> dict[str, Any]:
    """Return the settings of all sessions: each format has a folder of its own."""
    blocks: dict[str, dict[str, Any]] = {
        f"{name.upper()}_DATA_FILES": {"ENABLE": True, "DIRECTORY": str(folder / name)}
        for name in FORMATS
    }
    for name in ("NEXUS", "DX"):
        blocks[f"{name}_DATA_FILES"]["IMAGES"] = "copy"
    shared = {"RETRY_SECONDS": 0.4, "DRAIN_TIMEOUT": 30, "PROCESS": in_processes}
    return {"DATA_FILES": shared, **blocks}


def played(fault: Fault) -> Outcome:
    place = Path(fault.place)
    (place / "data" / "spec").mkdir(parents=True)
    (place / "data" / "spec" / "mine.dat").write_text(FOREIGN)
    area_detector_file(place / "raw.h5", frames(4))
    outcome = Outcome()
    with _environment(place):
        if fault.is_left:
            _session(place, "told", [], in_processes=fault.in_processes, dies=True)
        name = "second" if fault.is_left else "told"
        if fault.scenario == "recover":
            found = _recovering(place, fault.orders)
        else:
            found = _session(
                place,
                name,
                fault.orders,
                scenario=fault.scenario,
                armed=fault.armed,
                in_processes=fault.in_processes,
            )
        outcome.status, outcome.left, control = found
        outcome.struck, outcome.killed, outcome.met = control.struck, control.killed, control.met
        if (end := place / f"{name}.end").exists():
            outcome.end = pickle.loads(end.read_bytes())
        if any(path.is_file() for path in (place / "state").rglob("*")):
            outcome.after = _finished(place, fault, outcome)
    outcome.said += "".join(path.read_text() for path in place.glob("*.err"))
    return outcome


def _finished(place: Path, fault: Fault, outcome: Outcome) -> int | None:
    """Have what was left written."""
    if not fault.by_recover:
        status, _, _ = _session(
            place, "after", [], scenario="adopting", in_processes=fault.in_processes
        )
        return status
    done = _recover(place)
    outcome.said += done.stdout + done.stderr
    return done.returncode


def _recover(place: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bluescribe", "recover", str(place / "data")]
    return warm.run(command, cwd=TOP, capture_output=True, text=True, timeout=SECONDS)


def _recovering(place: Path, orders: list[str]) -> tuple[int | None, int, Control]:
    """Have ``bluescribe recover`` meet orders, as `_session` does."""
    control = Control(place / "control")
    control.order(*orders)
    control.arm()
    status = _recover(place).returncode
    control.disarm()
    return status, _buried(control), control


def _session(
    place: Path,
    told: str,
    orders: list[str],
    *,
    scenario: str = "overlapping",
    armed: str = "",
    in_processes: bool,
    dies: bool = False,
) -> tuple[int | None, int, Control]:
    """Play a session; return its status, how many processes had to be killed, and the orders."""
    control = Control(place / "control")
    control.order(*orders)
    about = {
        "folder": str(place / "data"),
        "told": str(place / told),
        "config": iconfig(place / "data", in_processes=in_processes),
        "scenario": scenario,
        "armed": armed,
        "dies": dies,
    }
    command = [sys.executable, "-m", "tests.system.faults.struck", json.dumps(about)]
    with (place / f"{told}.err").open("wb") as errors:
        process = warm.Popen(command, cwd=TOP, stderr=errors, stdout=subprocess.DEVNULL)
    try:
        status: int | None = process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        status = process.wait() and None
    return status, _buried(control), control


def _buried(control: Control) -> int:
    """Wait until all processes have ended; kill what does not, and return how many."""
    deadline = time.monotonic() + _ENDS
    while (left := control.alive()) and time.monotonic() < deadline:
        time.sleep(0.01)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(left)


@contextmanager
def _environment(place: Path) -> Iterator[None]:
    """Have the sessions of a case find their orders, and one another's spools."""
    os.environ |= {Control.VARIABLE: str(place / "control"), STATE: str(place / "state")}
    try:
        yield
    finally:
        del os.environ[Control.VARIABLE]


def main() -> None:
    warm.start()
    try:
        for line in sys.stdin:
            outcome = played(Fault(**json.loads(line)))
            print(json.dumps(asdict(outcome)), flush=True)
    finally:
        warm.stop()


if __name__ == "__main__":
    main()
