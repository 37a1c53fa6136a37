"""The closed vocabularies of a claim, as they stand in files, stores and the API."""

from enum import StrEnum


class ClaimKind(StrEnum):
    """What the buyer asks for."""

    REFUND_ONLY = "refund_only"
    RETURN_REFUND = "return_refund"
    PARTIAL_REFUND = "partial_refund"


class ClaimReason(StrEnum):
    """Why the buyer says money is owed."""

    NOT_RECEIVED = "not_received"
    DAMAGED = "damaged"
    WRONG_ITEM = "wrong_item"
    NOT_AS_DESCRIBED = "not_as_described"
    QUALITY = "quality"
    CHANGED_MIND = "changed_mind"
    OTHER = "other"


class ClaimStatus(StrEnum):
    """Where a claim stands."""

    OPEN = "open"
    REFUNDED = "refunded"
    PARTLY_REFUNDED = "partly_refunded"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class EvidenceKind(StrEnum):
    """What a buyer attached to a claim."""

    PHOTO = "photo"
    VIDEO = "video"
    DOCUMENT = "document"
    CHAT = "chat"


class Fulfilment(StrEnum):
    """Who runs a merchant's goods."""

    FULLY_MANAGED = "fully_managed"
    POP = "pop"
