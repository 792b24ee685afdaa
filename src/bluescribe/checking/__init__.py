"""Whether all is ready before beam: what `bluescribe check` and `writers.check()` find.

`check` asks everything in turn and gives a `CheckReport` of `Verdict`: `configuration` what is
wrong in iconfig.yml, `upcoming` what a session has changed, `names` keys that may not be there,
`paths` where paths in the metadata lead, `folders` the places of the files, `spool` that of what is
received, `surroundings` packages and the folders of detectors, `deliveries` their servers. `trial`
writes an example run through each format into a scratch folder beside the data, and reads it back.
Nothing is left there.

Knows: `config` and what is below; no format and no delivery by name.
"""

from __future__ import annotations

from .check import check_iconfig, check_made
from .verdict import CheckReport, Verdict

__all__ = ["CheckReport", "Verdict", "check_iconfig", "check_made"]
