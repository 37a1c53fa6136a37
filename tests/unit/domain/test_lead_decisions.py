"""What a lead's record says after its events."""

import pytest

from ringfence.domain.errors import ConflictError, InvalidError
from ringfence.domain.lead_decisions import LeadRecord, LeadStanding, LeadStatus, dismissed, fold, restored
from ringfence.domain.leads import Lead, LeadKind

LEAD = Lead("l1", 7, LeadKind.ONE_OCCASION, None, 4.5, 3, 6, 2, 1, "EUR:3.00", 0, 9, None, "why", "why not")


def test_a_dismissal_lasts_until_it_is_taken_back() -> None:
    event = dismissed(LEAD, LeadRecord(), " one lost van ", "ana", 10)
    assert dict(event.data) == {"reason": "one lost van", "evidence": 4.5, "run_id": 7, "members": 3}
    down = fold([event])
    assert down == LeadRecord(LeadStatus.DISMISSED, "one lost van", "ana", 10)
    up = fold([restored(down, "no van", "bo", 5)], down)
    assert up == LeadRecord(LeadStatus.OPEN, "no van", "bo", 10)
    assert fold([event, restored(down, "no van", "bo", 5)]) == up
    assert LeadRecord.from_state(down.to_state()) == down


def test_what_is_done_already_is_a_conflict() -> None:
    down = fold([dismissed(LEAD, LeadRecord(), "one van", "ana", 10)])
    with pytest.raises(ConflictError, match="dismissed already, by ana: one van"):
        dismissed(LEAD, down, "again", "bo", 11)
    with pytest.raises(ConflictError, match="not dismissed"):
        restored(LeadRecord(), "why", "bo", 11)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2_001, "a\x00b"])
def test_a_reason_is_needed(reason: str) -> None:
    with pytest.raises(InvalidError, match="reason"):
        dismissed(LEAD, LeadRecord(), reason, "ana", 1)
    down = fold([dismissed(LEAD, LeadRecord(), "one van", "ana", 10)])
    with pytest.raises(InvalidError, match="reason"):
        restored(down, reason, "ana", 1)


def test_a_standing_says_who_did_it_and_why() -> None:
    assert LeadStanding(LeadRecord(), 0).because is None
    down = fold([dismissed(LEAD, LeadRecord(), "one van", "ana", 10)])
    assert LeadStanding(down, 1).in_short() == {
        "status": "dismissed",
        "because": "dismissed by ana (reason: one van)",
        "version": 1,
    }
