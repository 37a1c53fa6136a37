"""The five kinds of identifier that buyers may share."""

from enum import StrEnum


class IdentifierKind(StrEnum):
    """What an identifier is: `(:Buyer)-[:USES]->(:Address|:Device|:Payment|:Phone|:Email)`."""

    ADDRESS = "address"
    DEVICE = "device"
    PAYMENT = "payment"
    PHONE = "phone"
    EMAIL = "email"
