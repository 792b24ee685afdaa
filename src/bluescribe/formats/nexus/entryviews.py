"""What an entry shows beside the columns of its streams; made anew when there is more."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import h5py
import numpy as np

from ...hdf5.images.links import AssetLinks
from ...hdf5.names import nexus_name
from ...hdf5.nodes import write_node
from ...hdf5.objects import forget_target, set_attribute
from ...hdf5.preallocate import is_of_system
from ...hdf5.removal import remove
from ...hdf5.tree import Dataset, Group, HardLink, Node
from ...model.diffractometer import diffractometers
from ...model.run import Run
from .content import EntryContent
from .measurement import measurement_group
from .orientation import diffractometer_group, sample_group
from .plot import PlotChoice, plot_groups
from .settings import NexusSettings
from .table import StreamTable
from .views import instrument_groups, log_group

__all__ = ["EntryViews"]

logger = logging.getLogger(__name__)

_PLOTS = ("data", "points")
_MEASUREMENT = "measurement"
_ENTRY_NAMES = (*_PLOTS, "instrument", "title", "user", "sample")


class EntryViews:
    """Default plot, positioners and detectors, logs, ends of the baseline, content by name.

    Parameters
    ----------
    run, settings
        What is shown, and how.
    tables
        The columns of the run's streams, by name, as they come.
    links
        Its external data.
    """

    def __init__(
        self,
        run: Run,
        settings: NexusSettings,
        tables: Mapping[str, StreamTable],
        links: AssetLinks,
    ) -> None:
        self._run = run
        self._settings = settings
        self._tables = tables
        self._links = links
        self._choice = PlotChoice(settings.signal, settings.axes)
        self._content = EntryContent(run, settings)
        self._shown: list[tuple[str, str]] = []
        self._primary: Mapping[tuple[str, str], Node | None] = {}
        """Views of the primary stream, by group and name; None until all are written."""
        self._measurement: dict[str, Group] = {}
        """Its numbers by their names, once they are written."""
        self._has_taken_away = False
        """Whether a view was shown that is not there any more, or was written anew."""
        self.has_news = True
        """Whether there is something that is not shown yet."""

    def write(self, entry: h5py.Group, *, is_over: bool = False) -> None:
        """Show what there is by now; at the end grids are complete, and the ranks of images known.

        To be repeated as it is after a failure.
        """
        self._take_away(entry, self._shown)
        self._shown = []
        if self.has_news or self._links.has_files:  # what is linked may have been made anew since
            self._take_primary_away(entry)
            self._take_measurement_away(entry)
        self._attempt(self._write_ends_of_baseline, entry, is_over)
        self._attempt(self._write_logs, entry)
        self._attempt(self._write_primary, entry, is_over)
        self._attempt(self._write_measurement, entry, is_over)
        self._attempt(self._write_diffractometers, entry)
        self._attempt(self._content.write, entry.file, self._tables)
        if is_over:
            self._attempt(self._content.finish, entry.file, self._tables)
            self._attempt(self._forget_marks, entry)
        self.has_news = False

    def write_again(self, entry: h5py.Group) -> None:
        """Show the images that a file has by now, which an earlier process finished.

        All else that it shows stays as it is.
        """
        self._attempt(self._write_primary_again, entry)
        self._attempt(self._content.write, entry.file, self._tables)
        self._attempt(self._content.finish, entry.file, self._tables)

    def _attempt(self, method: Callable[..., None], *args: Any) -> None:
        """Call a method; a fault of ours, or a hostile document, costs only what it shows."""
        try:
            method(*args)
        except Exception as error:
            if is_of_system(error):
                raise
            message = f"{self._run.label} lacks what {method.__qualname__} shows: {error!r}"
            self._settings.tell(logger, f"{message}. Its streams are whole.", key=message)
            logger.debug("the traceback", exc_info=True)

    def _write_logs(self, entry: h5py.Group) -> None:
        for table in self._tables.values():
            log = log_group(self._run, table)
            if log:
                self._show(entry, nexus_name(table.stream.name, {*_ENTRY_NAMES, *entry}), log)

    def _write_primary(self, entry: h5py.Group, is_over: bool) -> None:
        self._show_primary(entry, self._primary_views(entry, is_over))

    def _primary_views(self, entry: h5py.Group, is_over: bool) -> Mapping[tuple[str, str], Node]:
        """Return the views of the primary stream, by group and name; none if there is none."""
        primary = self._run.primary
        table = self._tables.get(primary.name) if primary is not None else None
        if table is None:
            return {}
        plots = plot_groups(
            self._run, table, self._links, self._choice, entry.file, is_over=is_over
        )
        views: dict[tuple[str, str], Node] = {(entry.name, name): p for name, p in plots.items()}
        instrument = f"{entry.name}/instrument"
        for name, group in instrument_groups(self._run, table, self._links).items():
            views[instrument, name] = group
            if name == "detectors" and self._content.definition:
                continue  # a definition speaks of each NXdetector that stands in the instrument
            for device in group.children:
                views[instrument, device] = HardLink(f"{instrument}/{name}/{device}")
        return views

    def _write_primary_again(self, entry: h5py.Group) -> None:
        views = self._primary_views(entry, is_over=True)
        self._primary = dict.fromkeys(views)
        self._show_primary(entry, views)

    def _show_primary(self, entry: h5py.Group, views: Mapping[tuple[str, str], Node]) -> None:
        """Write the views of the primary stream, if they are not there as they are wanted."""
        if _are_same(views, self._primary):
            return
        self._take_primary_away(entry)
        self._primary = dict.fromkeys(views)  # another try after a failure writes all of them
        for (parent, name), node in views.items():
            write_node(entry[parent], name, node)
        plots = [name for parent, name in views if parent == entry.name]
        _set_default(entry, plots[0] if plots else None)
        self._primary = views

    def _take_primary_away(self, entry: h5py.Group) -> None:
        _set_default(entry, None)
        self._take_away(entry, self._primary)
        self._primary = {}

    def _write_measurement(self, entry: h5py.Group, is_over: bool) -> None:
        """Show the numbers of the primary stream by their names, for larch and PyMca."""
        primary = self._run.primary
        table = self._tables.get(primary.name) if primary is not None else None
        group = measurement_group(self._run, table, is_over=is_over) if table is not None else None
        views = {} if group is None else {_MEASUREMENT: group}
        if _are_same(views, self._measurement):
            return
        self._take_measurement_away(entry)
        for name, node in views.items():
            write_node(entry, name, node)
        self._measurement = views

    def _take_measurement_away(self, entry: h5py.Group) -> None:
        self._take_away(entry, [(entry.name, _MEASUREMENT)])
        self._measurement = {}

    def _write_diffractometers(self, entry: h5py.Group) -> None:
        """Show what orients the sample; several may be there, one of them holds it."""
        primary = self._run.primary
        table = self._tables.get(primary.name) if primary is not None else None
        for number, told in enumerate(diffractometers(self._run, primary)):
            if number == 0:
                write_node(entry, "sample", sample_group(told))
            name = nexus_name(f"diffractometer_{told.device}", {*entry["instrument"]})
            self._show(entry["instrument"], name, diffractometer_group(told, table, entry.file))

    def _show(self, parent: h5py.Group, name: str, node: Node) -> None:
        """Write a view, and remember it: before they are written again, all are taken away."""
        self._shown.append((parent.name, name))
        write_node(parent, name, node)

    def _take_away(self, entry: h5py.Group, places: Iterable[tuple[str, str]]) -> None:
        for parent, name in places:
            if name in entry[parent]:
                remove(entry[parent], name)
                self._has_taken_away = True

    def _forget_marks(self, entry: h5py.Group) -> None:
        """Take the mark of what is linked from columns that no view shows any more.

        Whether one did depends on how often there was something to show, not on what was measured.
        """
        primary = self._run.primary
        table = self._tables.get(primary.name) if primary is not None else None
        if table is None or not self._has_taken_away:
            return
        for path in table.shown_columns():
            if path in entry.file:
                forget_target(entry.file[path])

    def _write_ends_of_baseline(self, entry: h5py.Group, is_over: bool) -> None:
        """Put the first and the last reading of each baseline field where it is easy to take.

        While the run goes on there is the first one only.
        """
        ends = {"value_start": 0} | ({"value_end": -1} if is_over else {})
        for table in self._tables.values():
            for field in table.stream.fields if table.stream.is_baseline else ():
                column = table.column(field)
                if column is None or not column.rows:
                    continue
                values = entry.file[column.path]
                for name, row in ends.items():
                    write_node(
                        values.parent, name, Dataset(np.asarray(values[row]), _copied(values))
                    )


def _set_default(entry: h5py.Group, plot: str | None) -> None:
    """Have readers begin with a plot, unless somebody wants another one: it must be there."""
    if entry.attrs.get("default", "data") not in _PLOTS:
        return
    if plot is None:
        entry.attrs.pop("default", None)
    else:
        set_attribute(entry, "default", plot)


def _are_same(views: Mapping[Any, Any], shown: Mapping[Any, Any]) -> bool:
    try:
        return views == shown
    except ValueError:  # arrays have no single answer
        return False


def _copied(dataset: h5py.Dataset) -> dict[str, Any]:
    """Return the attributes that tell what a value is."""
    return {k: dataset.attrs[k] for k in ("units", "source", "precision") if k in dataset.attrs}
