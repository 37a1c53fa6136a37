"""Records: append-only events that domain code folds into a current state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class RecordKind(StrEnum):
    """What a record is about."""

    KEY = "key"
    """An API key."""
    RING_DECISION = "ring_decision"
    """What investigators decided about one ring; its id is the ring's."""
    LEAD_DECISION = "lead_decision"
    """What investigators decided about one lead; its id is the lead's."""
    REPORT = "report"
    """What became of a merchant's report; its id is the report's name."""
    VERIFICATION = "verification"
    """The platform's check of a buyer."""
    RECOVERY = "recovery"
    """What one merchant is given back after one verification."""
    RUN_REQUEST = "run_request"
    """The runs that were asked for."""


class SubjectKind(StrEnum):
    """What a record may concern: `(:Record)-[:CONCERNS]->(:Ring|:Lead|:Buyer|:Merchant|:Claim)`."""

    RING = "ring"
    LEAD = "lead"
    BUYER = "buyer"
    MERCHANT = "merchant"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True)
class RecordRef:
    """The name of a record."""

    kind: RecordKind
    id: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a record: `(:Record)-[:HAS]->(:Event)`; never changed, never deleted."""

    type: str
    at: int
    """µs since 1970-01-01 UTC, never before the event that it follows."""
    actor: str
    """The principal's name."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What JSON can hold."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom or what a record concerns."""

    kind: SubjectKind
    id: str


@dataclass(frozen=True, slots=True)
class RecordState:
    """A record as of its last event."""

    record: RecordRef
    version: int
    """The number of its events: whoever appends names the version they saw."""
    state: Mapping[str, Any]
    """What domain code folded the events into; what JSON can hold."""
