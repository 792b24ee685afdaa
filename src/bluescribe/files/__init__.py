"""Where a run's files are, and how they are made and replaced: in their folder, through no link.

`templates` has the default template of names and says what is wrong with one, `filling` fills it
from a run, `numbers` counts, `run_paths` claims the name. `run_names` is the rule of what files are
called: cleaned, numbered where a name is taken, and recognised later, with all that may stand
beside a run's file. `folder` is a folder by device and inode, `place` a file in it: made
exclusively, opened, replaced at once. Nothing else in the package opens a file for writing by its
name; a test looks. `backup` puts a damaged file aside, `unneeded` removes what a refusing disk
left, `write_lock` tells whether somebody writes a file, `job_note` stands beside one to which
something is still to be done. `json_text` writes exact JSON, `remedies` says what an owner can do
about an error of the system.

Knows: nothing but `errors`.
"""

from .claims import Claims
from .folder import Folder, MovedFolderError
from .place import Place, part_beside, part_of, parts_of, replacing
from .rights import Rights
from .scratch import scratch_folder

__all__ = [
    "Claims",
    "Folder",
    "MovedFolderError",
    "Place",
    "Rights",
    "part_beside",
    "part_of",
    "parts_of",
    "replacing",
    "scratch_folder",
]
