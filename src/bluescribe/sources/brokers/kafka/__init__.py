"""Runs in a Kafka topic: all documents of a run in one partition, in order, and runs mixed there.

`broker` is what listeners and senders call, `sending` the producer, `group` the consumer and what
it commits, `partition` what is open where, `strangers` the documents of bluesky-kafka's own
Publisher, `settings` how the client is configured.
"""

from __future__ import annotations

from .broker import KafkaBroker

__all__ = ["KafkaBroker"]
