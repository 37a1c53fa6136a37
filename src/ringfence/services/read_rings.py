"""Rings as investigators read them: the queue, one ring, and what it is made of."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ringfence.domain.errors import NotFoundError
from ringfence.domain.pages import Key, Page
from ringfence.domain.records import Event
from ringfence.domain.ring_decisions import RingStanding, RingStatus
from ringfence.domain.rings import JointClaim, LineageStep, Link, Member, Ring, RingQuery
from ringfence.domain.scope import Principal
from ringfence.services import decide_rings
from ringfence.services.access import STAFF, require
from ringfence.store import Store

_Part = TypeVar("_Part")
_WHAT = "rings"


@dataclass(frozen=True, slots=True)
class RingPage:
    """A page of one run's rings."""

    run_id: int
    """0 before the first run."""
    page: Page[Ring]


@dataclass(frozen=True, slots=True)
class JointEvent:
    """One time that members of a ring claimed together, at one merchant or several."""

    event: int
    """1, 2, … in the order of time."""
    since: int
    """When its first claim was filed, µs since 1970-01-01 UTC."""
    until: int
    """When its last claim was filed."""
    merchants: tuple[str, ...]
    """Their ids, in order."""
    buyers: int
    claims: int


def list_rings(
    store: Store,
    principal: Principal,
    query: RingQuery,
    statuses: frozenset[RingStatus] | None,
    first: int,
    after: Key | None,
    run_id: int | None,
    now: int,
) -> RingPage:
    """List the rings of a run (None: the published one) of these statuses (None: all of them).

    Raises ForbiddenError, or NotFoundError for a run whose findings nobody can see.
    """
    require(principal, STAFF, _WHAT)
    with store.snapshot():
        if run_id is None:
            published = store.rings.run()
            if published is None:
                return RingPage(0, Page((), (), False, 0))
            run_id = published.run_id
        if statuses is not None:
            query = decide_rings.narrowed(query, statuses, decide_rings.hidden(store, now, run_id))
        return RingPage(run_id, store.rings.page(query, first, after, run_id))


def find_ring(store: Store, principal: Principal, ring_id: str, run_id: int | None) -> Ring:
    """Find a ring in a run, or (None) as it was last seen, be it in a run before the published one.

    Raises ForbiddenError, RingUnknownError.
    """
    require(principal, STAFF, _WHAT)
    if run_id is None:
        ring = store.rings.last_known(ring_id)
        if ring is None:
            raise decide_rings.RingUnknownError(ring_id)
        return ring
    found = store.rings.rings((ring_id,), run_id)
    if not found:
        raise decide_rings.RingUnknownError(ring_id, run_id)
    return found[0]


def find_network(store: Store, principal: Principal, network_id: str, run_id: int | None) -> int:
    """Find a network in a run (None: the published one), and give the run's number.

    Raises ForbiddenError, NotFoundError.
    """
    query = RingQuery(network_id=network_id)
    found = list_rings(store, principal, query, None, 1, None, run_id, 0)
    if not found.page.total:
        raise NotFoundError(f"There is no network {network_id} in the run.")
    return found.run_id


def members_of(
    store: Store, principal: Principal, ring_ids: Sequence[str], run_id: int
) -> dict[str, list[Member]]:
    """List the members of rings by ring id, best first."""
    require(principal, STAFF, _WHAT)
    return _by_ring(ring_ids, store.rings.members(ring_ids, run_id), lambda member: member.ring_id)


def evidence_of(
    store: Store, principal: Principal, ring_ids: Sequence[str], run_id: int
) -> dict[str, list[JointClaim]]:
    """List the claims that rings rest on by ring id, by event, then time."""
    require(principal, STAFF, _WHAT)
    return _by_ring(ring_ids, store.rings.joint_claims(ring_ids, run_id), lambda claim: claim.ring_id)


def links_of_rings(
    store: Store, principal: Principal, ring_ids: Sequence[str], run_id: int
) -> dict[str, list[Link]]:
    """List the links between members of one ring by ring id, best first."""
    require(principal, STAFF, _WHAT)
    found = _by_ring(ring_ids, store.rings.links_inside(ring_ids, run_id), lambda pair: pair[0])
    return {ring_id: [link for _, link in pairs] for ring_id, pairs in found.items()}


def lineage_of(store: Store, principal: Principal, ring_ids: Sequence[str]) -> dict[str, list[LineageStep]]:
    """Tell the lives of rings by ring id; a step that two of them share is told to both."""
    require(principal, STAFF, _WHAT)
    lives: dict[str, list[LineageStep]] = {ring_id: [] for ring_id in ring_ids}
    for step in store.rings.lineage(ring_ids):
        for ring_id in {step.ring_id, step.previous_ring_id} & lives.keys():
            lives[ring_id].append(step)
    return lives


def standings_of(
    store: Store, principal: Principal, rings: Sequence[Ring], now: int
) -> dict[str, RingStanding]:
    """Say where rings stand by what was decided about them, by ring id."""
    require(principal, STAFF, _WHAT)
    return decide_rings.statuses(store, rings, now)


def decisions_of(store: Store, principal: Principal, ring_id: str) -> tuple[Event, ...]:
    """List what was decided, taken back, noted and assigned about a ring, oldest first."""
    return decide_rings.history(store, principal, ring_id)


def alive_among(store: Store, principal: Principal, ring_ids: Sequence[str]) -> frozenset[str]:
    """Say which of these rings the published run has."""
    require(principal, STAFF, _WHAT)
    return frozenset(ring.ring_id for ring in store.rings.rings(ring_ids))


def timeline_of(claims: Sequence[JointClaim]) -> list[JointEvent]:
    """Give the joint events of one ring in the order of time."""
    events: dict[int, list[JointClaim]] = {}
    for claim in claims:
        events.setdefault(claim.event, []).append(claim)
    return [
        JointEvent(
            event=event,
            since=min(claim.filed_at for claim in joint),
            until=max(claim.filed_at for claim in joint),
            merchants=tuple(sorted({claim.merchant_id for claim in joint})),
            buyers=len({claim.buyer_id for claim in joint}),
            claims=len(joint),
        )
        for event, joint in sorted(events.items())
    ]


def _by_ring(
    ring_ids: Sequence[str], parts: Iterable[_Part], ring_of: Callable[[_Part], str]
) -> dict[str, list[_Part]]:
    found: dict[str, list[_Part]] = {ring_id: [] for ring_id in ring_ids}
    for part in parts:
        found[ring_of(part)].append(part)
    return found
