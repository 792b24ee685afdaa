"""A delivery of others, in one file: it copies the files of each run into a folder."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from bluescribe import Writer
from bluescribe.contract.report import RunReport
from bluescribe.delivery.base import Delivery, Entry, Later
from bluescribe.delivery.settings import DeliverySettings

NO_DELIVERY = object()


class CopiesSettings(DeliverySettings):
    """Where the files go."""

    target: Path = Field(description="Folder for the copies")


class CopiesDelivery(Delivery):
    """Copy the files of each run."""

    name = "copies"
    settings_class = CopiesSettings
    settings: CopiesSettings

    def follow(self, writers: Sequence[Writer]) -> None:
        super().follow(writers)
        for writer in writers:
            writer.on_complete(self._finished)

    def _finished(self, report: RunReport) -> None:
        self.put(report.uid, {"files": [str(path) for path in report.files]})

    def deliver(self, entry: Entry) -> float | None:
        if not self.settings.target.is_dir():
            raise Later("its target is away", "make that folder")
        for path in entry.content["files"]:
            shutil.copy(path, self.settings.target)
        return None


class Nameless(CopiesDelivery):
    """A delivery that is called as another one."""


class Unfinished(Delivery):
    """A delivery that delivers nothing."""

    name = "unfinished"
