"""The port of rings and runs: what a detection found, published in one step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from ringfence.domain.leases import Lease
from ringfence.domain.pages import Key, Page
from ringfence.domain.progress import Progress
from ringfence.domain.rings import JointClaim, LineageStep, Link, Member, Ring, RingQuery, Strength
from ringfence.domain.runs import Run, RunState


@dataclass(frozen=True, eq=False)
class PastRun:
    """A run that ended, with all a store has of it."""

    run: Run
    is_kept: bool
    """Whether its findings are kept."""
    tables: Mapping[str, pl.DataFrame]
    """As they were written; where the findings were cleared away, what is left of `lineage`, if anything."""
    born: Mapping[str, str | None]
    """The rings that were published by it first, by id, each with the ring it was split from, if it was."""


class Rings(Protocol):
    """A reader sees the last published run or the new one, never half of one.

    Where `run_id` is None the published run is meant; without one, there are no rings. Another run may be
    named while its findings are kept, a withheld one too; NotFoundError for all others.
    """

    def begin_run(self, lease: Lease, market_version: int, now: int) -> int:
        """Begin a run and give its number; runs that were interrupted are marked failed and cleared away.

        Raises LeaseLostError, as every verb with a lease.
        """

    def write_run(
        self,
        run_id: int,
        tables: Mapping[str, pl.DataFrame],
        about: Mapping[str, Any],
        lease: Lease,
        progress: Progress,
    ) -> None:
        """Write what a run found, unseen and in short transactions.

        `tables` are those of a run folder, with `market.results.SCHEMAS` (those of OPTIONAL may be left out);
        `about` is run.json. Raises LeaseLostError, UnavailableError, or ConflictError if the run is not under
        way or was written before.
        """

    def publish(self, run_id: int, lease: Lease, now: int, reasons: Sequence[str] = ()) -> None:
        """Make a run the one everybody sees, in one step.

        Its new rings begin their lives. Raises LeaseLostError, or ConflictError if it is not under way or not
        written.
        """

    def withhold(self, run_id: int, lease: Lease, now: int, reasons: Sequence[str]) -> None:
        """Keep a complete run unpublished, and say why."""

    def fail(self, run_id: int, lease: Lease, now: int, reason: str) -> None:
        """End a run that came to nothing, and clear away what it wrote."""

    def forget(self, keep: int, lease: Lease, progress: Progress) -> int:
        """Tidy up after a run: clear away the findings of all but the last `keep` (1 or more) published runs
        and those withheld since the oldest of them, and give how many runs that were.

        Their entries among the runs stay, and of the lives of their rings every step but `kept`.
        """

    def past_run(self, run_id: int) -> PastRun:
        """Tell all there is of a run, as of one moment. Raises NotFoundError for one that has not ended."""

    def put_run(self, past: PastRun, lease: Lease, progress: Progress, *, is_last: bool = True) -> None:
        """Write a run as another store had it, its number, times and state included, after those before it.

        `is_last` is False where a later run that was published follows at once: then nothing need be done for
        this one to be looked at.

        It is seen whole or not at all; what was left of a run that was interrupted is cleared away first.
        Raises ConflictError where this run or a later one has ended here, LeaseLostError, UnavailableError.
        """

    def run(self, run_id: int | None = None) -> Run | None:
        """Find a run."""

    def runs(self, first: int, after: Key | None = None, state: RunState | None = None) -> Page[Run]:
        """List runs, latest first (Key: run_id)."""

    def tables(self, run_id: int | None = None) -> dict[str, pl.DataFrame]:
        """Give all tables of a run as they were written; NotFoundError if its findings are not kept."""

    def last_members(self) -> dict[str, dict[str, float]]:
        """Give the members (buyer id -> evidence) of every ring as last published.

        Rings alive, and rings that ended within the runs whose findings are kept; none before the first run.
        """

    def alive(self) -> frozenset[str]:
        """Give the rings of the published run."""

    def origins(self) -> dict[str, str]:
        """Give the ring it was split from, for every ring that was split from another, alive or ended."""

    def strengths(self, run_id: int | None = None) -> dict[str, Strength]:
        """Say of every ring of a run, by ring id, how much there is of it."""

    def names(self) -> frozenset[str]:
        """Give the ids of all rings that were ever published: none may be given to another."""

    def page(
        self, query: RingQuery, first: int, after: Key | None = None, run_id: int | None = None
    ) -> Page[Ring]:
        """List rings, greatest first by `query.order`, ties by ring id."""

    def rings(self, ring_ids: Sequence[str], run_id: int | None = None) -> tuple[Ring, ...]:
        """Find rings by id in a run, in the order asked for; those that are not there are left out."""

    def rings_of(self, buyer_ids: Sequence[str], run_id: int | None = None) -> dict[str, tuple[str, ...]]:
        """Give the ids of the rings that each of these buyers is in, by id; who is in none is left out."""

    def last_known(self, ring_id: str) -> Ring | None:
        """Find a ring as of the last published run that had it and whose findings are kept."""

    def members(self, ring_ids: Sequence[str], run_id: int | None = None) -> tuple[Member, ...]:
        """List the members of rings, ring by ring as asked for, best first."""

    def joint_claims(self, ring_ids: Sequence[str], run_id: int | None = None) -> tuple[JointClaim, ...]:
        """List the claims that rings rest on, ring by ring as asked for, by event, then time."""

    def links_inside(
        self, ring_ids: Sequence[str], run_id: int | None = None
    ) -> tuple[tuple[str, Link], ...]:
        """List (ring_id, link) between members of one ring, ring by ring as asked for, best first."""

    def links_of(self, buyer_id: str, first: int, run_id: int | None = None) -> tuple[Link, ...]:
        """List a buyer's links, best first."""

    def links_from(self, buyer_ids: Sequence[str], run_id: int | None = None) -> tuple[Link, ...]:
        """List the links of any of these buyers, best first."""

    def lineage(self, ring_ids: Sequence[str]) -> tuple[LineageStep, ...]:
        """Tell the lives of rings, as themselves or as the previous ring of another, over all runs that were
        published, oldest first."""

    def buyer_score(self, buyer_id: str, run_id: int | None = None) -> float | None:
        """Give a buyer's score, 0 to 1; None for a buyer the run did not see."""

    def risks(self, buyer_ids: Sequence[str], run_id: int | None = None) -> tuple[int, list[dict[str, Any]]]:
        """Give the run that is meant (0 before the first) and its rows of `risks` of these buyers, by column.

        As asked for, each once; buyers that the run did not see are left out, all of them by a run without
        risks.
        """

    def lead_table(self, table: str, run_id: int | None = None) -> tuple[int, pl.DataFrame]:
        """Return the run that is meant (0 before the first) and one of its tables of LEADS, as written.

        A run of before there were leads has none. What people see of leads is read through `Store.leads`.
        """
