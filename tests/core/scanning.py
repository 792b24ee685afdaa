"""Scans in a real RunEngine, and a journal that can be held up."""

from __future__ import annotations

import logging
import threading

import bluesky.plans as bp

from bluescribe.formats.jsonl import JsonlFile
from bluescribe.testing.shapes.devices import gauss, motor
from tests.readers.jsonl import read_documents

PATIENCE = 60


def scan(points=3):
    m1 = motor()
    return bp.scan([gauss(m1)], m1, -1, 1, points)


def names(path):
    return [name for name, _ in read_documents(path)]


WHOLE = ["start", "descriptor", "event", "event", "event", "stop"]


def told(caplog, level=logging.WARNING):
    found = [r for r in caplog.records if r.name.startswith("bluescribe") and r.levelno >= level]
    return [record.getMessage() for record in found]


class Gate:
    """Hold up, or fail, every journal at its next event; let it go on `open`."""

    def __init__(self, monkeypatch):
        self.is_open, self.error = threading.Event(), None
        self.reached = threading.Event()
        original = JsonlFile.record

        def record(file, name, doc):
            if name == "event":
                self.reached.set()
                assert self.is_open.wait(PATIENCE)
                if self.error:
                    raise self.error
            original(file, name, doc)

        monkeypatch.setattr(JsonlFile, "record", record)

    def fail(self, error):
        self.error = error
        self.is_open.set()
