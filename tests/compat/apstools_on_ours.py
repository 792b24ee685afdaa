"""A plugin of pytest for apstools' own tests: the names in its modules are our classes.

Tests whose data the installed apstools lacks, as its wheel does, are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apstools.callbacks
import apstools.conftest
import pytest
from apstools.callbacks import nexus_writer, spec_file_writer

from bluescribe.compat import apstools as ours

for name in ours.__all__:
    for module in (apstools.callbacks, nexus_writer, spec_file_writer):
        if hasattr(module, name):
            setattr(module, name, getattr(ours, name))

_load = apstools.conftest._load_catalog
_CATALOGS = {
    "apstools_cat": apstools.conftest.TEST_DATA / "apstools.json.gz",
    "usaxs_cat": apstools.conftest.TEST_DATA / "usaxs.json.gz",
}
"""What the fixtures of apstools read."""


def _load_what_is_there(path: Path) -> Any:
    """Return a catalog; one without runs where its file is missing: a module asks at its import."""
    return _load(path) if path.exists() else {}


apstools.conftest._load_catalog = _load_what_is_there


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Skip the tests that need a file which is not there."""
    for item in items:
        for path in files_of(item):
            if not path.exists():
                item.add_marker(pytest.mark.skip(reason=f"apstools was installed without {path}"))


def files_of(item: pytest.Function) -> Iterator[Path]:
    """Yield the files that a test reads: of its fixtures, and those that parameters name."""
    for fixture in item.fixturenames:
        if fixture in _CATALOGS:
            yield _CATALOGS[fixture]
        elif fixture == "catalog":
            yield item.module.FULL_ZIP_FILE
    callspec = getattr(item, "callspec", None)
    for value in callspec.params.values() if callspec else ():
        if isinstance(value, Path):
            yield value
