"""What Prometheus asks a listener for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..extras import import_extra
from .health import Health

__all__ = ["Metrics"]


class Metrics:
    """The metrics of a listener, read when they are asked for.

    Parameters
    ----------
    health
        Of the listener.

    Raises
    ------
    MissingExtraError
        prometheus-client is not installed.
    """

    def __init__(self, health: Health) -> None:
        self._health = health
        self._client = import_extra("prometheus_client", "metrics", "--http")
        core = import_extra("prometheus_client.core", "metrics", "--http")
        self._counter, self._gauge = core.CounterMetricFamily, core.GaugeMetricFamily
        self._registry = self._client.CollectorRegistry()
        self._registry.register(self)
        self._client.ProcessCollector(registry=self._registry)

    @property
    def content_type(self) -> str:
        """Return what `text` is."""
        return str(self._client.CONTENT_TYPE_LATEST)

    def text(self) -> bytes:
        """Return all metrics."""
        return bytes(self._client.generate_latest(self._registry))

    def collect(self) -> Iterator[Any]:
        """Yield the metrics; prometheus-client calls it."""
        health = self._health
        counter, gauge = self._counter, self._gauge
        up = not health.trouble
        yield gauge("bluescribe_ready", "Whether runs are written", float(not self._why()))
        yield gauge("bluescribe_source_up", "Whether the source of runs answers", float(up))
        yield counter("bluescribe_received_documents", "Or parts of them", health.documents)
        yield counter("bluescribe_received_bytes", "Bytes of documents", health.bytes)
        yield gauge("bluescribe_last_document_timestamp_seconds", "When it came", health.latest)
        yield gauge(
            "bluescribe_open_runs", "Runs that have begun and are not done", health.open_runs
        )
        if health.lag is not None:
            yield gauge("bluescribe_source_lag", "What waits at the source", health.lag)
        runs = counter("bluescribe_runs", "Runs that are over", labels=["format", "outcome"])
        for (name, outcome), number in list(health.runs.items()):
            runs.add_metric([name, outcome], number)
        yield runs
        yield from self._of_writers()

    def _of_writers(self) -> Iterator[Any]:
        """Yield what each format does."""
        if self._health.writers is None:
            return
        status = self._health.writers.status()
        written = self._health.written
        counter, gauge = self._counter, self._gauge
        rows: list[tuple[Any, str, str, dict[str, float]]] = [
            (
                counter,
                "events_written",
                "In files",
                {n: s.events_written for n, s in status.items()},
            ),
            (counter, "file_bytes", "Of complete runs", {n: written[n] for n in status}),
            (counter, "refused", "Documents", {n: s.documents_refused for n, s in status.items()}),
            (
                gauge,
                "waiting",
                "Documents to be written",
                {n: s.backlog for n, s in status.items()},
            ),
            (gauge, "retrying", "A disk refuses", {n: bool(s.retrying) for n, s in status.items()}),
        ]
        for family, name, about, values in rows:
            metric = family(f"bluescribe_{name}", about, labels=["format"])
            for format_name, value in values.items():
                metric.add_metric([format_name], value)
            yield metric

    def _why(self) -> str:
        return self._health.why_not_ready()
