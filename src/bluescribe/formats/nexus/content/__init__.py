"""Content by name: user, sample, source, slits... of an entry, from metadata and baseline.

A mapping says where each field of a NeXus group comes from. One ships with bluescribe
(``defaults.yml``); ``CONTENT`` of iconfig.yml extends it, and templates of the start document and
application definitions (``applications/``) are mappings too. `rules` and `template` read them,
`sources` finds what they name (`external`: in other files), `build` makes the tree, `definitions`
checks it, `entry` does that for one run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....later import names_of

if TYPE_CHECKING:
    from .definitions import Definition, definition_names, load_definition
    from .entry import EntryContent
    from .rules import GroupRule, default_rules, merge
    from .template import parse_template

__all__ = [
    "Definition",
    "EntryContent",
    "GroupRule",
    "default_rules",
    "definition_names",
    "load_definition",
    "merge",
    "parse_template",
]

__getattr__ = names_of(
    __name__,
    {
        **dict.fromkeys(("Definition", "definition_names", "load_definition"), "definitions"),
        "EntryContent": "entry",
        **dict.fromkeys(("GroupRule", "default_rules", "merge"), "rules"),
        "parse_template": "template",
    },
)
