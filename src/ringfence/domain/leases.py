"""A lease: the right to do something alone for a while, and a token that tells who held it last."""

from dataclasses import dataclass
from enum import StrEnum

from ringfence.domain.errors import ConflictError


class LeaseName(StrEnum):
    """What only one process may do at a time."""

    LOAD = "load"
    DETECT = "detect"


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a lease."""

    host: str
    process: int
    """Its number on that host."""
    started: str
    """What tells it from another process of the same number, such as the time of its start."""

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}"


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was given; valid until another token is."""

    name: LeaseName
    token: int
    """Fencing token: every lease of one name has a larger one than those before it."""


class LeaseHeldError(ConflictError):
    """Another process holds the lease."""

    def __init__(self, lease: Lease, holder: Holder, seconds_left: float) -> None:
        super().__init__(
            f"Another {lease.name} is under way ({holder}); wait until it ends. If it died, "
            f"its lease ends by itself in {max(seconds_left, 0.0):.0f} s."
        )
        self.lease, self.holder, self.seconds_left = lease, holder, seconds_left


class LeaseLostError(ConflictError):
    """The lease was given to another process meanwhile, so nothing more is written."""

    def __init__(self, name: LeaseName) -> None:
        super().__init__(
            f"This {name} was stalled and another one took its place, or the store was replaced meanwhile; "
            "nothing more of it is written. Run the same command again."
        )
        self.name = name
