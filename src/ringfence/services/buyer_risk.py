"""A buyer's risk, with its reasons, for who asks: as it is, or as it was known at a past moment."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.domain.errors import InvalidError, NotFoundError
from ringfence.domain.policy import Policy
from ringfence.domain.records import Event, RecordKind, RecordRef, Subject, SubjectKind
from ringfence.domain.ring_decisions import RingStatus, ring_standing
from ringfence.domain.ring_decisions import fold as fold_decisions
from ringfence.domain.risk import BuyerRisk, Language, RiskBand, SignalReading
from ringfence.domain.runs import Run, RunState
from ringfence.domain.scope import Principal, Role
from ringfence.domain.verifications import Verdict, Verification, VerificationOutcome
from ringfence.domain.verifications import fold as fold_verification
from ringfence.risk.facts import FACTS, NOBODY
from ringfence.risk.scoring import band, score
from ringfence.risk.signals import NAMES, reports
from ringfence.risk.texts import TEXTS, reason
from ringfence.services.access import BUYER_READERS, require
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
    moment = now if as_of is None else as_of
    with store.snapshot():
        sighted = [buyer.buyer_id for buyer in store.market.buyers(buyer_ids, principal.scope(now))]
        run_id = None if as_of is None else _run_at(store, moment).run_id
        run_id, rows = store.rings.risks(sighted, run_id)
        facts = {row["buyer_id"]: row for row in rows.drop("probability").iter_rows(named=True)}
        known = [facts.get(buyer_id, NOBODY | {"buyer_id": buyer_id}) for buyer_id in sighted]
        rings = sorted({row["ring_id"] for row in known if row["ring_id"] is not None})
        none = _held_for_none(store, rings, run_id, moment)
        verdicts = {buyer_id: _last_verdict(store, buyer_id, moment) for buyer_id in sighted}
    counted = [row | {"ring_score": 0.0} if row["ring_id"] in none else row for row in known]
    weighed = score(pl.DataFrame(counted, schema=FACTS), policy.risk)
    told = {}
    for row, weights in zip(counted, weighed.iter_rows(named=True), strict=True):
        chance = weights["probability"]
        verdict = verdicts[row["buyer_id"]]
        risk = BuyerRisk(
            row["buyer_id"],
            band(chance, policy.risk),
            chance,
            _readings(row, weights, language),
            moment,
            run_id,
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


def _held_for_none(store: Store, ring_ids: Sequence[str], run_id: int, moment: int) -> frozenset[str]:
    """Give those of the rings of a run that people had decided by a moment to be none, or allowed."""
    if not ring_ids:
        return frozenset()
    records = {state.record.id for state in store.records.states(RecordKind.RING_DECISION, ring_ids)}
    found = store.rings.rings([ring_id for ring_id in ring_ids if ring_id in records], run_id)
    return frozenset(
        ring.ring_id
        for ring in found
        if ring_standing(
            fold_decisions(_until(store, RecordRef(RecordKind.RING_DECISION, ring.ring_id), moment)),
            ring.strength,
            moment,
        ).status
        in _HELD_FOR_NONE
    )


def _last_verdict(store: Store, buyer_id: str, moment: int) -> tuple[str, Verdict] | None:
    """Find how the buyer's last verification that had ended by a moment ended."""
    ended: list[tuple[str, Verdict]] = []
    for state in store.records.current(RecordKind.VERIFICATION, Subject(SubjectKind.BUYER, buyer_id)):
        verification: Verification | None = Verification.from_state(state.state)
        if verification is not None and verification.last_at > moment:
            events = _until(store, state.record, moment)
            verification = fold_verification(events) if events else None
        if verification is not None and verification.verdict is not None:
            ended.append((verification.verification_id, verification.verdict))
    return max(ended, key=lambda each: each[1].at, default=None)


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
