"""Runs of a store and of folders, told alike: as tables with the columns of a run's files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from ringfence.domain.errors import NotFoundError
from ringfence.domain.lead_decisions import LeadStanding
from ringfence.domain.leads import Lead, LeadBuyer, LeadClaim, LeadQuery
from ringfence.domain.records import Event
from ringfence.domain.ring_decisions import RingStanding, RingStatus
from ringfence.domain.rings import JointClaim, LineageStep, Link, Member, Ring, RingOrder, RingQuery
from ringfence.domain.runs import RunState
from ringfence.domain.scope import Principal
from ringfence.export import RunFolder, read_run, select_leads
from ringfence.market.results import LEADS, SCHEMAS
from ringfence.services import leads, read_rings
from ringfence.store import Store
from ringfence.store.columnar.ring_lists import list_rings
from ringfence.store.leads import choose_leads


@dataclass(frozen=True, eq=False)
class StoredRing:
    """A ring as a run of a store saw it, and its life up to now."""

    ring: Ring
    is_alive: bool
    """Whether the published run has it."""
    part: RunFolder
    """The run with this ring alone."""
    is_withheld: bool
    """Whether that run is withheld."""
    lineage: tuple[LineageStep, ...]
    """Oldest first."""
    standing: RingStanding

    def life(self) -> dict[str, object]:
        """Tell of its life in what JSON can hold."""
        return {
            "run_id": self.ring.run_id,
            "first_run_id": self.ring.first_run_id,
            "origin_ring_id": self.ring.origin_ring_id,
            "is_alive": self.is_alive,
            **self.standing.in_short(),
            "lineage": [asdict(step) for step in self.lineage],
        }


@dataclass(frozen=True, eq=False)
class ListedRings:
    """The first rings of a list."""

    shown: pl.DataFrame
    """The columns of rings.csv, in the order asked for."""
    total: int
    """How many rings the run has."""
    run_id: int | None
    """The run of the store; None for a folder's, and before the first was published."""
    standings: Mapping[str, RingStanding] | None = None
    """Where those shown stand, by ring id; None for a folder, about whose rings nothing is decided."""


def list_folder_rings(run: Path, query: RingQuery, limit: int) -> ListedRings:
    """List the rings of a run's folder by evidence, merchant, buyer and network, in the order asked for.

    Raises NotFoundError where there is no run, InvalidError where it is damaged.
    """
    folder = read_run(run)
    rings = folder.rings
    if query.min_score is not None:
        rings = rings.filter(pl.col("score") >= query.min_score)
    if query.merchant_id is not None:
        hit = folder.evidence.filter(pl.col("merchant_id") == query.merchant_id)["ring_id"].unique()
        rings = rings.filter(pl.col("ring_id").is_in(hit.implode()))
    if query.buyer_id is not None:
        of_buyer = folder.members.filter(pl.col("buyer_id") == query.buyer_id)["ring_id"].unique()
        rings = rings.filter(pl.col("ring_id").is_in(of_buyer.implode()))
    if query.network_id is not None:
        rings = rings.filter(pl.col("network_id") == query.network_id)
    if query.order is not RingOrder.SCORE:
        listed = list_rings(rings, RingQuery(order=query.order), None).select("ring_id")
        rings = listed.join(rings, on="ring_id", maintain_order="left")
    return ListedRings(rings.head(limit), len(folder.rings), None)


def list_stored_rings(
    store: Store,
    principal: Principal,
    query: RingQuery,
    statuses: frozenset[RingStatus],
    limit: int,
    now: int,
    run_id: int | None = None,
) -> ListedRings:
    """List the rings of a run of a store (None: the published one) that stand so at `now`.

    `now` is µs since 1970-01-01 UTC. Raises ForbiddenError, or NotFoundError for a run whose findings are not
    kept.
    """
    with store.snapshot():
        found = read_rings.list_rings(store, principal, query, statuses, limit, None, run_id, now)
        total = store.rings.page(RingQuery(), 1, run_id=run_id).total
        standings = read_rings.standings_of(store, principal, found.page.items, now)
    return ListedRings(_frame("rings", found.page.items), total, found.run_id or None, standings)


@dataclass(frozen=True, eq=False)
class ListedLeads:
    """The first leads of a list."""

    shown: pl.DataFrame
    """The columns of leads.csv, strongest first."""
    total: int
    """How many leads fit."""
    of_run: int
    """How many leads the run has."""
    run_id: int | None
    """The run of the store; None for a folder's, and before the first was published."""
    dismissed: int = 0
    """How many more would fit if dismissed ones were listed, too."""
    standings: Mapping[str, LeadStanding] | None = None
    """Where those shown stand, by lead id; None for a folder, about whose leads nothing is decided."""


def list_folder_leads(run: Path, query: LeadQuery, limit: int) -> ListedLeads:
    """List the leads of a run's folder. Raises NotFoundError, InvalidError as `list_folder_rings`."""
    folder = read_run(run)
    found = choose_leads(folder.leads, query, lambda: folder.lead_members)
    return ListedLeads(found.head(limit), len(found), len(folder.leads), None)


def list_stored_leads(
    store: Store,
    principal: Principal,
    query: LeadQuery,
    limit: int,
    run_id: int | None = None,
    *,
    with_dismissed: bool = False,
) -> ListedLeads:
    """List the leads of a run of a store (None: the published one). Raises as `leads.list_leads`."""
    with store.snapshot():
        found = leads.list_leads(store, principal, query, limit, run_id=run_id, with_dismissed=with_dismissed)
        standings = leads.standings_of(store, principal, found.page.items)
        every = leads.list_leads(store, principal, query, 1, run_id=run_id, with_dismissed=True)
        of_run = store.leads.page(LeadQuery(), principal.scope(0), 1, run_id=run_id).total
    total = found.page.total
    return ListedLeads(
        shown=_frame("leads", found.page.items),
        total=total,
        of_run=of_run,
        run_id=found.run_id or None,
        dismissed=every.page.total - total,
        standings=standings,
    )


@dataclass(frozen=True, eq=False)
class StoredLead:
    """A lead as a run of a store saw it, and what was decided about it."""

    lead: Lead
    part: RunFolder
    """The run with this lead alone."""
    standing: LeadStanding
    history: tuple[Event, ...]
    """Oldest first."""


def read_stored_lead(
    store: Store, principal: Principal, lead_id: str, run_id: int | None = None
) -> StoredLead:
    """Read one lead in a run, or (None) as it was last published. Raises as `leads.find_lead`."""
    with store.snapshot():
        lead = leads.find_lead(store, principal, lead_id, run_id)
        tables: dict[str, Sequence[Lead | LeadBuyer | LeadClaim]] = {
            "leads": [lead],
            "lead_members": leads.buyers_of(store, principal, (lead_id,), lead.run_id)[lead_id],
            "lead_evidence": leads.evidence_of(store, principal, (lead_id,), lead.run_id)[lead_id],
        }
        part = {table: _frame(table, tables.get(table, ())) for table in SCHEMAS}
        return StoredLead(
            lead,
            RunFolder.of_tables(part, {}, {}),
            leads.standings_of(store, principal, (lead,))[lead_id],
            leads.history(store, principal, lead_id),
        )


@dataclass(frozen=True, eq=False)
class StoredLeads:
    """The leads of a run of a store, and where they stand."""

    part: RunFolder
    """The run with these leads alone."""
    standings: Mapping[str, LeadStanding]
    """By lead id."""


def read_stored_leads(
    store: Store, principal: Principal, lead_ids: Sequence[str] | None = None, run_id: int | None = None
) -> StoredLeads:
    """Read leads (all for None, dismissed ones included) of a run (None: the published one).

    Raises ForbiddenError, or NotFoundError for an unknown lead, for a run whose findings are not kept, and
    before the first was published.
    """
    with store.snapshot():
        if run_id is None and store.rings.run() is None:
            raise NotFoundError("No run was published yet; ringfence detect makes one.")
        frames = {table: store.rings.lead_table(table, run_id)[1] for table in LEADS}
        empty = {table: pl.DataFrame(schema=columns) for table, columns in SCHEMAS.items()}
        part = select_leads(RunFolder.of_tables(empty | frames, {}, {}), lead_ids)
        found = store.leads.leads(part.leads["lead_id"].to_list(), principal.scope(0), run_id)
        return StoredLeads(part, leads.standings_of(store, principal, found))


def read_stored_run(store: Store, run_id: int | None = None) -> RunFolder:
    """Read a whole run (None: the published one). Raises NotFoundError if its findings are not kept."""
    with store.snapshot():
        frames = store.rings.tables(run_id)
        run = store.rings.run(run_id)
    return RunFolder.of_tables(frames, dict(run.about) if run is not None else {}, {})


def read_stored_ring(
    store: Store, principal: Principal, ring_id: str, now: int, run_id: int | None = None
) -> StoredRing:
    """Read one ring in a run, or (None) as it was last published, and where it stands at `now`.

    `now` is µs since 1970-01-01 UTC. Raises ForbiddenError, NotFoundError.
    """
    with store.snapshot():
        ring = read_rings.find_ring(store, principal, ring_id, run_id)
        run = store.rings.run(ring.run_id)
        members = store.rings.members((ring_id,), ring.run_id)
        scores = [
            (member.buyer_id, store.rings.buyer_score(member.buyer_id, ring.run_id)) for member in members
        ]
        links = [link for _, link in store.rings.links_inside((ring_id,), ring.run_id)]
        part = {
            "rings": _frame("rings", [ring]),
            "members": _frame("members", members),
            "buyers": pl.DataFrame(scores, schema=SCHEMAS["buyers"], orient="row"),
            "evidence": _frame("evidence", store.rings.joint_claims((ring_id,), ring.run_id)),
            "links": _frame("links", links),
        }
        return StoredRing(
            ring,
            ring_id in store.rings.alive(),
            RunFolder.of_tables(part, {}, {}),
            run is not None and run.state is RunState.WITHHELD,
            store.rings.lineage((ring_id,)),
            read_rings.standings_of(store, principal, (ring,), now)[ring_id],
        )


_Row = Ring | Member | JointClaim | Link | Lead | LeadBuyer | LeadClaim


def _frame(table: str, rows: Sequence[_Row]) -> pl.DataFrame:
    """Put domain objects into a table of a run."""
    columns = SCHEMAS[table]
    return pl.DataFrame(
        [[getattr(row, column) for column in columns] for row in rows], schema=columns, orient="row"
    )
