"""A run: one detection, from its beginning to its publication."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class RunState(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    """Under way, or interrupted: nothing of it is seen."""
    PUBLISHED = "published"
    """Its rings are, or were, the ones everybody sees."""
    WITHHELD = "withheld"
    """Complete, but the publication guard found its result implausible."""
    FAILED = "failed"
    """Ended early; nothing of it is kept but this entry."""


@dataclass(frozen=True, slots=True)
class Run:
    """`(:Ring)-[:FOUND_BY]->(:Run)`: one detection."""

    run_id: int
    """1, 2, …: later runs have larger numbers, whatever the clock says."""
    state: RunState
    begun_at: int
    """µs since 1970-01-01 UTC."""
    ended_at: int | None
    """When it was published, withheld or failed; None while it is under way."""
    market_version: int
    """The load up to which it saw the market."""
    about: Mapping[str, Any]
    """What run.json says: parameters, versions, seed, counts, notes."""
    reasons: tuple[str, ...] = ()
    """Why it was withheld or failed; or why it was published although the guard objected."""

    @property
    def rings(self) -> int:
        """How many rings were found; 0 before they are known."""
        return int(self.about.get("counts", {}).get("rings", 0))
