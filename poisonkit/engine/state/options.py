"""How a run is executed: nothing here changes what it writes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from poisonkit.common import processors
from poisonkit.engine.state.progress import Logged, Progress
from poisonkit.errors import RequestError


@dataclass(frozen=True)
class Shard:
    """The index-th, from 1, of `of` parts of a plan."""

    index: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """`I/N` as `--shard` takes it. RequestError for anything else."""
        found = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
        if not found:
            raise RequestError(f"--shard {text}: it must be I/N, such as 3/8, I from 1 to N.")
        shard = cls(int(found[1]), int(found[2]))
        if not 1 <= shard.index <= shard.of:
            hint = " Kubernetes counts from 0: give its index plus 1." if shard.index == 0 else ""
            raise RequestError(f"--shard {text}: there is no such part; I is from 1 to {max(1, shard.of)}.{hint}")
        return shard

    def __str__(self) -> str:
        return f"{self.index}/{self.of}"


@dataclass(frozen=True)
class Options:
    """jobs 0: one per processor that this process may use.

    executor: `local` or `dask`. scheduler: of a Dask cluster; `local` starts one here.
    shard: do this part of the plan and nothing else. fresh: remove what an earlier run wrote and start over.
    time_limit: how long a clip may take, as a multiple of `time_limit.allowed`; 0: as long as it likes.
    calibrate: make a few clips before a long run, to tell how long it will take.
    """

    jobs: int = 0
    progress: Progress = field(default_factory=Logged)
    executor: str = "local"
    scheduler: str | None = None
    shard: Shard | None = None
    fresh: bool = False
    time_limit: float = 1.0
    calibrate: bool = True

    def __post_init__(self) -> None:
        if type(self.jobs) is not int or self.jobs < 0:
            raise RequestError(f"--jobs {self.jobs!r}: it must be a number of workers, or 0 for one per processor.")

    @property
    def in_process(self) -> bool:
        """Whether clips are worked on in this process, where nobody can end one that hangs: as asked for."""
        return self.jobs == 1

    @property
    def n_jobs(self) -> int:
        """How many workers: as many as asked for, else one for each processor that this process may use."""
        return self.jobs or processors.count()
