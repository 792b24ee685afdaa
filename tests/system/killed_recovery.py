"""Kill `recover` at its steps: ``python -m tests.system.killed_recovery FOLDER OUT STRIDE``.

OUT gets a copy of FOLDER for every so many steps, as `recover` left it when it was killed there:
before it gives a file a name, removes one, or opens one to write. The last copy it finished.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

from tests.recovering import recover


def main(folder: Path, out: Path, stride: int) -> None:
    for step in count(1, stride):
        copy = shutil.copytree(folder, out / f"{step:03d}")
        child = os.fork()
        if not child:
            kill_at(step)
            recover(copy)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status == 0:
            return
        assert os.WTERMSIG(status) == signal.SIGKILL, f"{copy}: {status}"


def kill_at(step: int) -> None:
    """Have this process killed at a step."""
    steps = count(1)

    def look(event: str, args: tuple[Any, ...]) -> None:
        is_step = event in ("os.rename", "os.remove") or (event == "open" and is_to_write(args))
        if is_step and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)


def is_to_write(args: tuple[Any, ...]) -> bool:
    _, _, flags = args
    return bool(flags & (os.O_WRONLY | os.O_RDWR))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
