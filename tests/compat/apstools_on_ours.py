"""A plugin of pytest for apstools' own tests: the names in its modules are our classes."""

from __future__ import annotations

import apstools.callbacks
from apstools.callbacks import nexus_writer, spec_file_writer

from bluescribe.compat import apstools as ours

for name in ours.__all__:
    for module in (apstools.callbacks, nexus_writer, spec_file_writer):
        if hasattr(module, name):
            setattr(module, name, getattr(ours, name))
