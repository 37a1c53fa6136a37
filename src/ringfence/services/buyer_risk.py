"""A buyer's risk, with its reasons, for who asks: as it is, or as it was known at a past moment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.domain.errors import InvalidError, NotFoundError
from ringfence.domain.lead_decisions import LeadRecord, LeadStatus, lead_status
from ringfence.domain.lead_decisions import fold as fold_leads
from ringfence.domain.policy import Policy
from ringfence.domain.records import Event, RecordKind, RecordRef, RecordState, Subject, SubjectKind
from ringfence.domain.ring_decisions import RingRecord, RingStatus, ring_standing
from ringfence.domain.ring_decisions import fold as fold_decisions
from ringfence.domain.rings import Strength
from ringfence.domain.risk import BuyerRisk, Language, RiskBand, SignalReading
from ringfence.domain.runs import Run, RunState
from ringfence.domain.scope import PLATFORM, Principal, Role
from ringfence.domain.verifications import Verdict, Verification, VerificationOutcome
from ringfence.domain.verifications import fold as fold_verification
from ringfence.risk.facts import NOBODY, NUMBERS
from ringfence.risk.scoring import band, weigh
from ringfence.risk.signals import NAMES, reports
from ringfence.risk.texts import TEXTS, reason
from ringfence.services.access import BUYER_READERS, require
from ringfence.services.leads import record_of
from ringfence.services.read_buyers import BuyerUnknownError
from ringfence.store import Store

MOST_BUYERS = 100
"""Of so many buyers the risk can be asked for at once."""
LEAST_COUNT = 3
"""Of fewer merchants who report a buyer, none of them is told."""
_RUNS_A_PAGE = 100
_HELD_FOR_NONE = (RingStatus.DISMISSED, RingStatus.ALLOWED)


def buyer_risk(
    store: Store,
    principal: Principal,
    buyer_id: str,
    policy: Policy,
    now: int,
    as_of: int | None = None,
    language: Language = Language.ENGLISH,
) -> BuyerRisk:
    """Say how much of a risk a buyer is, and why.

    `as_of` and `now` are µs since 1970-01-01 UTC. With `as_of`, what was known then counts, weighed by the
    policy given. Raises ForbiddenError, BuyerUnknownError in the same words for all who are not in sight,
    InvalidError for a moment in the future, NotFoundError for one before the oldest run that is kept.
    """
    found = buyers_risk(store, principal, (buyer_id,), policy, now, as_of, language)
    if buyer_id not in found:
        raise BuyerUnknownError(buyer_id)
    return found[buyer_id]


def buyers_risk(
    store: Store,
    principal: Principal,
    buyer_ids: Sequence[str],
    policy: Policy,
    now: int,
    as_of: int | None = None,
    language: Language = Language.ENGLISH,
) -> dict[str, BuyerRisk]:
    """Say it of up to MOST_BUYERS buyers; those not in sight are left out. Raises as `buyer_risk`."""
    require(principal, BUYER_READERS, "buyers' risk")
    if len(buyer_ids) > MOST_BUYERS:
        raise InvalidError(f"{len(buyer_ids)} buyers are too many at once; ask for up to {MOST_BUYERS}.")
    if as_of is not None and as_of > now:
        raise InvalidError("The moment asked for is in the future; name a past one, or none.")
    if as_of is None:
        # Each read is whole in itself, and what changes between two is newer: no snapshot is needed.
        known = _known(store, principal, buyer_ids, None, now, now)
    else:
        with store.snapshot():
            known = _known(store, principal, buyer_ids, _run_at(store, as_of).run_id, now, as_of)
    moment = now if as_of is None else as_of
    counted = [_told_of(row, known, moment, principal) for row in known.facts]
    # One row is weighed in a tenth of the time that a table of one row takes.
    numbers = np.array([[row[name] for row in counted] for name in NUMBERS], np.float64)
    probabilities, weights = weigh(dict(zip(NUMBERS, numbers, strict=True)), policy.risk)
    told = {}
    for row, chance, each in zip(counted, probabilities.tolist(), weights.T.tolist(), strict=True):
        verdict = known.verdicts.get(row["buyer_id"])
        risk = BuyerRisk(
            row["buyer_id"],
            band(chance, policy.risk),
            chance,
            _readings(row, dict(zip(NAMES, each, strict=True)), language),
            moment,
            known.run_id,
            policy.name,
        )
        if (outranking := _band_of(verdict, policy, moment)) is not None and verdict is not None:
            risk = replace(risk, band=outranking, verification_id=verdict[0])
        told[risk.buyer_id] = _for_merchant(risk, row) if principal.role is Role.MERCHANT else risk
    return told


def _run_at(store: Store, moment: int) -> Run:
    """Find the run that was published at a moment, among those whose findings are kept."""
    after = None
    while True:
        page = store.rings.runs(_RUNS_A_PAGE, after, RunState.PUBLISHED)
        for run in page.items:
            if run.ended_at is not None and run.ended_at <= moment:
                return run
        if not page.has_next:
            raise NotFoundError("No run had been published by then; ask for a later moment.")
        after = page.keys[-1]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of some buyers at a moment."""

    run_id: int
    facts: list[dict[str, Any]]
    """With the columns of FACTS, a row each of those in sight."""
    verdicts: dict[str, tuple[str, Verdict]]
    """How each buyer's last verification that had ended then ended, and its id."""
    decisions: dict[str, RingRecord]
    """What people had decided about rings, by ring id."""
    origins: dict[str, tuple[str, RingRecord]]
    """For rings about which nobody decided: those they were split from, and what was decided there."""
    dismissed: frozenset[str]
    """The leads that people had dismissed, without those that had grown since."""


def _known(
    store: Store,
    principal: Principal,
    buyer_ids: Sequence[str],
    run_id: int | None,
    now: int,
    moment: int,
) -> _Known:
    sighted = store.market.sighted(buyer_ids, principal.scope(now))
    found, rows = store.rings.risks(sighted, run_id)
    facts = {row["buyer_id"]: row for row in rows}
    rings = {row["ring_id"] for row in facts.values()} - {None}
    leads = {row["lead_id"] for row in facts.values()} - {None}
    subjects = [Subject(SubjectKind.BUYER, buyer_id) for buyer_id in sighted]
    subjects += [Subject(SubjectKind.RING, ring_id) for ring_id in sorted(rings)]
    kinds: tuple[RecordKind, ...] = (RecordKind.VERIFICATION, RecordKind.RING_DECISION)
    if principal.role is not Role.MERCHANT:
        # For a merchant no lead counts, so that no statement asks about one.
        kinds += (RecordKind.LEAD_DECISION,)
        subjects += [Subject(SubjectKind.LEAD, lead_id) for lead_id in sorted(leads)]
    records = store.records.concerning(kinds, subjects)
    verdicts: dict[str, tuple[str, Verdict]] = {}
    decisions: dict[str, RingRecord] = {}
    decided_elsewhere: set[str] = set()
    decided_leads: dict[str, LeadRecord] = {}
    for subject, states in records.items():
        for state in states:
            if state.record.kind is RecordKind.LEAD_DECISION:
                if state.record.id in leads:
                    decided_leads[state.record.id] = _decided_lead(store, state, moment)
            elif subject.kind is SubjectKind.RING:
                decisions[state.record.id] = _decided(store, state, moment)
            elif state.record.kind is RecordKind.RING_DECISION:
                decided_elsewhere |= rings & {facts.get(subject.id, {}).get("ring_id")}
            else:
                verdict = _verdict(store, state, moment)
                known = verdicts.get(subject.id)
                if verdict is not None and (known is None or known[1].at <= verdict.at):
                    verdicts[subject.id] = (state.record.id, verdict)
    told = [facts.get(buyer_id, NOBODY | {"buyer_id": buyer_id}) for buyer_id in sighted]
    origins = _origins(store, decided_elsewhere - decisions.keys(), found, moment)
    dismissed = _still_dismissed(store, decided_leads, found)
    return _Known(found, told, verdicts, decisions, origins, dismissed)


def _still_dismissed(store: Store, records: Mapping[str, LeadRecord], run_id: int) -> frozenset[str]:
    """Give those of a run's leads that are dismissed and did not grow since."""
    down = sorted(lead_id for lead_id, record in records.items() if record.is_dismissed)
    found = store.leads.leads(down, PLATFORM, run_id) if down else ()
    return frozenset(
        lead.lead_id
        for lead in found
        if lead_status(records[lead.lead_id], lead.strength) is LeadStatus.DISMISSED
    )


def _origins(
    store: Store, ring_ids: Collection[str], run_id: int, moment: int
) -> dict[str, tuple[str, RingRecord]]:
    """Find the rings that these were split from, and what had been decided there by a moment."""
    if not ring_ids:
        return {}
    split = {
        ring.ring_id: ring.origin_ring_id
        for ring in store.rings.rings(sorted(ring_ids), run_id)
        if ring.origin_ring_id is not None
    }
    states = store.records.states(RecordKind.RING_DECISION, sorted(set(split.values())))
    decided = {state.record.id: _decided(store, state, moment) for state in states}
    return {ring_id: (origin, decided[origin]) for ring_id, origin in split.items() if origin in decided}


def _told_of(facts: dict[str, Any], known: _Known, moment: int, principal: Principal) -> dict[str, Any]:
    """Leave the ring out where people had decided that it is none, or allowed, and so a dismissed lead.

    Leads are the platform's alone: for a merchant none counts.
    """
    if facts["lead_id"] in known.dismissed or principal.role is Role.MERCHANT:
        facts = facts | {"lead_score": 0.0}
    ring_id = facts["ring_id"]
    if ring_id not in known.decisions and ring_id not in known.origins:
        return facts
    strength = Strength(facts["ring_score"], facts["ring_size"], facts["ring_claims"])
    record, origin = known.decisions.get(ring_id, RingRecord()), known.origins.get(ring_id)
    is_none = ring_standing(record, strength, moment, origin=origin).status in _HELD_FOR_NONE
    return facts | {"ring_score": 0.0} if is_none else facts


def _decided(store: Store, state: RecordState, moment: int) -> RingRecord:
    """Tell what had been decided about a ring by a moment."""
    record = RingRecord.from_state(state.state)
    if record.last_at <= moment:
        return record
    return fold_decisions(_until(store, state.record, moment))


def _decided_lead(store: Store, state: RecordState, moment: int) -> LeadRecord:
    """Say what had been decided about a lead by a moment."""
    record = record_of(store, state)
    return record if record.last_at <= moment else fold_leads(_until(store, state.record, moment))


def _verdict(store: Store, state: RecordState, moment: int) -> Verdict | None:
    """Tell how a verification had ended by a moment; None while it was open."""
    verification = Verification.from_state(state.state)
    if verification.last_at <= moment:
        return verification.verdict
    events = _until(store, state.record, moment)
    return fold_verification(events).verdict if events else None


def _until(store: Store, record: RecordRef, moment: int) -> list[Event]:
    return [event for event in store.records.stream(record) if event.at <= moment]


def _band_of(found: tuple[str, Verdict] | None, policy: Policy, moment: int) -> RiskBand | None:
    """Give the band that a verification decided, as long as it outranks the score."""
    if found is None:
        return None
    _, verdict = found
    age = moment - verdict.at
    if verdict.outcome is VerificationOutcome.CONFIRMED:
        days, outranking = policy.verification.confirmed_days, RiskBand.CONFIRMED
    elif verdict.outcome is VerificationOutcome.REJECTED:
        days, outranking = policy.verification.cleared_days, RiskBand.CLEARED
    else:
        return None
    return outranking if age <= days * MICROSECONDS_A_DAY else None


def _readings(
    facts: Mapping[str, Any], weights: Mapping[str, float], language: Language
) -> tuple[SignalReading, ...]:
    texts = TEXTS[language]
    told = [
        SignalReading(
            name,
            weights[name],
            texts[name].explanation,
            reason(name, facts, language),
            texts[name].would_lower,
        )
        for name in NAMES
        if weights[name]
    ]
    return tuple(sorted(told, key=lambda reading: (-abs(weights[reading.signal]), reading.signal)))


def _for_merchant(risk: BuyerRisk, facts: Mapping[str, Any]) -> BuyerRisk:
    """Leave out whatever others' claims, orders and reports add up to: the band and kinds of reasons stay."""
    is_told = {reports.__name__: facts["report_merchants"] >= LEAST_COUNT}
    readings = tuple(
        replace(reading, weight=None, reason=reading.explanation)
        for reading in sorted(risk.readings, key=lambda reading: reading.signal)
        if is_told.get(reading.signal, True)
    )
    return replace(risk, probability=None, readings=readings, verification_id=None)
