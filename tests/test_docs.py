"""Every ```python block of the documentation runs, page by page, as a reader would run it."""

from pathlib import Path
from unittest import SkipTest

import pytest
from sybil import Document, Example, Sybil
from sybil.evaluators.skip import Skipper
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser

TOP = Path(__file__).resolve().parent.parent


def find_pages(top: Path) -> list[Path]:
    pages = [page for page in top.glob("docs/**/*.md") if "_build" not in page.parts]
    return sorted([top / "README.md", *pages])


def read_page(page: Path) -> Document:
    # A parser keeps state between the examples of a page, so each page gets its own.
    return Sybil(parsers=[PythonCodeBlockParser(), SkipParser()], path=str(page.parent)).parse(page)


def evaluate(example: Example) -> None:
    """Run one block; a block that is skipped must say why."""
    if isinstance(example.region.evaluator, Skipper):
        action, reason = example.region.parsed
        place = f"{example.path}:{example.line}"
        assert action == "end" or reason, f'{place}: write <!-- skip: {action} "the reason" -->'
    try:
        example.evaluate()
    except SkipTest:
        return


@pytest.mark.parametrize("page", find_pages(TOP), ids=lambda page: str(page.relative_to(TOP)))
def test_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for example in read_page(page).examples():
        evaluate(example)


def test_a_failing_block_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n")
    first, second = read_page(page).examples()
    evaluate(first)
    with pytest.raises(AssertionError):
        evaluate(second)


def test_a_skip_without_a_reason_is_refused(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- skip: next -->\n```python\nraise RuntimeError\n```\n")
    with pytest.raises(AssertionError, match="the reason"):
        evaluate(next(iter(read_page(page).examples())))


def test_a_skip_with_a_reason_skips(tmp_path):
    page = tmp_path / "page.md"
    page.write_text('<!-- skip: next "needs a beamline" -->\n```python\nraise RuntimeError\n```\n')
    for example in read_page(page).examples():
        evaluate(example)
