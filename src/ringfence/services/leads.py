"""Leads as staff read and decide about them; no merchant ever sees one, and none opens a verification."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ringfence.domain.errors import NotFoundError
from ringfence.domain.lead_decisions import (
    LeadRecord,
    LeadStanding,
    LeadStatus,
    dismissed,
    fold,
    lead_standing,
    restored,
)
from ringfence.domain.leads import Lead, LeadBuyer, LeadClaim, LeadQuery
from ringfence.domain.pages import Key, Page
from ringfence.domain.records import Event, RecordKind, RecordRef, RecordState, Subject, SubjectKind
from ringfence.domain.scope import Principal, Role
from ringfence.services.access import STAFF, require
from ringfence.services.deciding import deciding, refuse_other_version, require_role
from ringfence.store import Store

_WHAT = "leads"


class LeadUnknownError(NotFoundError):
    """There is no such lead."""

    def __init__(self, lead_id: str, run_id: int | None = None) -> None:
        where, run = ("", "") if run_id is None else (f" in run {run_id}", f" --run-id {run_id}")
        super().__init__(
            f"There is no lead {lead_id}{where}; ringfence leads list{run} shows those there are."
        )
        self.lead_id, self.run_id = lead_id, run_id


@dataclass(frozen=True, slots=True)
class LeadPage:
    """A page of one run's leads."""

    run_id: int
    """0 before the first run."""
    page: Page[Lead]


def list_leads(
    store: Store,
    principal: Principal,
    query: LeadQuery,
    first: int,
    after: Key | None = None,
    run_id: int | None = None,
    *,
    with_dismissed: bool = False,
) -> LeadPage:
    """List the leads of a run (None: the published one), strongest first, without those that are dismissed.

    A dismissed lead that grew is not left out. Raises ForbiddenError, or NotFoundError for a run whose
    findings are not kept.
    """
    require(principal, STAFF, _WHAT)
    with store.snapshot():
        if run_id is None:
            published = store.rings.run()
            if published is None:
                return LeadPage(0, Page((), (), False, 0))
            run_id = published.run_id
        if not with_dismissed:
            query = replace(query, without=query.without | _dismissed(store, principal, run_id))
        return LeadPage(run_id, store.leads.page(query, principal.scope(0), first, after, run_id))


def find_lead(store: Store, principal: Principal, lead_id: str, run_id: int | None = None) -> Lead:
    """Find a lead in a run, or (None) as it was last published. Raises ForbiddenError, LeadUnknownError."""
    require(principal, STAFF, _WHAT)
    with store.snapshot():
        if run_id is None:
            found = store.leads.last_known(lead_id, principal.scope(0))
        else:
            found = next(iter(store.leads.leads((lead_id,), principal.scope(0), run_id)), None)
    if found is None:
        raise LeadUnknownError(lead_id, run_id)
    return found


def buyers_of(
    store: Store, principal: Principal, lead_ids: Sequence[str], run_id: int
) -> dict[str, list[LeadBuyer]]:
    """List the buyers of leads by lead id, best first."""
    require(principal, STAFF, _WHAT)
    found: dict[str, list[LeadBuyer]] = {lead_id: [] for lead_id in lead_ids}
    for buyer in store.leads.buyers(lead_ids, principal.scope(0), run_id):
        found[buyer.lead_id].append(buyer)
    return found


def evidence_of(
    store: Store, principal: Principal, lead_ids: Sequence[str], run_id: int
) -> dict[str, list[LeadClaim]]:
    """List the claims that leads rest on by lead id, by event, then time."""
    require(principal, STAFF, _WHAT)
    found: dict[str, list[LeadClaim]] = {lead_id: [] for lead_id in lead_ids}
    for claim in store.leads.joint_claims(lead_ids, principal.scope(0), run_id):
        found[claim.lead_id].append(claim)
    return found


def standings_of(store: Store, principal: Principal, found: Sequence[Lead]) -> dict[str, LeadStanding]:
    """Say where leads stand by what they are in their run, by lead id."""
    require(principal, STAFF, _WHAT)
    ids = sorted(lead.lead_id for lead in found)
    states = {state.record.id: state for state in store.records.states(RecordKind.LEAD_DECISION, ids)}
    return {lead.lead_id: _standing(store, lead, states.get(lead.lead_id)) for lead in found}


def record_of(store: Store, state: RecordState) -> LeadRecord:
    """Read the record of a lead, with what its dismissal saw."""
    record = LeadRecord.from_state(state.state)
    if record.is_dismissed and record.seen is None:
        # States of before dismissed leads could come back do not hold it, but their events do.
        return fold(store.records.stream(state.record))
    return record


def history(store: Store, principal: Principal, lead_id: str) -> tuple[Event, ...]:
    """List how a lead was dismissed and restored, oldest first."""
    require(principal, STAFF, _WHAT)
    return store.records.stream(_ref(lead_id))


def dismiss(
    store: Store,
    principal: Principal,
    lead_id: str,
    reason: str,
    now: int,
    expected_version: int | None = None,
) -> LeadStanding:
    """Dismiss a lead as it was last seen, for all runs to come unless it grows.

    `now` is µs since 1970-01-01 UTC. `expected_version` is that of the standing the investigator saw; without
    it, what others decided meanwhile is overridden. Raises ForbiddenError, LeadUnknownError, ConflictError if
    it is dismissed already and did not grow since, InvalidError, VersionConflictError; nothing is written
    then.
    """
    return _change(
        store,
        principal,
        lead_id,
        lambda lead, record: dismissed(lead, record, reason, principal.name, now),
        expected_version,
    )


def restore(
    store: Store,
    principal: Principal,
    lead_id: str,
    reason: str,
    now: int,
    expected_version: int | None = None,
) -> LeadStanding:
    """Take a dismissal back. Raises ConflictError where nothing is dismissed, and what `dismiss` raises."""
    return _change(
        store,
        principal,
        lead_id,
        lambda _, record: restored(record, reason, principal.name, now),
        expected_version,
    )


def _change(
    store: Store,
    principal: Principal,
    lead_id: str,
    event_of: Callable[[Lead, LeadRecord], Event],
    expected_version: int | None,
) -> LeadStanding:
    """Append what happens to a lead's record, in one transaction with what it rests on."""
    require_role(principal, (Role.INVESTIGATOR,), "decide about leads")
    with deciding(store):
        lead = store.leads.last_known(lead_id, principal.scope(0))
        if lead is None:
            raise LeadUnknownError(lead_id)
        standing = _standing(store, lead, store.records.state(_ref(lead_id)))
        refuse_other_version(_ref(lead_id), expected_version, standing.version)
        event = event_of(lead, standing.record)
        record = fold([event], standing.record)
        buyers = store.leads.buyers((lead_id,), principal.scope(0), lead.run_id)
        concerned = [Subject(SubjectKind.BUYER, buyer.buyer_id) for buyer in buyers]
        store.records.append(
            _ref(lead_id),
            [event],
            standing.version,
            record.to_state(),
            [Subject(SubjectKind.LEAD, lead_id), *concerned],
        )
        return lead_standing(record, lead.strength, standing.version + 1)


def _dismissed(store: Store, principal: Principal, run_id: int) -> frozenset[str]:
    """Give the ids of a run's leads that are dismissed and did not grow since."""
    decided = {
        state.record.id: state
        for state in store.records.current(RecordKind.LEAD_DECISION)
        if LeadRecord.from_state(state.state).is_dismissed
    }
    found = store.leads.leads(sorted(decided), principal.scope(0), run_id) if decided else ()
    standings = ((lead.lead_id, _standing(store, lead, decided[lead.lead_id])) for lead in found)
    return frozenset(lead_id for lead_id, standing in standings if standing.status is LeadStatus.DISMISSED)


def _standing(store: Store, lead: Lead, state: RecordState | None) -> LeadStanding:
    if state is None:
        return lead_standing(LeadRecord(), lead.strength)
    return lead_standing(record_of(store, state), lead.strength, state.version)


def _ref(lead_id: str) -> RecordRef:
    return RecordRef(RecordKind.LEAD_DECISION, lead_id)
