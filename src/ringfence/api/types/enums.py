"""The closed vocabularies, with what each word means."""

from collections.abc import Mapping
from enum import Enum, StrEnum

from ringfence.domain.claims import ClaimKind, ClaimReason, ClaimStatus
from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.ring_decisions import Outcome, RingStatus
from ringfence.domain.rings import LineageEvent, RingOrder
from ringfence.domain.runs import RunState


class RingEventType(StrEnum):
    """What somebody did about a ring, as its record tells it."""

    DECIDED = "decided"
    PROPOSED = "proposed"
    UNDONE = "undone"
    NOTED = "noted"
    ASSIGNED = "assigned"


class UserErrorCode(StrEnum):
    """What kind of error somebody can mend."""

    INVALID = "invalid"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"


MEANINGS: tuple[tuple[type[Enum], str, Mapping[Enum, str]], ...] = (
    (
        RingStatus,
        "Where a ring stands by what was decided about it.",
        {
            RingStatus.OPEN: "Nothing is decided, or the ring came back after a decision.",
            RingStatus.CONFIRMED: "An investigator found that these buyers coordinate.",
            RingStatus.DISMISSED: "An investigator found that they do not; it returns if it grows.",
            RingStatus.SNOOZED: "Put off until a day.",
            RingStatus.ALLOWED: "Tolerated until a day, or until it grows.",
        },
    ),
    (
        Outcome,
        "What is decided about a ring.",
        {
            Outcome.CONFIRM: "These buyers coordinate.",
            Outcome.DISMISS: "They do not; the ring stays down until it grows, and its evidence by a decade.",
            Outcome.SNOOZE: "Not now: the ring stays down until a day.",
            Outcome.ALLOW: "They may: the ring stays down until a day, or until it grows.",
        },
    ),
    (
        RingOrder,
        "What rings are listed by, greatest first; ties by ringId.",
        {
            RingOrder.SCORE: "Evidence, in decades.",
            RingOrder.SIZE: "Number of members.",
            RingOrder.CLAIMS: "Number of joint claims.",
            RingOrder.LAST_CLAIM_AT: "Time of the last joint claim.",
            RingOrder.PRIORITY: "Evidence x log10(1 + money) x log10(1 + merchants hit).",
        },
    ),
    (
        LineageEvent,
        "What became of a ring between two runs.",
        {
            LineageEvent.BORN: "It was not there before.",
            LineageEvent.KEPT: "It has the members it had.",
            LineageEvent.GREW: "Members came.",
            LineageEvent.SHRANK: "Members went.",
            LineageEvent.CHANGED: "Members came and went.",
            LineageEvent.MERGED: "Most of the previous ring went into this one.",
            LineageEvent.SPLIT: "Most of it came from the previous ring, which lives on.",
            LineageEvent.DIED: "It is there no more.",
            LineageEvent.RETURNED: "It had ended, and is there again.",
        },
    ),
    (
        RingEventType,
        "What somebody did about a ring.",
        {
            RingEventType.DECIDED: "Confirmed, dismissed, snoozed or allowed it.",
            RingEventType.PROPOSED: "Proposed to confirm it, which waits for a second person.",
            RingEventType.UNDONE: "Took back what was proposed, else the decision that counted.",
            RingEventType.NOTED: "Wrote a note.",
            RingEventType.ASSIGNED: "Gave it to somebody, or back.",
        },
    ),
    (
        UserErrorCode,
        "Why a change that was asked for was not made.",
        {
            UserErrorCode.INVALID: "An input will never do; say something else.",
            UserErrorCode.NOT_FOUND: "What is to be changed is not there.",
            UserErrorCode.CONFLICT: "It does not stand as was assumed, or others were faster; look again.",
        },
    ),
    (
        RunState,
        "Where a run stands.",
        {
            RunState.RUNNING: "Under way, or interrupted; nothing of it is seen.",
            RunState.PUBLISHED: "Its rings are, or were, the ones everybody sees.",
            RunState.WITHHELD: "Complete, but found implausible and not published.",
            RunState.FAILED: "Ended early; nothing of it is kept but this entry.",
        },
    ),
    (
        ClaimKind,
        "What a buyer asks for.",
        {
            ClaimKind.REFUND_ONLY: "The money back, the goods kept.",
            ClaimKind.RETURN_REFUND: "The money back against the goods.",
            ClaimKind.PARTIAL_REFUND: "A part of the money back, the goods kept.",
        },
    ),
    (
        ClaimReason,
        "Why a buyer says money is owed.",
        {
            ClaimReason.NOT_RECEIVED: "The goods did not arrive.",
            ClaimReason.DAMAGED: "The goods arrived damaged.",
            ClaimReason.WRONG_ITEM: "Other goods arrived.",
            ClaimReason.NOT_AS_DESCRIBED: "The goods are not as described.",
            ClaimReason.QUALITY: "The goods are of poor quality.",
            ClaimReason.CHANGED_MIND: "The buyer does not want the goods any more.",
            ClaimReason.OTHER: "Another reason.",
        },
    ),
    (
        ClaimStatus,
        "Where a claim stands.",
        {
            ClaimStatus.OPEN: "Nothing is decided.",
            ClaimStatus.REFUNDED: "The whole amount was refunded.",
            ClaimStatus.PARTLY_REFUNDED: "A part of the amount was refunded.",
            ClaimStatus.REFUSED: "Nothing is refunded.",
            ClaimStatus.WITHDRAWN: "The buyer took it back.",
        },
    ),
    (
        IdentifierKind,
        "What kind of value buyers share.",
        {kind: f"A pseudonymised {kind.value}." for kind in IdentifierKind},
    ),
)

"""What each word means: (words, what they are, meaning by word)."""
