"""Plans of this instrument."""

import bluesky.plans as bp

from ..devices import diode, m1


def find_peak(width=2, num=21, md=None):
    """Scan m1 around where it is."""
    yield from bp.rel_scan(
        [diode], m1, -width / 2, width / 2, num, md={"purpose": "peak", **(md or {})}
    )


def take_darks(num=3, md=None):
    """Count with nothing moving."""
    yield from bp.count([diode], num=num, md={"purpose": "dark", **(md or {})})
