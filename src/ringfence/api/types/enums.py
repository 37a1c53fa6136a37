"""The closed vocabularies, with what each word means."""

from collections.abc import Mapping
from enum import Enum, StrEnum

from ringfence.domain.claims import ClaimKind, ClaimReason, ClaimStatus
from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.lead_decisions import LeadStatus
from ringfence.domain.leads import LeadKind
from ringfence.domain.paths import TieKind
from ringfence.domain.recoveries import MoveKind, RecoveryState
from ringfence.domain.reports import ReportStatus
from ringfence.domain.ring_decisions import Outcome, RingStatus
from ringfence.domain.rings import DetectionMethod, LineageEvent, RingOrder
from ringfence.domain.risk import Language, RiskBand
from ringfence.domain.runs import RunState
from ringfence.domain.scope import Role
from ringfence.domain.verifications import VerificationOutcome, VerificationState


class RingEventType(StrEnum):
    """What somebody did about a ring, as its record tells it."""

    DECIDED = "decided"
    PROPOSED = "proposed"
    UNDONE = "undone"
    NOTED = "noted"
    ASSIGNED = "assigned"


class VerificationEventType(StrEnum):
    """What happened in a verification, as its record tells it."""

    OPENED = "opened"
    ASSIGNED = "assigned"
    NOTED = "noted"
    PROPOSED = "proposed"
    DECIDED = "decided"
    APPEALED = "appealed"
    REOPENED = "reopened"


class RecoveryEventType(StrEnum):
    """What happened to a recovery, as its record tells it."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    PAID = "paid"
    DUE_BACK = "due_back"
    UPHELD = "upheld"
    RETURNED = "returned"
    DISPUTED = "disputed"


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
            RingOrder.SCORE: "Evidence, in decades: each one is ten times less likely by chance.",
            RingOrder.SIZE: "Number of members.",
            RingOrder.CLAIMS: "Number of joint claims.",
            RingOrder.LAST_CLAIM_AT: "Time of the last joint claim.",
            RingOrder.PRIORITY: "Evidence x log10(1 + money) x log10(1 + merchants hit).",
        },
    ),
    (
        DetectionMethod,
        "What found a ring.",
        {
            DetectionMethod.COINCIDENCE: "Pairs of buyers whose claims coincide.",
            DetectionMethod.BLOCKS: "Many buyers who share many merchants, few of them at a time.",
            DetectionMethod.IDENTIFIERS: "Buyers who share identifiers that few hold.",
            DetectionMethod.WAVES: "Buyers who claim together at one merchant, again and again.",
            DetectionMethod.STRUCTURE: "Who claims where, without times.",
        },
    ),
    (
        LeadKind,
        "Why a lead is no ring.",
        {
            LeadKind.ONE_OCCASION: "Too few buyers met on two occasions: one lost shipment may explain them.",
            LeadKind.ASSOCIATES: "The buyers are near a ring, and not in step with it often enough.",
            LeadKind.SHARED_SHOPPING: "They shop together, or no orders are known.",
            LeadKind.WEAK_EVIDENCE: "Chance shows as strong a group too often.",
            LeadKind.ONE_MERCHANT: "All of it is at one merchant.",
            LeadKind.STRUCTURE: "Who claims where is odd, but the times say nothing.",
        },
    ),
    (
        LeadStatus,
        "Where a lead stands.",
        {
            LeadStatus.OPEN: "Nobody dismissed it, it was restored, or it grew since it was dismissed.",
            LeadStatus.DISMISSED: "An investigator dismissed it; lists leave it out unless asked.",
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
        RiskBand,
        "How a buyer is to be treated.",
        {
            RiskBand.LOW: "Little speaks for abuse.",
            RiskBand.MEDIUM: "Enough to look at; reports alone never lead further.",
            RiskBand.HIGH: "More likely than not to abuse refunds.",
            RiskBand.CONFIRMED: "A verification found abuse; this outranks the probability for a time.",
            RiskBand.CLEARED: "A verification found none; this outranks the probability for a time.",
        },
    ),
    (
        Language,
        "In which language reasons are told.",
        {Language.ENGLISH: "English.", Language.CHINESE: "Chinese."},
    ),
    (
        ReportStatus,
        "Where a report stands.",
        {
            ReportStatus.FILED: "It counts.",
            ReportStatus.WITHDRAWN: "It counts nowhere any more.",
            ReportStatus.DISPUTED: "It counts; the merchant does not agree with how the buyer's verification "
            "ended.",
        },
    ),
    (
        VerificationState,
        "Where a verification stands.",
        {
            VerificationState.OPEN: "Nothing is decided, or it was opened again.",
            VerificationState.PROPOSED: "One person said how it should end; it waits for a second one.",
            VerificationState.CONFIRMED: "It ended: the buyer abused refunds.",
            VerificationState.REJECTED: "It ended: the buyer did not.",
            VerificationState.INCONCLUSIVE: "It ended: it cannot be told.",
        },
    ),
    (
        VerificationOutcome,
        "How a verification ends.",
        {
            VerificationOutcome.CONFIRMED: "The buyer abused refunds; merchants get their losses back.",
            VerificationOutcome.REJECTED: "The buyer did not; nothing is held against them or paid for it.",
            VerificationOutcome.INCONCLUSIVE: "It cannot be told.",
        },
    ),
    (
        VerificationEventType,
        "What happened in a verification.",
        {
            VerificationEventType.OPENED: "It began.",
            VerificationEventType.ASSIGNED: "It was given to somebody, or back.",
            VerificationEventType.NOTED: "Somebody wrote a note.",
            VerificationEventType.PROPOSED: "Somebody said how it should end, which waits for another one.",
            VerificationEventType.DECIDED: "It ended.",
            VerificationEventType.APPEALED: "An appeal on the buyer's behalf opened it again.",
            VerificationEventType.REOPENED: "New evidence opened it again.",
        },
    ),
    (
        RecoveryState,
        "Where the recovery of a claim stands.",
        {
            RecoveryState.PROPOSED: "The buyer is confirmed; nobody agreed to pay yet.",
            RecoveryState.APPROVED: "It is to be paid.",
            RecoveryState.PAID: "The merchant was paid.",
            RecoveryState.REFUSED: "It is not paid.",
            RecoveryState.RETURNED: "The merchant gave it back, since the verification was reversed.",
        },
    ),
    (
        MoveKind,
        "Which way money went.",
        {MoveKind.PAID: "To the merchant.", MoveKind.RETURNED: "From the merchant."},
    ),
    (
        RecoveryEventType,
        "What happened to a recovery.",
        {
            RecoveryEventType.PROPOSED: "Claims were proposed, since the buyer was confirmed.",
            RecoveryEventType.APPROVED: "Somebody agreed to pay claims.",
            RecoveryEventType.REFUSED: "Claims are not to be paid.",
            RecoveryEventType.PAID: "A claim was paid.",
            RecoveryEventType.DUE_BACK: "What was paid is asked back, since the verification was reversed.",
            RecoveryEventType.UPHELD: "It may be kept, since the buyer was confirmed again.",
            RecoveryEventType.RETURNED: "The merchant gave back what it was paid for a claim.",
            RecoveryEventType.DISPUTED: "The merchant disagreed.",
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
        Role,
        "What a key may ask for and change.",
        {
            Role.INVESTIGATOR: "Sees everything, and decides.",
            Role.OPERATOR: "Runs the installation; sees everything, decides nothing.",
            Role.JOB: "Loads and detects on a schedule, and acts for merchants and buyers.",
            Role.MERCHANT: "Sees its own part of the marketplace.",
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
        TieKind,
        "What connects two buyers.",
        {
            **{kind: f"Both use it: a pseudonymised {kind.value} that few use." for kind in TieKind},
            TieKind.LINK: "Evidence of the published run that they belong together.",
            TieKind.MERCHANT: "Both claimed there, as few did.",
        },
    ),
    (
        IdentifierKind,
        "What kind of value buyers share.",
        {kind: f"A pseudonymised {kind.value}." for kind in IdentifierKind},
    ),
)

"""What each word means: (words, what they are, meaning by word)."""
