"""The lists that records stand on, by what they are asked for: named here, kept by the store."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ringfence.domain.records import RecordKind
from ringfence.domain.reports import ReportStatus

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Listing:
    """Where a record stands: `(:Record)-[:LISTED_IN {place}]->(:RecordList)`."""

    at: int
    """What its lists are sorted by, greatest first, then by the record's id; µs since 1970-01-01 UTC."""
    lists: frozenset[str]
    """Names of lists of the record's kind."""


NOWHERE = Listing(0, frozenset())


def list_name(**marks: str | None) -> str:
    """Name the list of the records of a kind that have all these marks; those that are None do not count."""
    return json.dumps({name: mark for name, mark in sorted(marks.items()) if mark is not None})


def listing_of(kind: RecordKind, state: Mapping[str, Any] | None) -> Listing:
    """Say on which lists a record with this state stands; None, as before its first event: on none.

    Verifications are listed by `state` and `owner`, recoveries by `state` (of any of their claims),
    `merchant`, and `merchant` and `month` (`2027-01`) of what was paid or returned; withdrawn reports by
    `status`. A store brings what it keeps forward when this changes.
    """
    if state is None:
        return NOWHERE
    match kind:
        case RecordKind.VERIFICATION:
            stands, owner = state["state"], state["owner"]
            names = {list_name(state=one, owner=other) for one in (None, stands) for other in (None, owner)}
            return Listing(state["opened_at"], frozenset(names))
        case RecordKind.RECOVERY:
            merchant_id = state["merchant_id"]
            states = (None, *{claim["state"] for claim in state["claims"]})
            names = {list_name(merchant=one, state=other) for one in (None, merchant_id) for other in states}
            names |= {
                list_name(merchant=merchant_id, month=month)
                for month in _months(move["at"] for move in state["moves"])
            }
            return Listing(state["proposed_at"], frozenset(names))
        case RecordKind.REPORT if state["status"] == ReportStatus.WITHDRAWN:
            return Listing(state["at"], frozenset({list_name(status=ReportStatus.WITHDRAWN)}))
    return NOWHERE


def _months(moments: Iterable[int]) -> set[str]:
    return {f"{_EPOCH + timedelta(microseconds=at):%Y-%m}" for at in moments}
