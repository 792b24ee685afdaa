"""Install the wheel with each extra alone, then with all together; use each a little.

    python3 bootstrap.py extras          # after: python3 bootstrap.py dist
    python3 bootstrap.py extras zmq demo # these alone

`dist` builds the wheel, if there is none. Extras for those who work on bluescribe itself (docs,
dev, bits, peers, viewers) are tried by the steps that use them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dist import DIST, build
from environments import Environment, step, temporary_folder
from uses import USES


def main(argv: list[str]) -> int:
    """Try the extras that are named, or each of them and all together."""
    wheel = next(DIST.glob("*.whl"), None) or build()[0]
    with temporary_folder() as folder:
        for extra in argv or list(USES):
            alone(folder, wheel, extra)
        if not argv:
            together(folder, wheel)
    return 0


def alone(folder: Path, wheel: Path, extra: str) -> None:
    """Install one extra, where nothing else is, and use it."""
    with step(f"alone: bluescribe[{extra}]"):
        environment = Environment(folder / (extra or "none"))
        environment.install(f"{wheel}[{extra}]" if extra else str(wheel))
        environment.run("python", "-c", USES[extra], seconds=300)


def together(folder: Path, wheel: Path) -> None:
    """Install all extras into one environment, and use each there."""
    names = ",".join(name for name in USES if name)
    with step(f"together: bluescribe[{names}]"):
        environment = Environment(folder / "together")
        environment.install(f"{wheel}[{names}]")
        for extra, code in USES.items():
            print(f"uses {extra or 'bluescribe'}", flush=True)
            inside = f"import os, tempfile; os.chdir(tempfile.mkdtemp(dir='.'))\n{code}"
            environment.run("python", "-c", inside, seconds=300)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
