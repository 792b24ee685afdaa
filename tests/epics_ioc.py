"""An IOC of caproto on loopback, and the environment in which only its clients hear it.

``python -m tests.epics_ioc`` serves until it is killed.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.queue_server import is_open

TOP = Path(__file__).resolve().parent.parent
PREFIX = "bluescribe:"


def environment() -> dict[str, str]:
    """Return an environment whose channel access nobody else uses."""
    server, repeater = _free_ports(2)
    return {
        **os.environ,
        "EPICS_CA_ADDR_LIST": "127.0.0.1",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_SERVER_PORT": str(server),
        "EPICS_CA_REPEATER_PORT": str(repeater),
        "EPICS_CAS_SERVER_PORT": str(server),
        "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
        "EPICS_CAS_BEACON_ADDR_LIST": "127.0.0.1",
        "EPICS_CAS_BEACON_PORT": str(repeater),
        "OPHYD_CONTROL_LAYER": "pyepics",
    }


def start(
    environ: dict[str, str], log: Path, module: str = "tests.epics_ioc"
) -> subprocess.Popen[bytes]:
    """Start the IOC; return when it serves."""
    command = [sys.executable, "-m", module]
    with log.open("wb") as output:
        ioc = subprocess.Popen(command, cwd=TOP, env=environ, stdout=output, stderr=output)
    deadline = time.monotonic() + 60
    while not is_open(int(environ["EPICS_CAS_SERVER_PORT"])):
        if ioc.poll() is not None or time.monotonic() > deadline:
            ioc.kill()
            raise AssertionError(log.read_text())
        time.sleep(0.05)
    return ioc


def _free_ports(number: int) -> list[int]:
    """Return ports that are free for UDP and TCP."""
    found: list[int] = []
    while len(found) < number:
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
            stream.bind(("127.0.0.1", 0))
            port = stream.getsockname()[1]
            try:
                datagram.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(int(port))
    return found


def beamline() -> Any:
    """Return what instruments have: a group of caproto."""
    from caproto import ChannelType
    from caproto.ioc_examples.fake_motor_record import FakeMotor, motor_record_simulator
    from caproto.server import PVGroup, SubGroup, pvproperty

    class Motor(FakeMotor):  # type: ignore[misc]  # caproto is untyped
        motor = pvproperty(value=0.0, name="", record="motor", precision=5)

        @motor.startup  # type: ignore[no-redef]  # as caproto wants it
        async def motor(self, instance, async_lib):
            units = {"units": "mm", "lower_ctrl_limit": -10.0, "upper_ctrl_limit": 10.0}
            await instance.field_inst.user_readback_value.write_metadata(**units)
            await motor_record_simulator(instance, async_lib, self.defaults)

    class Beamline(PVGroup):  # type: ignore[misc]
        temperature = pvproperty(
            value=293.15,
            units="K",
            precision=4,
            lower_ctrl_limit=4.0,
            upper_ctrl_limit=500.0,
        )
        counts = pvproperty(value=0, units="counts")
        mode = pvproperty(
            value=0, enum_strings=["idle", "counting", "error"], dtype=ChannelType.ENUM
        )
        shutter = pvproperty(value=0, enum_strings=["Closed", "Open"], dtype=ChannelType.ENUM)
        spectrum = pvproperty(value=[0.0] * 8, units="V", precision=2)
        sample = pvproperty(value="", dtype=ChannelType.STRING)
        folder = pvproperty(value="", max_length=400, dtype=ChannelType.CHAR)
        motor = SubGroup(Motor, prefix="m1", velocity=100.0, precision=5, user_limits=(-10.0, 10.0))

    return Beamline(prefix=PREFIX)


def main() -> None:
    """Serve that."""
    from caproto.server import run

    run(beamline().pvdb)


if __name__ == "__main__":
    main()
