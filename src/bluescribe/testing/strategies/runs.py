"""Generate whole runs with the composers of event-model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from uuid import uuid5

import event_model
from hypothesis import strategies as st

from ..transform import interleave
from .values import FieldPlan, in_events, in_files, metadata, names, texts

Document = tuple[str, dict[str, Any]]
Draw = Callable[[st.SearchStrategy[Any]], Any]

_stream_names = st.one_of(st.sampled_from(["primary", "baseline", "m1_monitor", "dark"]), names)


@st.composite
def runs(
    draw: Draw,
    *,
    finished: bool | None = None,
    external: bool = True,
    max_streams: int = 3,
    max_batches: int = 5,
) -> list[Document]:
    """Generate the documents of one run that event-model holds valid.

    Parameters
    ----------
    finished : bool, optional
        Whether there is a stop document; either when not given.
    external : bool
        Whether some fields may lie in files. The files do not exist.
    max_streams : int
        Up to so many streams.
    max_batches : int
        Up to so many events, pages or reconfigurations in all.

    Returns
    -------
    strategy for list of (str, dict)
    """
    composer = _Run(draw, external)
    # Left to itself Hypothesis makes every second run empty: most are asked for more.
    fewest = min(draw(st.sampled_from([1, 1, 1, 0])), max_streams)
    streams = st.lists(_stream_names, min_size=fewest, max_size=max_streams, unique=True)
    for name in draw(streams):
        composer.declare(name)
    fewest = draw(st.sampled_from([max_batches, max_batches // 2, 0]))
    batches = draw(st.integers(fewest, max_batches)) if composer.streams else 0
    for _ in range(batches):
        stream = draw(st.sampled_from(composer.streams))
        draw(st.sampled_from([stream.event, stream.event, stream.page, stream.declare]))()
    if draw(st.sampled_from([True, True, True, False])) if finished is None else finished:
        composer.stop()
    return composer.documents


@st.composite
def several_runs(draw: Draw, *, max_runs: int = 3) -> list[Document]:
    """Generate runs that are interleaved document by document, or follow one another."""
    generated = draw(
        st.lists(runs(), min_size=2, max_size=max_runs, unique_by=lambda run: run[0][1]["uid"])
    )
    if draw(st.booleans()):
        return interleave(*generated)
    return [document for run in generated for document in run]


class _Run:
    """Compose one run, one document after the other.

    All uids come from the run's own, so that an example that failed fails again.
    """

    def __init__(self, draw: Draw, external: bool) -> None:
        self.draw = draw
        uid = draw(st.uuids(version=4))
        self._uids: Iterator[str] = (str(uuid5(uid, str(i))) for i in count())
        first = draw(st.sampled_from([1_700_000_000.25, 0.0]) | st.floats(0, 4e9))
        self._times: Iterator[float] = (first + i / 1000 for i in count())
        self.documents: list[Document] = []
        self.streams: list[_Stream] = []
        homes = [in_events, in_events, in_events, in_files] if external else [in_events]
        self.fields = st.sampled_from(homes).flatmap(lambda home: home)
        self.bundle = event_model.compose_run(
            uid=str(uid), time=self.time(), metadata=draw(metadata)
        )
        self.emit("start", self.bundle.start_doc)

    def emit(self, name: str, doc: Any) -> None:
        self.documents.append((name, doc))

    def time(self) -> float:
        return next(self._times)

    def stamp(self) -> dict[str, Any]:
        return {"uid": next(self._uids), "time": self.time()}

    def uid(self) -> str:
        return next(self._uids)

    def declare(self, name: str) -> None:
        fields = self.draw(st.dictionaries(names, self.fields, max_size=4))
        stream = _Stream(self, name, fields)
        self.streams.append(stream)
        stream.declare()

    def stop(self) -> None:
        status = self.draw(st.sampled_from(["success", "abort", "fail"]))
        doc = self.bundle.compose_stop(exit_status=status, reason=self.draw(texts), **self.stamp())
        self.emit("stop", doc)


class _Stream:
    """Compose the documents of one stream."""

    def __init__(self, run: _Run, name: str, fields: dict[str, FieldPlan]) -> None:
        self._run, self._name, self._fields = run, name, fields
        self._row = 0
        self._next_seq_num = 1
        self._datums: dict[str, Any] = {}

    def declare(self) -> None:
        """Describe the stream, for the first time or after a reconfiguration."""
        draw = self._run.draw
        device = draw(names.filter(lambda name: name != "NX_class"))  # which hints hold themselves
        configured = draw(st.dictionaries(names, in_events, max_size=2))
        configuration = {
            "data": {key: draw(plan.values) for key, plan in configured.items()},
            "timestamps": {key: self._run.time() for key in configured},
            "data_keys": {key: plan.data_key for key, plan in configured.items()},
        }
        hinted = draw(st.booleans())
        self._bundle = self._run.bundle.compose_descriptor(
            self._name,
            {key: {**plan.data_key, "object_name": device} for key, plan in self._fields.items()},
            hints={device: {"fields": list(self._fields)[:1]}} if hinted else {},
            object_keys={device: list(self._fields)} if hinted else {},
            configuration={device: configuration},
            **self._run.stamp(),
        )
        self._run.emit("descriptor", self._bundle.descriptor_doc)

    def event(self) -> None:
        """Take one event, which now and then repeats the last seq_num as after a pause."""
        again = self._next_seq_num > 1 and self._run.draw(st.sampled_from([False, False, True]))
        seq_num = self._next_seq_num - again
        data = self._readings()
        filled: dict[str, bool | str] = {
            key: False for key, plan in self._fields.items() if plan.external == "datum"
        }
        self._stream_datums(seq_num, 1)
        doc = self._bundle.compose_event(
            data=data,
            timestamps={key: self._run.time() for key in data},
            filled=filled,
            seq_num=seq_num,
            **self._run.stamp(),
        )
        self._next_seq_num = seq_num + 1
        self._run.emit("event", doc)

    def page(self) -> None:
        """Take several events as one page."""
        rows = self._run.draw(st.integers(1, 3))
        readings = [self._readings() for _ in range(rows)]
        keys = list(readings[0])
        first = self._next_seq_num
        self._stream_datums(first, rows)
        # The composer counts rows by its columns, and has nothing to count when there are none.
        doc = event_model.EventPage(
            descriptor=self._bundle.descriptor_doc["uid"],
            seq_num=list(range(first, first + rows)),
            uid=[self._run.uid() for _ in range(rows)],
            time=[self._run.time() for _ in range(rows)],
            data={key: [reading[key] for reading in readings] for key in keys},
            timestamps={key: [self._run.time() for _ in range(rows)] for key in keys},
            filled={k: [False] * rows for k in keys if self._fields[k].external == "datum"},
        )
        self._next_seq_num = first + rows
        self._run.bundle.compose_stop.event_counters[self._name] = self._next_seq_num
        self._run.emit("event_page", doc)

    def _readings(self) -> dict[str, Any]:
        return {
            key: self._datum(key) if plan.external == "datum" else self._run.draw(plan.values)
            for key, plan in self._fields.items()
            if plan.external != "stream"
        }

    def _datum(self, key: str) -> str:
        """Announce one frame in a file, and the file before its first frame."""
        if key not in self._datums:
            bundle = self._run.bundle.compose_resource(
                spec="AD_HDF5",
                root="/nowhere",
                resource_path=f"{len(self._datums)}.h5",
                resource_kwargs={"frame_per_point": 1},
                uid=self._run.uid(),
            )
            self._datums[key] = bundle.compose_datum
            self._run.emit("resource", bundle.resource_doc)
        datum = self._datums[key](datum_kwargs={"point_number": self._row})
        self._row += 1
        self._run.emit("datum", datum)
        return str(datum["datum_id"])

    def _stream_datums(self, seq_num: int, rows: int) -> None:
        """Announce frames of each streamed field."""
        streamed = [key for key, plan in self._fields.items() if plan.external == "stream"]
        for key in streamed:
            if key not in self._datums:
                # Typed as optional, for bundles of older event-models.
                compose: Any = self._run.bundle.compose_stream_resource
                bundle = compose(
                    mimetype="application/x-hdf5",
                    uri=f"file://localhost/nowhere/{len(self._datums)}.h5",
                    data_key=key,
                    parameters={"dataset": "/entry/data/data", "chunk_shape": [1, 2, 3]},
                    uid=self._run.uid(),
                )
                self._datums[key] = bundle.compose_stream_datum
                self._run.emit("stream_resource", bundle.stream_resource_doc)
            datum = self._datums[key](
                {"start": self._row, "stop": self._row + rows},
                {"start": seq_num, "stop": seq_num + rows},
                self._bundle.descriptor_doc,
            )
            self._run.emit("stream_datum", datum)
        self._row += rows if streamed else 0
