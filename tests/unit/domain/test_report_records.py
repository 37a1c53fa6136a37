from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.buyers import Report, ReportRef
from ringfence.domain.errors import ConflictError, InvalidError
from ringfence.domain.records import Event
from ringfence.domain.reports import (
    CLOCK_SLACK,
    ReportRecord,
    ReportStatus,
    disputed,
    fold,
    made_report,
    refuse_other_content,
    withdrawn,
)

DAY = 86_400_000_000
NOW = 1_777_636_800_000_000
"""2026-05-01 12:00"""
REPORT = Report("r1", "shop", "ann", NOW - DAY, "c1", "never returned", 2)


def told(**fields: Any) -> Report:
    given = {name: getattr(REPORT, name) for name in Report.__slots__} | fields
    return made_report(given.pop("merchant_id"), given.pop("buyer_id"), NOW, **given)


def test_a_report_is_kept_as_it_was_told() -> None:
    assert told() == REPORT
    assert told(reason=" never returned ") == REPORT
    bare = told(claim_id=None, reason=None, evidence_count=None, reported_at=None)
    assert bare == Report("r1", "shop", "ann", NOW, None, None, None)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("report_id", "", "report_id '' is empty"),
        ("report_id", " r1", "blanks around it; write the id alone"),
        ("report_id", "ü" * 101, "report_id has 202 bytes; an id has at most 200"),
        ("report_id", "r\x00", "report_id holds characters that cannot be shown"),
        ("merchant_id", "\ud800", "merchant_id holds characters"),
        ("buyer_id", "", "buyer_id '' is empty"),
        ("claim_id", "", "claim_id '' is empty"),
        ("reason", "x" * 2001, "The reason has 2,001 characters; at most 2,000"),
        ("reason", "  ", "The reason is empty"),
        ("reason", "\x07", "The reason holds characters"),
        ("evidence_count", -1, "evidence_count -1 cannot be"),
        ("evidence_count", 10**9, "evidence_count 1000000000 cannot be"),
        ("reported_at", NOW + CLOCK_SLACK + 1, "reported_at 2026-05-01T12:05:00.000001Z is in the future"),
        ("reported_at", -1, "reported_at 1969-12-31T23:59:59.999999Z is in the future or before 1970"),
        ("reported_at", 10**30, "reported_at 10+ µs is in the future"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(field: str, value: object, problem: str) -> None:
    with pytest.raises(InvalidError, match=problem):
        told(**{field: value})


def test_bounds_themselves_are_kept() -> None:
    assert told(report_id="ü" * 100, reason="x" * 2000, evidence_count=0).evidence_count == 0
    assert told(reported_at=NOW + CLOCK_SLACK).reported_at == NOW + CLOCK_SLACK, "clocks differ"
    assert told(reported_at=0).reported_at == 0


def test_a_report_without_an_id_is_named_by_its_content_of_the_day() -> None:
    first = made_report("shop", "ann", NOW, reason="never returned")
    assert first.report_id.startswith("r")
    assert len(first.report_id) == 13
    assert made_report("shop", "ann", NOW + 1, reason="never returned").report_id == first.report_id
    assert made_report("shop", "ann", NOW + DAY, reason="never returned").report_id != first.report_id


CONTENTS = st.fixed_dictionaries(
    {
        "merchant_id": st.sampled_from(["m1", "m2"]),
        "buyer_id": st.sampled_from(["m1", "b2"]),
        "reported_at": st.none() | st.integers(NOW - 2, NOW),
        "claim_id": st.none() | st.sampled_from(["c1", "c2"]),
        "reason": st.none() | st.sampled_from(["c1", "never returned"]),
        "evidence_count": st.none() | st.integers(0, 2),
    }
)


@given(CONTENTS, CONTENTS)
def test_reports_without_ids_are_the_same_if_their_contents_are(a: dict[str, Any], b: dict[str, Any]) -> None:
    one, other = told(**a, report_id=None), told(**b, report_id=None)
    assert (one.report_id == other.report_id) == (a == b)


def test_the_same_again_is_not_refused() -> None:
    refuse_other_content(REPORT, REPORT, is_time_told=True)
    refuse_other_content(REPORT, replace(REPORT, reported_at=NOW), is_time_told=False)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("buyer_id", "bob", "Report r1 is known with buyer_id ann, not bob"),
        ("claim_id", None, "claim_id c1, not left out"),
        ("reason", "x" * 100, f"reason never returned, not {'x' * 60}…"),
        ("evidence_count", 3, "evidence_count 2, not 3; what was filed does not change: withdraw it"),
        ("reported_at", NOW, "reported_at 2026-04-30T12:00:00Z, not 2026-05-01T12:00:00Z"),
    ],
)
def test_other_content_under_a_known_id_is_refused_by_the_field(field: str, value: Any, problem: str) -> None:
    with pytest.raises(ConflictError, match=problem):
        refuse_other_content(REPORT, replace(REPORT, **{field: value}), is_time_told=True)


@given(st.text(max_size=6) | st.text("%/25F", max_size=6), st.text("%/2Fr", max_size=6))
def test_a_name_says_which_report_it_is(merchant_id: str, report_id: str) -> None:
    ref = ReportRef(merchant_id, report_id)
    assert ReportRef.of_name(ref.name) == ref


def test_names_are_read_by_people() -> None:
    assert ReportRef("m7", "r/1").name == "m7/r/1"
    assert ReportRef("m/7%", "r1").name == "m%2F7%25/r1"
    assert ReportRef.of_name("r1") == ReportRef("r1", ""), "the name of none"


def test_a_report_of_which_nothing_became_is_filed() -> None:
    assert (fold([]).status, fold([]).because) == (ReportStatus.FILED, None)


def test_a_withdrawn_report_stays_withdrawn() -> None:
    record = fold([withdrawn("r1", fold([]), " mistaken ", "eve", NOW)])
    assert record.status is ReportStatus.WITHDRAWN
    assert record.because == "withdrawn on 2026-05-01 by eve (reason: mistaken)"
    with pytest.raises(ConflictError, match=r"Report r1 was withdrawn on 2026-05-01 .* and stays so"):
        withdrawn("r1", record, "again", "eve", NOW)
    with pytest.raises(ConflictError, match="was withdrawn"):
        disputed("r1", record, ["v1"], "no", "eve", NOW)


def test_each_verification_that_ended_in_vain_is_disputed_once() -> None:
    record = fold([disputed("r1", fold([]), ["v1"], "look again", "eve", NOW)])
    assert (record.status, record.disputed) == (ReportStatus.DISPUTED, ("v1",))
    with pytest.raises(ConflictError, match="was disputed before, and people read it"):
        disputed("r1", record, ["v1"], "look again", "eve", NOW)
    record = fold([disputed("r1", record, ["v1", "v2"], "once more", "eve", NOW)], record)
    assert (record.reason, record.disputed) == ("once more", ("v1", "v2"))
    assert fold([withdrawn("r1", record, "enough", "eve", NOW)], record).status is ReportStatus.WITHDRAWN


def test_nothing_is_disputed_before_a_verification_ended_in_vain() -> None:
    with pytest.raises(ConflictError, match="Report r1 has nothing to dispute; a report can be disputed"):
        disputed("r1", fold([]), [], "look again", "eve", NOW)


@pytest.mark.parametrize("reason", [" ", "x" * 2001])
def test_withdrawing_and_disputing_need_a_reason_that_can_be_read(reason: str) -> None:
    with pytest.raises(InvalidError, match="The reason"):
        withdrawn("r1", fold([]), reason, "eve", NOW)
    with pytest.raises(InvalidError, match="The reason"):
        disputed("r1", fold([]), ["v1"], reason, "eve", NOW)


def test_a_record_is_read_as_it_was_kept_and_time_never_goes_back() -> None:
    events = [disputed("r1", fold([]), ["v1"], "no", "eve", NOW)]
    record = fold(events)
    assert ReportRecord.from_state(record.to_state()) == record
    later = withdrawn("r1", record, "mistaken", "eve", NOW - DAY)
    assert fold([later], ReportRecord.from_state(record.to_state())) == fold([*events, later])
    assert fold([later], record).at == NOW


def test_an_event_of_another_kind_is_no_part_of_a_report() -> None:
    with pytest.raises(ValueError, match="knows no event 'burnt'"):
        fold([Event("burnt", NOW, "eve", {"reason": "x"})])
