"""Libraries that come between a program and the system."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def preloaded(source: str, folder: Path) -> Path:
    """Return a library, compiled from a file beside this one; for ``LD_PRELOAD``."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs a C compiler on Linux")
    library = (folder / source).with_suffix(".so")
    code = Path(__file__).with_name(source)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, code, "-ldl"], check=True)
    return library
