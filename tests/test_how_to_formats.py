"""The formats of the how-to keep the contract, by the tests that stand there."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.test_docs import TOP, read_page


def _defined(page: Path) -> dict[str, Any]:
    """Return what a page has defined when all of it has run."""
    document, before = read_page(page), Path.cwd()
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for example in document.examples():
                example.evaluate()
        finally:
            os.chdir(before)
    return document.namespace


_page = _defined(TOP / "docs" / "how-to" / "add-a-format.md")
TestXy = _page["TestXy"]
TestXml = _page["TestXml"]
