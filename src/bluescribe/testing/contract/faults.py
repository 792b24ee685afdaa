"""A failure costs one file at the most, and is never silent."""

# mypy: allow-untyped-calls
# Some of bluesky's functions have no annotations.

from __future__ import annotations

import errno
import gc
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bluesky.plans as bp
import pytest

from ...contract.plugin import FormatPlugin
from ...errors import BluescribeError
from ..shapes.devices import gauss, motor
from ..shapes.engine import recording
from .base import ContractBase
from .playing import played

__all__ = ["Faults"]

Documents = list[tuple[str, dict[str, Any]]]


class Faults(ContractBase):
    """Tests of what goes wrong around a writer, and inside it."""

    def test_a_fault_in_one_run_costs_that_run_only(
        self,
        tmp_path: Path,
        shapes_folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Let the format fail on one of two runs: it is told of once, the other one is whole."""
        first, second = _runs(shapes_folder)
        uid = first[0][1]["uid"]
        with self._failing(monkeypatch, uid, lambda _: RuntimeError("a fault of the format")):
            with self.make(tmp_path) as writer:
                for document in [*first, *second]:
                    writer(*document)
            (failure,) = writer.status().failures
        assert uid[:7] in failure.run, f"the failure does not name its run: {failure}"
        assert "a fault of the format" in failure.cause, f"no cause: {failure}"
        assert failure.remedy, f"no remedy: {failure}"
        assert failure.path is not None, f"no path: {failure}"
        assert failure.path.is_relative_to(tmp_path), f"not where it was written: {failure}"
        assert len(_told(caplog, logging.ERROR)) == 1, f"told {_told(caplog, logging.ERROR)}"
        whole = [run for run in self.read_back(tmp_path) if run.uid != uid]
        self.check_runs(whole, second)

    def test_a_disk_that_comes_back_has_all(
        self, tmp_path: Path, shapes_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Refuse twice as a full disk does: the third try writes all, once."""
        documents, _ = _runs(shapes_folder)
        full = OSError(errno.ENOSPC, "No space left on device")
        tries = iter([full, full])
        with self._failing(monkeypatch, documents[0][1]["uid"], lambda _: next(tries, None)):
            self.write(tmp_path, documents, retry_seconds=30)
        assert next(tries, None) is None, "the format was not called again"
        self.check_runs(self.read_back(tmp_path), documents)

    def test_what_could_not_be_written_for_long_is_written_later(
        self, tmp_path: Path, shapes_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Refuse until the writer has given up trying: the run is written anew, as if nothing was.

        Another run is taken meanwhile.
        """
        first, second = _runs(shapes_folder)
        with self.make(tmp_path / "undisturbed") as undisturbed:
            for document in [*first, *second]:
                undisturbed(*document)
        full, is_full = OSError(errno.ENOSPC, "No space left on device"), True
        folder = tmp_path / "data"
        with self._failing(monkeypatch, first[0][1]["uid"], lambda _: full if is_full else None):
            writer = self.make(folder, retry_seconds=0)
            for document in first:
                writer(*document)
            _within_a_minute(lambda: writer.status().late)
            for document in second:
                writer(*document)
            assert not writer.flush(60), "a run is late, and it is said that all is on the disk"
            is_full = False
            _within_a_minute(lambda: not writer.status().late)
            writer.close()
        done, expected = writer.status(), undisturbed.status()
        assert done.runs_written == expected.runs_written == 2
        assert done.events_written == expected.events_written, "an event is counted twice"
        assert not done.failures
        self.check_runs(self.read_back(folder), [*first, *second])
        assert _names(folder) == _names(tmp_path / "undisturbed")

    def test_abort_raises_at_the_next_document(
        self, tmp_path: Path, shapes_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Let the format fail where the owner wants the run to stop then."""
        documents, _ = _runs(shapes_folder)
        uid = documents[0][1]["uid"]
        with self._failing(monkeypatch, uid, lambda _: RuntimeError("a fault of the format")):
            writer = self.make(tmp_path, on_error="abort")
            begin = next(i for i, (name, _) in enumerate(documents) if name == "event") + 1
            for document in documents[:begin]:
                writer(*document)
            writer.flush(timeout=60)
            with pytest.raises(BluescribeError, match="a fault of the format"):
                writer(*documents[begin])
            writer.close()

    def test_a_folder_that_cannot_be_made_does_not_stop_the_scan(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Put a file where the folder should be, scan in a real RunEngine, and take it away."""
        blocker = tmp_path / "blocker"
        blocker.write_text("a file")
        with (
            self.make(blocker / "data", retry_seconds=0.2) as writer,
            recording() as (engine, documents),
        ):
            engine.subscribe(writer.receiver)
            m1 = motor()
            uids: Any = engine(bp.scan([gauss(m1)], m1, -1, 1, 3))
            (late,) = _within_a_minute(lambda: writer.status().late)
            assert blocker.read_text() == "a file", "the file that stood there was overwritten"
            blocker.unlink()
            _within_a_minute(lambda: not writer.status().late)
        assert uids[0][:7] in late.run, f"the failure does not name its run: {late}"
        assert "blocker" in late.cause, f"the cause does not name the place: {late}"
        assert late.remedy, f"no remedy: {late}"
        assert len(_told(caplog, logging.ERROR)) == 1, f"told {_told(caplog, logging.ERROR)}"
        self.check_runs(self.read_back(blocker / "data"), documents)

    def test_a_run_that_began_earlier_is_ignored_with_one_warning(
        self, tmp_path: Path, shapes_folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Subscribe in mid-run: the next run is written."""
        first, second = _runs(shapes_folder)
        self.write(tmp_path, [*first[2:], *second])
        (warning,) = _told(caplog, logging.WARNING)
        assert "start" in warning, f"the warning does not say what is missing: {warning}"
        self.check_runs(self.read_back(tmp_path), second)

    def test_a_writer_that_nothing_else_holds_goes_on(self, tmp_path: Path) -> None:
        """Subscribe it to a real RunEngine, which holds bound methods only weakly."""
        with recording() as (engine, documents):
            engine.subscribe(self.make(tmp_path).receiver)
            m1 = motor()
            for _ in range(2):
                gc.collect()
                engine(bp.scan([gauss(m1)], m1, -1, 1, 3))
                self.check_runs(self.read_back(tmp_path), documents)

    def test_nothing_is_overwritten(self, tmp_path: Path, shapes_folder: Path) -> None:
        """Give two runs one name: what was there is added to, or left alone."""
        first, second = _runs(shapes_folder)
        self.write(tmp_path, first, **self.named("same"))
        before = _contents(tmp_path)
        assert before, "no file was made"
        self.write(tmp_path, second, **self.named("same"))
        after = _contents(tmp_path)
        changed = [path for path, data in before.items() if not after[path].startswith(data)]
        assert not changed, f"overwritten: {changed}"
        self.check_runs(self.read_back(tmp_path), [*first, *second])

    def test_a_name_from_metadata_stays_in_the_directory(
        self, tmp_path: Path, shapes_folder: Path
    ) -> None:
        """Name a file after a value that is a path to elsewhere."""
        (_, start), *others = _runs(shapes_folder)[0]
        documents: Documents = [("start", {**start, "sample": "../../etc/passwd"}), *others]
        folder = tmp_path / "deep" / "data"
        self.write(folder, documents, **self.named("{sample}"))
        outside = [p for p in _contents(tmp_path) if not p.resolve().is_relative_to(folder)]
        assert not outside, f"written outside of the directory: {outside}"
        self.check_runs(self.read_back(folder), documents)

    @contextmanager
    def _failing(
        self,
        monkeypatch: pytest.MonkeyPatch,
        uid: str,
        fault: Callable[[str], Exception | None],
    ) -> Iterator[None]:
        """Let the format raise whenever it is to write events of one run."""
        plugin = FormatPlugin.of(self.writer_class)
        is_raw = plugin.takes_raw_documents
        method = "record" if is_raw else "write_events"
        original = getattr(plugin.run_file, method)
        descriptors: set[str] = set()

        def failing(file: Any, first: Any, second: Any) -> None:
            """Stand in for write_events(stream, page), or for record(name, doc)."""
            doc = second if is_raw else second.descriptor.doc
            if doc.get("run_start") == uid:
                descriptors.add(doc["uid"])
            is_events = not is_raw or first == "event"
            key = doc.get("descriptor") if is_raw else doc.get("uid")
            error = fault(uid) if is_events and key in descriptors else None
            if error is not None:
                raise error
            original(file, first, second)

        with monkeypatch.context() as patch:
            patch.setattr(plugin.run_file, method, failing)
            yield


def _runs(folder: Path) -> tuple[Documents, Documents]:
    """Return two runs of one point after the other, and the like."""
    documents = list(played("consecutive_runs", "plain", folder))
    second = [name for name, _ in documents].index("start", 1)
    return documents[:second], documents[second:]


def _within_a_minute(look: Callable[[], Any]) -> Any:
    """Return what is seen as soon as there is something to be seen."""
    deadline = time.monotonic() + 60
    while not (seen := look()):
        assert time.monotonic() < deadline, "it did not come within a minute"
        time.sleep(0.02)
    return seen


def _told(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """Return what was logged by bluescribe, from that level on."""
    records = [r for r in caplog.records if r.name.startswith("bluescribe")]
    return [record.getMessage() for record in records if record.levelno >= level]


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in _contents(folder)}


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
