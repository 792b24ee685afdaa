"""RunFile: one run in one format. Whoever adds a format implements this."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ..assets.asset import Asset, Frames
from ..assets.path_map import PathMap
from ..files import Place
from ..files.job_note import Note, exact
from ..model.run import Descriptor, Document, Page, Run, Stream
from .hooks import check_hooks
from .post_run import Work
from .run_images import RunImages
from .run_places import Settings
from .settings import WriterSettings

__all__ = ["RunFile", "Settings"]

logger = logging.getLogger(__name__)

_OF_WRITERS = dict.fromkeys(
    ("prepare", "recovery", "go_on"),
    "it is a hook of the writer: define it in the subclass of Writer that has this file_class",
)


class RunFile(RunImages[Settings]):
    """The file, or files, of one run in one format.

    All calls come on the writer's thread: `accepts` and `open`, then for live and for exported
    runs alike `record`, `add_descriptor`, `write_events`, `link_assets` and `sync` as the
    documents come, then `close`, or `abandon` after a failure.

    An `OSError` makes the router call the same method again with the same arguments, for as
    long as ``retry_seconds`` says: a method that failed must be fit to be repeated. Any other
    exception ends this file and no other; a `DocumentError` refuses only the document. What
    `write_events` raises may be a value's fault: it is called again with one event at a time, and
    with a text in the place of a value, before the file is ended. It must not have written part of
    the page that it raised at.
    """

    takes_pages: ClassVar[bool] = True
    """False for a format that keeps documents as they come and wants `record` alone."""
    takes_typed_columns: ClassVar[bool] = False
    """True for a format for which a column of Python's numbers may be an `array.array` of them.

    It has the values that the list of them has, and their types, in a buffer.
    """
    is_sent: ClassVar[bool] = False
    """True where runs are sent somewhere and no file is made: messages say so."""
    note: Note | None = None
    """Says beside the file, from its end on, what `afterwards` is to do."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse hooks that nobody would call.

        Raises
        ------
        DefinitionError
            It names the hook that was meant.
        """
        super().__init_subclass__(**kwargs)
        check_hooks(cls, elsewhere=_OF_WRITERS, settings=WriterSettings)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.discrepancies: Sequence[str] = ()
        """In what the run differs from what its stop document says; known when `close` is called.

        Events or frames that did not come, or came twice. The file is marked with it, where its
        readers see it.
        """
        self.is_ending = False
        """Whether the stop document came: `close` follows what is written now, and shows it."""
        self.left_out: dict[tuple[str, str | None], str] = {}
        """What the files lack on purpose, by stream and field, and why; see `leave_out`."""

    def discard(self) -> None:
        """Remove what was made, after `abandon`: the run is written anew, from its beginning.

        What is in a folder that nobody finds any more stays there.

        Raises
        ------
        OSError
            The folder is away, or cannot be written.
        """
        if self.note is not None:
            self.note.clear()
            self.note = None
        self._remove_all()

    def files(self) -> list[Path]:
        """Return every file of the run, once it is closed, for those who take them elsewhere.

        A format whose `paths` do not name all says so here: `paths` are asked for all the time.
        """
        return self.paths

    def leave_out(self, stream: str, field: str | None, why: str) -> None:
        """Note what is not written on purpose: `RunReport.left_out` tells of it.

        A format that does not name it in its file calls this, as often as it likes.

        Parameters
        ----------
        stream, field
            What is left out; None for a whole stream.
        why
            In a few words, such as "arrays have no place in a column".
        """
        self.left_out.setdefault((stream, field), why)

    def accepts(self, run: Run) -> bool:
        """Tell whether a run is to be written, from its start document; for subclasses."""
        return True

    def resource_path(self, path: Path) -> Path:
        """Return where an external file is, for subclasses; ``path_map`` was applied already."""
        return path

    def locate(self, path: str) -> Path:
        """Return where a file is here that the documents call `path`."""
        found = PathMap(self.settings.path_map).apply(path)
        try:
            return self.resource_path(found)
        except Exception as error:
            logger.warning(
                "%s.resource_path() failed on %s: %r. It is looked for as the documents say.",
                type(self).__name__,
                found,
                error,
            )
            return found

    @abstractmethod
    def open(self, run: Run) -> None:
        """Make the file and write what the start document tells."""

    def record(self, name: str, doc: Document) -> None:
        """Take a document as it came, in order, before it reaches the methods below.

        Events and event pages come here for a format that takes no pages, and for no other.
        """

    @abstractmethod
    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None:
        """Take in a descriptor: the first one of a stream, or a reconfiguration of it."""

    @abstractmethod
    def write_events(self, stream: Stream, page: Page) -> None:
        """Write consecutive events of one descriptor."""

    def link_assets(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> None:
        """Note that an external file holds a field's values.

        Parameters
        ----------
        stream, field
            Whose values.
        asset
            Where they are.
        frames
            Which events and frames, in the order of the events; None when the documents do not
            tell, as some datums do not. `frames` reads them when the run has ended.
        """

    def control(self, verb: str, asked: Document) -> None:
        """Take a control record: what the user asks of the run, in its order among the documents.

        A format leaves what it does not know. See `contract.session`.

        Parameters
        ----------
        verb
            What is asked.
        asked
            All that was said with it.
        """
        if verb == "comment":  # formats from before there were control records have a method
            self.add_comment(asked["text"], asked["time"], at_end=asked["at_end"])

    def add_comment(self, text: str, seconds: float, *, at_end: bool = False) -> None:
        """Take in what somebody says about the run; a format without comments leaves it.

        Parameters
        ----------
        text
            One line or several.
        seconds
            When it was said, in epoch seconds.
        at_end
            Whether it is to stand at the end of the run, whenever it comes.
        """

    @abstractmethod
    def sync(self) -> None:
        """Bring all that was written to where other processes read it."""

    @abstractmethod
    def close(self, stop: Document | None) -> None:
        """Finish the file; `stop` is None when the run was never stopped."""

    @abstractmethod
    def abandon(self) -> None:
        """Let go of the file as it is after a failure; leave no half row where that is possible."""

    def afterwards(self) -> Work | None:
        """Return what remains to be done once the file is closed, on another thread, or nothing.

        The file is complete without it: `close` was called and did not fail.
        """
        return None

    def owe(
        self, format_name: str, run: Run, file: Place, what: str, about: Callable[[], Document]
    ) -> None:
        """Note beside a file what `afterwards` is going to do; another process may have to.

        `close` calls this just before the file is told to be finished. A note that cannot be made
        is told, and costs the file nothing.

        Parameters
        ----------
        format_name
            Whose `take_up` knows what to do.
        run
            The run.
        file
            The file.
        what
            What is to be done, as messages say it: "its images are in it".
        about
            Returns all that `take_up` needs; it becomes JSON.
        """
        if self.note is not None:  # a try that failed
            return
        try:
            chosen = self.settings.model_fields_set - {"directory"}
            settings = self.settings.model_dump(mode="json", include=chosen)
            told = exact({"settings": settings, **about()})
            self.note = Note.made(file, format_name, run.label, what, told)
        except Exception as error:
            logger.warning(
                "%s: %s: it cannot be noted beside %s that %s only later: %s. It is done all the "
                "same, but not if this process is killed before that.",
                *(format_name, run.label, file, what, error),
            )

    def take_up(self, note: Note) -> Work:
        """Return what does the work that a note tells of; only formats that `owe` need this.

        Its file is there, and nobody writes it. It may have been done before, in part or wholly.
        """
        raise NotImplementedError(f"{type(self).__name__} owes nothing")
