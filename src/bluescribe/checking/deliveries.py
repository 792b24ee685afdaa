"""Whether the servers that runs are delivered to answer, in bounded time."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from ..config.configuration import DeliveryConfig
from ..delivery.base import Later, Refused
from ..delivery.outbox import default_folder
from ..extras import MissingExtraError
from .bounded import within
from .subject import Subject
from .verdict import Verdict, failed, ok

__all__ = ["deliveries"]

_SECONDS = 8.0


def deliveries(subject: Subject) -> Iterator[Verdict]:
    """Yield a verdict on each delivery."""
    for config in subject.configuration.deliveries:
        yield _verdict(config, subject.heed)


def _verdict(config: DeliveryConfig, heed: Callable[[], None]) -> Verdict:
    what = f"delivery {config.name}"
    try:
        with closing(_Asking(config)) as asking:
            who = within(_SECONDS, asking.delivery.reach, heed)
    except MissingExtraError as error:
        cause, _, remedy = str(error).partition(": ")
        return failed(what, cause, remedy)
    except (Later, Refused) as error:
        return failed(what, error.cause, f"{error.remedy}. Runs wait in the outbox meanwhile")
    except TimeoutError as error:
        return failed(what, str(error), "look whether the server runs, and the network to it")
    except Exception as error:  # of a delivery of others
        cause = f"{type(error).__name__}: {error}"
        return failed(what, cause, f"correct the block {config.name.upper()}")
    return ok(what, f"{who} answers" if who else "made; it has nobody who can be asked")


class _Asking:
    """A delivery of its own, whose outbox is nowhere: that of the sessions is left alone."""

    def __init__(self, config: DeliveryConfig) -> None:
        nowhere = _outbox(config) / f"check-{secrets.token_hex(8)}"
        given = config.settings.model_dump(include=config.settings.model_fields_set)
        self.delivery = config.delivery_class(**{**given, "outbox": nowhere})

    def close(self) -> None:
        """End it."""
        if self.delivery.writer is not None:
            self.delivery.writer.close()
        self.delivery.close(0.0)


def _outbox(config: DeliveryConfig) -> Path:
    return config.settings.outbox or default_folder(config.name)
