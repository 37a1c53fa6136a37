"""Merchants' reports as they are filed, and what became of them.

The events of a report's record, which begins when something becomes of it, and what each holds: `withdrawn`
{reason}, `disputed` {reason, verification_id}.
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from ringfence.domain.buyers import Report
from ringfence.domain.days import day_text
from ringfence.domain.durations import MICROSECONDS_A_DAY, MICROSECONDS_A_SECOND
from ringfence.domain.errors import ConflictError, InvalidError
from ringfence.domain.records import Event
from ringfence.domain.texts import checked_text

LONGEST_REASON = 2_000
"""Characters."""
LONGEST_ID = 200
"""Bytes in UTF-8."""
CLOCK_SLACK = 5 * 60 * MICROSECONDS_A_SECOND
"""By how much another's clock may be ahead, in µs."""
_LARGEST_COUNT = 10**9 - 1
_LONGEST_SHOWN = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ReportFieldError(InvalidError):
    """A field of a report that cannot be kept."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        """Its name in Report."""


class ReportStatus(StrEnum):
    """Where a report stands."""

    FILED = "filed"
    """It counts."""
    WITHDRAWN = "withdrawn"
    """It counts nowhere any more."""
    DISPUTED = "disputed"
    """It counts as before; the merchant does not agree with what the verification of the buyer came to."""


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """The record of one report, as of its last event."""

    status: ReportStatus = ReportStatus.FILED
    reason: str | None = None
    """Why it was withdrawn or disputed."""
    by: str | None = None
    """Who withdrew or disputed it: the principal's name."""
    at: int | None = None
    """When, µs since 1970-01-01 UTC."""
    disputed: tuple[str, ...] = ()
    """The verifications with which the merchant did not agree."""

    @property
    def because(self) -> str | None:
        """What became of the report, when, by whom and why; None if nothing."""
        if self.at is None:
            return None
        return f"{self.status} on {day_text(self.at)} by {self.by} (reason: {self.reason})"

    def to_state(self) -> dict[str, Any]:
        """Give what a store keeps."""
        return {name: getattr(self, name) for name in ReportRecord.__slots__} | {
            "status": self.status.value,
            "disputed": list(self.disputed),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "ReportRecord":
        """Read what a store kept."""
        told = {"status": ReportStatus(state["status"]), "disputed": tuple(state["disputed"])}
        return cls(**{**state, **told})


@dataclass(frozen=True, slots=True)
class ReportStanding:
    """A report, and what became of it."""

    report: Report
    record: ReportRecord
    version: int
    """Of the report's record; 0 if it has none."""


def fold(events: Iterable[Event], record: ReportRecord | None = None) -> ReportRecord:
    """Say where events lead, from `record` on if it is given. Time never goes back."""
    folded = record if record is not None else ReportRecord()
    for event in events:
        folded = _after(folded, event)
    return folded


def _after(record: ReportRecord, event: Event) -> ReportRecord:
    told = replace(record, reason=event.data["reason"], by=event.actor, at=max(event.at, record.at or 0))
    match event.type:
        case "withdrawn":
            return replace(told, status=ReportStatus.WITHDRAWN)
        case "disputed":
            disputed = (*record.disputed, event.data["verification_id"])
            return replace(told, status=ReportStatus.DISPUTED, disputed=disputed)
    raise ValueError(f"a report's record knows no event {event.type!r}")


def withdrawn(report_id: str, record: ReportRecord, reason: str, by: str, now: int) -> Event:
    """Take a report back, for good.

    Raises ConflictError if that happened before, InvalidError for a reason that is empty or too long.
    """
    refuse_withdrawn(report_id, record)
    return Event("withdrawn", now, by, {"reason": checked_text(reason, "The reason", LONGEST_REASON)})


def disputed(
    report_id: str, record: ReportRecord, ended: Iterable[str], reason: str, by: str, now: int
) -> Event:
    """Disagree with what one of the verifications `ended` came to, each of which weighed the report in vain.

    Raises ConflictError if there is none that was not disputed before, or if the report was withdrawn,
    InvalidError for a reason that is empty or too long.
    """
    refuse_withdrawn(report_id, record)
    in_vain = sorted(ended)
    open_to_dispute = [verification for verification in in_vain if verification not in record.disputed]
    if not open_to_dispute:
        said = "was disputed before, and people read it" if in_vain else "has nothing to dispute"
        raise ConflictError(
            f"Report {report_id} {said}; a report can be disputed once after each verification of its buyer "
            "that weighed it and ended as rejected or inconclusive."
        )
    data = {
        "reason": checked_text(reason, "The reason", LONGEST_REASON),
        "verification_id": open_to_dispute[-1],
    }
    return Event("disputed", now, by, data)


def refuse_withdrawn(report_id: str, record: ReportRecord) -> None:
    """Raise ConflictError for a report that was withdrawn."""
    if record.status is ReportStatus.WITHDRAWN:
        raise ConflictError(
            f"Report {report_id} was {record.because} and stays so; file another one under another id."
        )


def made_report(
    merchant_id: str,
    buyer_id: str,
    now: int,
    *,
    report_id: str | None = None,
    reported_at: int | None = None,
    claim_id: str | None = None,
    reason: str | None = None,
    evidence_count: int | None = None,
) -> Report:
    """Make a report of what a merchant says at `now` (µs since 1970-01-01 UTC, as `reported_at`).

    Without `reported_at` it is of `now`. Without `report_id` its content names it, and the time that was
    told, else the day: the same again on one day is the same report. Raises InvalidError for a field that
    cannot be kept.
    """
    if evidence_count is not None and not 0 <= evidence_count <= _LARGEST_COUNT:
        raise ReportFieldError(
            "evidence_count",
            f"evidence_count {evidence_count} cannot be; write how many pieces of evidence there are.",
        )
    if reported_at is not None and not 0 <= reported_at <= now + CLOCK_SLACK:
        raise ReportFieldError(
            "reported_at",
            f"reported_at {_moment(reported_at)} is in the future or before 1970; write when it was, or "
            "leave it out.",
        )
    report = Report(
        report_id=_checked_id(report_id, "report_id") if report_id is not None else "",
        merchant_id=_checked_id(merchant_id, "merchant_id"),
        buyer_id=_checked_id(buyer_id, "buyer_id"),
        reported_at=now if reported_at is None else reported_at,
        claim_id=_checked_id(claim_id, "claim_id") if claim_id is not None else None,
        reason=checked_text(reason, "The reason", LONGEST_REASON) if reason is not None else None,
        evidence_count=evidence_count,
    )
    if report_id is not None:
        return report
    day = None if reported_at is not None else now // MICROSECONDS_A_DAY
    return replace(report, report_id=_id_by_content(report, day))


def refuse_other_content(known: Report, told: Report, *, is_time_told: bool) -> None:
    """Raise ConflictError unless what a merchant tells under the id of its known report is what is known.

    Times are compared only if `is_time_told`.
    """
    for field in fields(Report):
        kept, new = getattr(known, field.name), getattr(told, field.name)
        is_time = field.name == "reported_at"
        if kept == new or (is_time and not is_time_told):
            continue
        shown = [_moment(kept), _moment(new)] if is_time else [_shown(kept), _shown(new)]
        raise ConflictError(
            f"Report {told.report_id} is known with {field.name} {shown[0]}, not {shown[1]}; what was filed "
            "does not change: withdraw it, and file another one under another id."
        )


def _id_by_content(report: Report, day: int | None) -> str:
    """Name a report by its content, of a whole day (since 1970-01-01 UTC) if one is given."""
    time = f"at {report.reported_at}" if day is None else f"on day {day}"
    content = (
        report.merchant_id,
        report.buyer_id,
        report.claim_id,
        report.reason,
        report.evidence_count,
        time,
    )
    return f"r{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]}"


def _checked_id(id: str, name: str) -> str:
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in id):
        raise ReportFieldError(name, f"{name} holds characters that cannot be shown; write it without them.")
    if not id or id != id.strip():
        raise ReportFieldError(name, f"{name} {id!r} is empty or has blanks around it; write the id alone.")
    if len(id.encode()) > LONGEST_ID:
        raise ReportFieldError(
            name, f"{name} has {len(id.encode()):,} bytes; an id has at most {LONGEST_ID}."
        )
    return id


def _shown(value: str | int | None) -> str:
    if value is None:
        return "left out"
    written = str(value)
    return written if len(written) <= _LONGEST_SHOWN else f"{written[:_LONGEST_SHOWN]}…"


def _moment(at: int) -> str:
    try:
        return f"{_EPOCH + timedelta(microseconds=at):%Y-%m-%dT%H:%M:%S.%fZ}".replace(".000000", "")
    except OverflowError:
        return f"{at} µs"
