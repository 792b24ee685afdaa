"""Measure bluescribe beside its peers: ``python benchmarks``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # the modules are benchmarks.x

from benchmarks.program import main  # noqa: E402  # found by the line above

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
