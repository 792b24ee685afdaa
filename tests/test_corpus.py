"""Real document streams pass through every writer, and all of them is read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bluescribe.testing import numpified
from tests.contracts import CONTRACTS
from tests.extent import IS_LONG, crossed

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"
STREAMS = sorted(CORPUS.glob("*.jsonl"))

pytestmark = pytest.mark.skipif(not STREAMS, reason=f"the corpus is not at {CORPUS}")


def load(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the documents of a stream, with its external files where they are."""
    text = path.read_text(encoding="utf-8").replace("/@ASSETS@", str(CORPUS / "assets"))
    return [(name, doc) for name, doc in map(json.loads, text.splitlines())]


@pytest.mark.parametrize(
    ("stream", "format_name"),
    crossed(STREAMS, CONTRACTS),
    ids=lambda each: each if isinstance(each, str) else each.stem,
)
def test_every_value_is_read_back(stream, format_name, tmp_path):
    contract = CONTRACTS[format_name]()
    emitted = load(stream)
    manners = {"plain": emitted, **({"numpified": numpified(emitted)} if IS_LONG else {})}
    for manner, documents in manners.items():
        contract.write(tmp_path / manner, documents)
        contract.check_runs(contract.read_back(tmp_path / manner), documents)
    contract.check_files(tmp_path / "plain")
