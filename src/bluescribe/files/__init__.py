"""Where a run's files are, and how they are made and replaced: in their folder, through no link.

Nothing else in the package opens a file for writing by its name.
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
