"""A delivery into a list, for the tests of what all deliveries share."""

from __future__ import annotations

import time

from bluescribe.delivery.base import Delivery
from bluescribe.delivery.settings import DeliverySettings


class Basket(Delivery):
    """Deliver into a list; raise or return what `faults` has first."""

    name = "basket"
    settings_class = DeliverySettings

    def __init__(self, folder, *faults):
        super().__init__(outbox=str(folder))
        self.faults, self.got, self.tried = list(faults), [], 0

    def deliver(self, entry):
        self.tried += 1
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault
        self.got.append(entry.content["n"])
        return None


def wait(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.005)


def put(basket, *numbers):
    for number in numbers:
        basket.put(f"run {number}", {"n": number})
