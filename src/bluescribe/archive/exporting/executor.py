"""Who carries out an export: this process, processes of this machine, or a cluster."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ConfigError, shown
from .crew import Crew

__all__ = ["Executor"]

_SCHEMES = ("dask://", "tcp://", "tls://")
"""How the address of a scheduler begins; the first one is ours, the others are Dask's."""


@dataclass(frozen=True)
class Executor:
    """What was asked for."""

    cluster: Any = None
    """Address of a scheduler, or a client of one; None for this machine."""
    jobs: int = 0
    """Number of processes; 0 for this one."""

    @classmethod
    def of(cls, given: Any, jobs: int | None) -> Executor:
        """Return what somebody asks for.

        Parameters
        ----------
        given
            ``"local"``, ``"processes"``, the address of a scheduler, a client of Dask, or None.
        jobs
            Number of processes, if it was given.

        Raises
        ------
        ConfigError
            That is nothing of these, or `jobs` does not go with it.
        """
        if given == "processes":
            return cls(jobs=jobs or _cores())
        if given is None and jobs is not None and jobs > 1:
            return cls(jobs=jobs)
        if given is not None and jobs is not None and (jobs > 1 or given != "local"):
            raise ConfigError(
                f"the number of processes does not go with {shown(given)}: it goes with processes "
                "of this machine; a cluster has the workers that it has"
            )
        if given is None or given == "local":
            return cls()
        if hasattr(given, "scheduler_info"):
            return cls(cluster=given)
        if isinstance(given, str) and given.startswith(_SCHEMES) and given.split("//")[1]:
            return cls(cluster=given)
        raise ConfigError(
            f"{shown(given)}: no such executor; allowed are local, processes and dask://HOST:PORT"
        )

    def folder_for(self, directory: str | Path) -> str | Path:
        """Return the folder of the files by a path that leads there on all workers, too."""
        if self.cluster is None:
            return directory
        return Path(directory).expanduser().absolute()

    def crew(self) -> Crew | None:
        """Return the workers, which are there from now on; None for this process.

        Raises
        ------
        MissingExtraError
            Dask's distributed is not installed.
        SchedulerError
            The scheduler does not answer.
        """
        if self.cluster is not None:
            from .cluster import Cluster

            return Cluster(self.cluster)
        if not self.jobs:
            return None
        from .processes import Processes

        return Processes(self.jobs)


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
