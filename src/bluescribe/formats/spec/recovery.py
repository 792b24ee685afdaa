"""SPEC files after a crash: scans written anew from the journal, half lines made comments."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from ...contract.held_run import HeldRun
from ...contract.recovery import Found, Keep, NotAloneError, Recovery, RecoveryError, Source, play
from ...files import Place, part_beside, part_of, scratch_folder
from ...files.run_names import session_of_open
from ...files.system import change_mode
from ...model.run import Document
from .blocks import Block, blocks, is_open_ended, is_ours
from .existing import FileLock, is_torn, mend
from .header import without_stop
from .late import comments_beside
from .lines import comment
from .listing import scans_in
from .session_names import session_name

if TYPE_CHECKING:
    from .writer import SpecWriter

__all__ = ["SpecRecovery"]

_MOST_LOOKED_INTO = 1 << 22
"""Bytes of a file of others that are searched for scans of ours when a session begins."""

_APART = "one_file_a_run"


class SpecRecovery(Recovery):
    """Finds the SPEC files that bluescribe wrote."""

    holds_all_streams: ClassVar[bool] = False
    has_parts: ClassVar[bool] = True

    def examine(self, path: Path) -> list[Found]:
        """Return the scans in a file."""
        if not path.stat().st_size:
            if not self.has_ending(path):
                return []
            problem = "it is empty: nothing was written before the crash"
            return [Found(path, self._stem(path), problem=problem, is_readable=False)]
        if not is_ours(path):
            return []
        scans = [block for block in blocks(path) if block.is_scan and block.run]
        if not scans:
            return [Found(path, self._stem(path), problem=_HEADER_ONLY)]
        torn = is_torn(Place.at(path))
        waits = self._home(path) is not None
        has_comments = bool(comments_beside(path))
        return [
            Found(
                path,
                self._stem(path),
                scan.run,
                {scan.stream: scan.rows} if scan.stream else {},
                has_stop=scan.has_stop,
                problem=_problem(scan, is_torn=torn and scan is scans[-1], waits=waits)
                or (_HAS_COMMENTS if has_comments else ""),
            )
            for scan in scans
        ]

    def runs_in(self, path: Path, head: bytes) -> Iterator[HeldRun]:
        """Yield the scans of a SPEC file, of others too."""
        if head.startswith((b"#F ", b"#S ")):
            yield from scans_in(path, self.name)

    def seems_cut_short(self, path: Path) -> bool:
        """Tell whether the last scan does not say how it ended."""
        is_spec = self.has_ending(path) and is_open_ended(path)
        return is_spec and is_ours(path, most=_MOST_LOOKED_INTO)

    def is_held(self, path: Path) -> bool:
        """Tell whether a living session has a file, or the one that it waits for."""
        home = self._home(path)
        return super().is_held(path) or _is_locked(path) or (home is not None and _is_locked(home))

    def is_named_after(self, found: Found, stem: str, start: Document) -> bool:
        """Tell whether a file is called by the time of a run, or like its other files."""
        return found.stem in (stem, session_name(start))

    def mend(self, path: Path, keep: Keep) -> str:
        """Make half a line a comment; bring a scan that waits into the file of its session."""
        if not path.stat().st_size:
            raise RecoveryError("nothing was written to it before the crash")
        done = []
        cut, is_open = is_torn(Place.at(path)), any(map(_is_open, blocks(path)))
        comments = comments_beside(path)
        if cut or is_open or comments:
            kept = keep(path)
            with part_of(Place.at(path)) as part:
                _copy(kept, part)
                if cut:
                    mend(part)
                    done.append("half a line is a comment now")
                if comments:
                    with part.open("r+b") as file:
                        text = _with_comments(file.read(), comments)
                        file.seek(0)
                        file.write(text)
                    done.append("the comments beside it are in it")
                if is_open:
                    _tell_of_missing_ends(part)
                    done.append("a comment says now that the end of a scan is missing")
        for beside in comments:
            keep(beside)
        home = self._home(path)
        if home is not None:
            run = next((b.run for b in blocks(path) if b.is_scan), "")
            done.append(_put(home, {run: path.read_bytes()}, keep, may_append=True))
            keep(path)
        return "; ".join(filter(None, done))

    def rebuild(self, path: Path, sources: Sequence[Source], keep: Keep) -> str:
        """Write scans anew, in their places."""
        home = self._home(path)
        target = home or path
        may_append = home is not None or not path.stat().st_size
        with scratch_folder(path.parent) as folder:
            places = enumerate(sources)  # a uid may be a path
            comments = comments_beside(path)
            are_apart = self.chosen(_APART).get(_APART, bool(comments))
            scans = {
                s.run: self._scan(s, folder / str(n), target, are_apart=are_apart)
                for n, s in places
            }
            if comments and len(scans) == 1:
                scans = {run: _with_comments(scan, comments) for run, scan in scans.items()}
            done = _put(target, scans, keep, may_append=may_append)
            for beside in comments:
                keep(beside)
        if home is not None:
            keep(path)
        return done

    def _scan(self, source: Source, folder: Path, target: Path, *, are_apart: bool) -> bytes:
        """Return a file header and the scan of a run."""
        values = {"file_extension": target.suffix, _APART: are_apart, "append_to": None}
        stem = target.stem.replace("{", "{{").replace("}", "}}")
        writer = self.writer(folder, file_name=stem, **values)
        if not are_apart:
            cast("SpecWriter", writer).newfile(folder / target.name)
        play(writer, source)
        (path,) = folder.iterdir()
        return path.read_bytes()

    def _stem(self, path: Path) -> str:
        return path.name.removesuffix(self.ending) if self.has_ending(path) else path.stem

    def _home(self, path: Path) -> Path | None:
        """Return the file of the session for which the scan in a file waits."""
        session = session_of_open(path.stem)
        home = None if session is None else path.with_stem(session)
        return home if home is not None and home.exists() and home.stat().st_size else None


_HEADER_ONLY = "it has no scan"
_HAS_COMMENTS = "comments of it are in a file beside it"


def _problem(scan: Block, *, is_torn: bool, waits: bool) -> str:
    if is_torn or scan.has_half_line:
        return "it ends in half a line"
    if waits:
        return "it waits for the file of its session"
    return "" if scan.is_ended else "its scan has no end"


def _is_open(block: Block) -> bool:
    return block.is_scan and bool(block.run) and not block.is_ended


def _with_comments(text: bytes, comments: Sequence[Path]) -> bytes:
    """Return a file of one scan with the comments that are beside it, and not in it yet."""
    there = {*text.splitlines()}
    said = [line for path in comments for line in path.read_bytes().splitlines()]
    missing = [line for line in said if line.startswith(b"#C ") and line not in there]
    end = b"" if text.endswith(b"\n") else b"\n"
    return b"".join([text, end, *(line + b"\n" for line in missing)])


def _copy(path: Path, part: Place) -> None:
    """Put the content of a file into another one, which then may be read by the same people."""
    with path.open("rb") as old, part.open("r+b") as new:
        shutil.copyfileobj(old, new)
        change_mode(new.fileno(), stat.S_IMODE(os.fstat(old.fileno()).st_mode))


def _tell_of_missing_ends(part: Place) -> None:
    """Put a comment behind the last line of each scan that does not say how it ended."""
    with part.open("r+b") as file:
        text = file.read()
        parts, position = [], 0
        for block in filter(_is_open, blocks(part)):
            parts += [text[position : block.end], comment(without_stop(block.rows))]
            position = block.end
        file.seek(0)
        file.writelines([*parts, text[position:]])


def _put(path: Path, scans: dict[str, bytes], keep: Keep, *, may_append: bool) -> str:
    """Put scans, each behind a header, in the places of those of the same runs."""
    place = Place.at(path)
    lock = FileLock(place)  # a session that is to go on in it takes another file meanwhile
    try:
        new = _with_scans(path, scans, may_append=may_append)
        if new is None:
            return ""
        with part_beside(place) as part:
            with part.open("r+b") as file:
                file.write(new)
                file.flush()
                change_mode(file.fileno(), stat.S_IMODE(path.stat().st_mode))
                os.fsync(file.fileno())
            keep(path)
            part.move(place)
    finally:
        lock.release()
    return f"written anew from the journal, in {path.name}"


def _with_scans(path: Path, scans: dict[str, bytes], *, may_append: bool) -> bytes | None:
    """Return what is to be in a file; None if it is there."""
    old = path.read_bytes()
    found = blocks(path)
    parts, position, missing = [], 0, dict(scans)
    for number, block in enumerate(found):
        if not block.is_scan or block.run not in scans:
            continue
        if number + 1 < len(found) and found[number + 1].is_scan:
            if block.run == found[number + 1].run:
                raise NotAloneError("the run has several scans; they are left as they are")
            raise NotAloneError("a scan without a header follows; somebody has edited the file")
        if missing.pop(block.run, None) is None or (may_append and block.is_ended):
            continue
        has_header = number > 0 and not found[number - 1].is_scan
        begin = found[number - 1].start if has_header else block.start
        parts += [old[position:begin], scans[block.run]]
        position = block.end
    parts.append(old[position:])
    parts += missing.values() if may_append else []
    new = _joined(parts)
    return None if new == old else new


def _joined(parts: Sequence[bytes]) -> bytes:
    """Put an empty line before each part that follows on another."""
    text = b""
    for part in filter(None, parts):
        if text and not part.startswith(b"\n"):
            text += b"\n" if text.endswith(b"\n") else b"\n\n"
        text += part
    return text


def _is_locked(path: Path) -> bool:
    try:
        FileLock(Place.at(path)).release()
    except BlockingIOError:
        return True
    return False
