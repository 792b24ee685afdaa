"""Kill sessions while they adopt: ``python -m tests.system.killed_adopting KILLS SEED SECONDS``.

Each is killed at a random moment of so many seconds. It tells how many had ended before that.
"""

from __future__ import annotations

import logging
import os
import random
import select
import signal
import sys

from bluescribe.archive.adoption.adopting import adopt


def main(kills: int, seed: int, seconds: float) -> None:
    chance = random.Random(seed)
    logging.getLogger("bluescribe").setLevel(logging.CRITICAL)
    ended = 0
    for _ in range(kills):
        child = os.fork()
        if not child:
            adopt()
            os._exit(0)
        pidfd = os.pidfd_open(child)
        ended += bool(select.select([pidfd], [], [], chance.uniform(0, seconds))[0])
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(pidfd)
    print(ended)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
