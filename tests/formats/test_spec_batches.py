"""A scan tells what was measured, however its events came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bluescribe import SpecWriter
from tests.formats.columns_of_all_kinds import run

KEYS = {name: {"dtype": "string", "shape": [], "source": ""} for name in ("mode", "lamp")}
READINGS: list[dict[str, Any]] = [{"mode": "a"}, {"mode": "b", "lamp": "on"}]


def test_what_was_not_read_at_the_start_is_not_told(tmp_path: Path) -> None:
    texts = set()
    for is_flushed in (False, True):
        folder = tmp_path / str(is_flushed)
        with SpecWriter(folder) as writer:
            for name, doc in run(KEYS, READINGS, "baseline"):
                writer(name, doc)
                if is_flushed:
                    assert writer.flush(10)
        (path,) = folder.iterdir()
        lines = path.read_text().splitlines()
        texts.add("\n".join(line for line in lines if "at the start" in line))
    assert texts == {'#C at the start: "mode" = "a"'}
