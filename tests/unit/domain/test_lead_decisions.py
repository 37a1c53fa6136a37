"""What a lead's record says after its events, and where the lead stands by it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.errors import ConflictError, InvalidError
from ringfence.domain.lead_decisions import (
    LeadRecord,
    LeadStanding,
    LeadStatus,
    dismissed,
    fold,
    lead_standing,
    lead_status,
    restored,
)
from ringfence.domain.leads import Lead, LeadKind
from ringfence.domain.rings import Strength

LEAD = Lead("l1", 7, LeadKind.ONE_OCCASION, None, 4.5, 3, 6, 2, 1, "EUR:3.00", 0, 9, None, "why", "why not")
SEEN = Strength(4.5, 3, 6)
MAY = int(datetime(2026, 5, 1, tzinfo=UTC).timestamp()) * 1_000_000
DISMISSED = "dismissed on 2026-05-01 by ana with 4.5 decades of evidence (reason: one van)"


def down(now: int = MAY) -> LeadRecord:
    return fold([dismissed(LEAD, LeadRecord(), "one van", "ana", now)])


def test_a_dismissal_lasts_until_it_is_taken_back() -> None:
    event = dismissed(LEAD, LeadRecord(), " one lost van ", "ana", 10)
    assert dict(event.data) == {
        "reason": "one lost van",
        "evidence": 4.5,
        "run_id": 7,
        "members": 3,
        "claims": 6,
    }
    record = fold([event])
    assert record == LeadRecord(LeadStatus.DISMISSED, "one lost van", "ana", 10, SEEN)
    up = fold([restored(record, "no van", "bo", 5)], record)
    assert up == LeadRecord(LeadStatus.OPEN, "no van", "bo", 10)
    assert fold([event, restored(record, "no van", "bo", 5)]) == up
    for one in (record, up):
        assert LeadRecord.from_state(one.to_state()) == one


def test_what_is_done_already_is_a_conflict() -> None:
    with pytest.raises(ConflictError, match="dismissed already, by ana: one van"):
        dismissed(LEAD, down(), "again", "bo", 11)
    with pytest.raises(ConflictError, match="not dismissed"):
        restored(LeadRecord(), "why", "bo", 11)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2_001, "a\x00b"])
def test_a_reason_is_needed(reason: str) -> None:
    with pytest.raises(InvalidError, match="reason"):
        dismissed(LEAD, LeadRecord(), reason, "ana", 1)
    with pytest.raises(InvalidError, match="reason"):
        restored(down(), reason, "ana", 1)


def test_a_standing_says_who_did_it_when_and_why() -> None:
    assert lead_standing(LeadRecord(), SEEN) == LeadStanding(LeadStatus.OPEN, LeadRecord(), 0)
    assert lead_standing(LeadRecord(), SEEN).because is None
    assert lead_standing(down(), SEEN, 1).in_short() == {
        "status": "dismissed",
        "because": DISMISSED,
        "version": 1,
    }
    up = fold([restored(down(), "no van", "bo", MAY)], down())
    assert lead_standing(up, SEEN, 2).because == "restored on 2026-05-01 by bo (reason: no van)"


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(SEEN, id="the same"),
        pytest.param(Strength(5.4, 5, 11), id="more, by less than a decade and less than twice the buyers"),
        pytest.param(Strength(44.0, 3, 6), id="evidence that drifts without a new buyer or claim"),
        pytest.param(Strength(44.0, 2, 5), id="evidence that drifts with fewer of both"),
        pytest.param(Strength(0.0, 5, 11), id="claims alone, less than twice as many"),
    ],
)
def test_a_dismissed_lead_that_did_not_grow_stays_dismissed(now: Strength) -> None:
    standing = lead_standing(down(), now, 1)
    assert (standing.status, standing.is_back) == (LeadStatus.DISMISSED, False)
    assert standing.because == DISMISSED


@pytest.mark.parametrize(
    ("now", "grown"),
    [
        pytest.param(
            Strength(5.5, 4, 6),
            "it has 5.5 now, 4 buyers and 6 joint claims where 3 and 6 were seen",
            id="a decade and a buyer",
        ),
        pytest.param(
            Strength(5.5, 3, 7),
            "it has 5.5 now, 3 buyers and 7 joint claims where 3 and 6 were seen",
            id="a decade and a claim",
        ),
        pytest.param(
            Strength(0.1, 6, 1),
            "it has 0.1 now, 6 buyers and 1 joint claim where 3 and 6 were seen",
            id="twice the buyers",
        ),
        pytest.param(
            Strength(0.1, 3, 12),
            "it has 0.1 now, 3 buyers and 12 joint claims where 3 and 6 were seen",
            id="twice the joint claims",
        ),
    ],
)
def test_a_dismissed_lead_that_grew_is_open_again_and_says_so(now: Strength, grown: str) -> None:
    standing = lead_standing(down(), now, 1)
    assert (standing.status, standing.is_back) == (LeadStatus.OPEN, True)
    assert standing.because == f"{DISMISSED}; {grown}"
    assert standing.in_short()["status"] == "open"


def test_a_lead_that_came_back_can_be_dismissed_as_it_is_now() -> None:
    grown = replace(LEAD, score=6.0, size=6, claims=12, run_id=9)
    record = fold([dismissed(grown, down(), "two vans", "bo", MAY + 1)], down())
    assert record.seen == Strength(6.0, 6, 12)
    assert lead_status(record, grown.strength) is LeadStatus.DISMISSED
    assert lead_status(record, Strength(6.0, 11, 12)) is LeadStatus.DISMISSED
    assert lead_status(record, Strength(6.0, 12, 12)) is LeadStatus.OPEN


def test_a_lead_that_came_back_can_be_kept_open() -> None:
    record = fold([restored(down(), "it grows", "bo", MAY)], down())
    assert lead_status(record, SEEN) is LeadStatus.OPEN


def test_dismissals_of_before_leads_could_come_back_are_read_by_what_they_hold() -> None:
    data = {"reason": "one van", "evidence": 4.5, "run_id": 7, "members": 3}
    record = fold([replace(dismissed(LEAD, LeadRecord(), "one van", "ana", 10), data=data)])
    assert record.seen == Strength(4.5, 3, 0)
    assert lead_status(record, Strength(5.4, 3, 6)) is LeadStatus.DISMISSED
    assert lead_status(record, Strength(5.5, 3, 6)) is LeadStatus.OPEN
    former = {"status": "dismissed", "reason": "one van", "by": "ana", "last_at": 10}
    assert LeadRecord.from_state(former) == LeadRecord(LeadStatus.DISMISSED, "one van", "ana", 10)


@given(st.floats(0, 50), st.integers(1, 50), st.integers(0, 50), st.floats(-50, 50), st.integers(0, 50))
def test_a_lead_never_comes_back_by_shrinking(
    score: float, members: int, claims: int, more: float, fewer: int
) -> None:
    lead = replace(LEAD, score=score, size=members, claims=claims)
    record = fold([dismissed(lead, LeadRecord(), "one van", "ana", 10)])
    now = Strength(score + more, max(1, members - fewer), max(0, claims - fewer))
    assert lead_status(record, now) is LeadStatus.DISMISSED
