"""Simulated devices; an instrument's own connect to EPICS."""

from ophyd.sim import SynAxis, SynGauss

m1 = SynAxis(name="m1", labels={"motors", "baseline"})
m2 = SynAxis(name="m2", labels={"motors", "baseline"})
diode = SynGauss("diode", m1, "m1", center=0.1, Imax=1000, sigma=0.5, labels={"detectors"})

baseline = [device for device in (m1, m2, diode) if "baseline" in device._ophyd_labels_]
