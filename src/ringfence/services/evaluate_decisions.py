"""A store's findings held against what people decided about them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from ringfence.detection.parameters import Parameters
from ringfence.domain.errors import NotFoundError
from ringfence.domain.policy import Policy
from ringfence.domain.records import RecordKind
from ringfence.domain.ring_decisions import Decision, Outcome, RingRecord
from ringfence.domain.scope import Principal
from ringfence.domain.verifications import Verdict, Verification, VerificationOutcome
from ringfence.evaluation.decided import (
    DECIDED_BUYERS,
    DECIDED_RINGS,
    DecidedEvaluation,
    Undecided,
    evaluate_decided,
)
from ringfence.market import Market
from ringfence.market.results import SCHEMAS
from ringfence.risk.facts import FACTS
from ringfence.risk.scoring import band, score
from ringfence.risk.signals import NAMES
from ringfence.services.access import STAFF, require
from ringfence.store import Store

_JUDGED = (VerificationOutcome.CONFIRMED, VerificationOutcome.REJECTED)


def evaluate_decisions(store: Store, principal: Principal, policy: Policy) -> DecidedEvaluation:
    """Hold rings against their decisions, and risks as told before against how verifications ended.

    Risks are weighed by the policy given, from what was known in the run that was published when a
    verification opened: what was decided afterwards is in none of them. Raises ForbiddenError but for staff.
    """
    require(principal, STAFF, "evaluations")
    with store.snapshot():
        decisions = {
            state.record.id: decision
            for state in store.records.current(RecordKind.RING_DECISION)
            if (decision := RingRecord.from_state(state.state).decision) is not None
            and decision.outcome in (Outcome.CONFIRM, Outcome.DISMISS)
        }
        last: dict[str, Verification] = {}
        for state in store.records.current(RecordKind.VERIFICATION):
            verification = Verification.from_state(state.state)
            known = last.get(verification.buyer_id)
            if known is None or known.number < verification.number:
                last[verification.buyer_id] = verification
        verdicts = {
            buyer_id: (verification, verdict)
            for buyer_id, verification in last.items()
            if (verdict := verification.verdict) is not None
        }
        judged = [each for each in verdicts.values() if each[1].outcome in _JUDGED]
        undecided = Undecided(
            rings=len(store.rings.alive() - decisions.keys()),
            verifications=sum(not verification.state.is_ended for verification in last.values()),
            inconclusive=len(verdicts) - len(judged),
        )
        return evaluate_decided(_rings(store, decisions), _buyers(store, judged, policy), undecided)


def _rings(store: Store, decisions: Mapping[str, Decision]) -> pl.DataFrame:
    members = store.rings.last_members() if decisions else {}
    shared = shared_kinds(store.market.read(), [members.get(ring_id, {}) for ring_id in decisions])
    rows = [
        (
            ring_id,
            decision.outcome is Outcome.CONFIRM,
            decision.evidence,
            decision.members,
            kinds if ring_id in members else None,
        )
        for (ring_id, decision), kinds in zip(decisions.items(), shared, strict=True)
    ]
    return pl.DataFrame(rows, schema=DECIDED_RINGS, orient="row")


def shared_kinds(market: Market, groups: Sequence[Collection[str]]) -> list[list[str]]:
    """Name for each group of buyer ids the kinds of identifiers of which two of them or more use one value,
    unless so many use it that it says nothing."""
    grouped = pl.DataFrame(
        [(group, buyer_id) for group, buyer_ids in enumerate(groups) for buyer_id in buyer_ids],
        schema={"group": pl.Int64, "buyer_id": pl.String},
        orient="row",
    )
    numbers = pl.DataFrame({"buyer_id": market.buyer_ids}).with_row_index("buyer")
    found: list[list[str]] = [[] for _ in groups]
    inside = grouped.join(numbers, on="buyer_id")
    hub = Parameters().yardstick.hub_holders
    for kind in market.identifiers:
        holders = np.bincount(kind.value, minlength=len(kind.exact))
        uses = pl.DataFrame({"buyer": kind.buyer.astype(np.uint32), "value": kind.value}).filter(
            pl.Series(holders[kind.value] <= hub)
        )
        counted = inside.join(uses, on="buyer").group_by("group", "value").agg(users=pl.len())
        for group in counted.filter(pl.col("users") >= 2)["group"].unique().sort():
            found[group].append(kind.kind.value)
    return found


def _buyers(store: Store, judged: Sequence[tuple[Verification, Verdict]], policy: Policy) -> pl.DataFrame:
    """Tell what was said of each buyer when the verification opened, and how that ended."""
    runs = {verification.file.run_id for verification, _ in judged}
    facts: dict[str, dict[str, Any]] = {}
    for run_id in sorted(run_id for run_id in runs if run_id is not None):
        buyer_ids = [each.buyer_id for each, _ in judged if each.file.run_id == run_id]
        try:
            known = store.rings.risks(buyer_ids, run_id)[1]
        except NotFoundError:
            continue
        weighed = score(pl.DataFrame(known, schema=SCHEMAS["risks"]).select(list(FACTS)), policy.risk)
        facts |= {row["buyer_id"]: row for row in weighed.iter_rows(named=True)}
    rows = []
    for verification, verdict in judged:
        row = facts.get(verification.buyer_id)
        said: tuple[object, ...] = (None, None, None)
        if row is not None:
            chance = row["probability"]
            against = [name for name in NAMES if row[name] > 0]
            said = (chance, band(chance, policy.risk).value, against)
        rows.append((verification.buyer_id, verdict.outcome is VerificationOutcome.CONFIRMED, *said))
    return pl.DataFrame(rows, schema=DECIDED_BUYERS, orient="row")
