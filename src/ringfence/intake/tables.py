"""The files Ringfence reads: which columns each may have, and what stands in them."""

from dataclasses import dataclass
from enum import Enum, auto

from ringfence.domain.claims import ClaimKind, ClaimReason, ClaimStatus, EvidenceKind, Fulfilment
from ringfence.domain.identifiers import IdentifierKind


class Content(Enum):
    """What the cells of a column are."""

    ID = auto()
    TIME = auto()
    AMOUNT = auto()
    CURRENCY = auto()
    WORD = auto()
    WORDS = auto()
    COUNT = auto()
    FLAG = auto()
    RATE = auto()
    TEXT = auto()


@dataclass(frozen=True)
class Column:
    """One column of a file."""

    name: str
    content: Content
    is_required: bool = False
    words: tuple[str, ...] = ()
    """What a WORD may be, and each of WORDS."""
    may_change: bool = False
    """A later row for the same id may change it."""


@dataclass(frozen=True)
class Table:
    """One kind of file, named by its stem."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    """The columns whose values name a row; none where rows have no name."""

    def column_content(self, name: str) -> Content | None:
        """Say what stands in the column called `name`; None if the table has no such column."""
        return next((column.content for column in self.columns if column.name == name), None)


def _required(name: str, content: Content, words: tuple[str, ...] = ()) -> Column:
    return Column(name, content, is_required=True, words=words)


_IDENTIFIERS = tuple(Column(kind.value, Content.TEXT) for kind in IdentifierKind)

CLAIMS = Table(
    "claims",
    (
        _required("claim_id", Content.ID),
        _required("buyer_id", Content.ID),
        _required("merchant_id", Content.ID),
        _required("filed_at", Content.TIME),
        _required("amount", Content.AMOUNT),
        Column("currency", Content.CURRENCY),
        Column("kind", Content.WORD, words=tuple(ClaimKind)),
        Column("reason", Content.WORD, words=tuple(ClaimReason)),
        Column("order_id", Content.ID),
        Column("category", Content.TEXT),
        Column("country", Content.TEXT),
        *_IDENTIFIERS,
        Column("paid_at", Content.TIME),
        Column("delivered_at", Content.TIME, may_change=True),
        Column("refunded", Content.AMOUNT, may_change=True),
        Column("evidence_count", Content.COUNT, may_change=True),
        Column("evidence_kinds", Content.WORDS, words=tuple(EvidenceKind)),
        Column("high_value", Content.FLAG),
        Column("status", Content.WORD, words=tuple(ClaimStatus), may_change=True),
    ),
    key=("claim_id",),
)
ORDERS = Table(
    "orders",
    (
        _required("order_id", Content.ID),
        _required("buyer_id", Content.ID),
        _required("merchant_id", Content.ID),
        _required("ordered_at", Content.TIME),
        _required("amount", Content.AMOUNT),
        Column("currency", Content.CURRENCY),
        Column("category", Content.TEXT),
        Column("country", Content.TEXT),
        Column("address", Content.TEXT),
        Column("delivered_at", Content.TIME),
    ),
    key=("order_id",),
)
IDENTIFIERS = Table(
    "identifiers",
    (
        _required("buyer_id", Content.ID),
        _required("kind", Content.WORD, tuple(IdentifierKind)),
        _required("value", Content.TEXT),
        Column("first_seen", Content.TIME),
        Column("last_seen", Content.TIME),
    ),
)
REPORTS = Table(
    "reports",
    (
        _required("report_id", Content.ID),
        _required("merchant_id", Content.ID),
        _required("buyer_id", Content.ID),
        _required("reported_at", Content.TIME),
        Column("claim_id", Content.ID),
        Column("reason", Content.TEXT),
        Column("evidence_count", Content.COUNT),
    ),
    key=("report_id", "merchant_id"),
)
MERCHANTS = Table(
    "merchants",
    (
        _required("merchant_id", Content.ID),
        Column("name", Content.TEXT),
        Column("country", Content.TEXT),
        Column("level", Content.TEXT),
        Column("joined_at", Content.TIME),
        Column("owner", Content.TEXT),
        Column("fulfilment", Content.WORD, words=tuple(Fulfilment)),
        Column("return_address", Content.TEXT),
    ),
    key=("merchant_id",),
)
BUYERS = Table(
    "buyers",
    (
        _required("buyer_id", Content.ID),
        Column("country", Content.TEXT),
        Column("registered_at", Content.TIME),
    ),
    key=("buyer_id",),
)
RATES = Table(
    "rates",
    (
        _required("currency", Content.CURRENCY),
        _required("date", Content.TIME),
        _required("rate", Content.RATE),
    ),
)

TABLES = {table.name: table for table in (CLAIMS, ORDERS, IDENTIFIERS, REPORTS, MERCHANTS, BUYERS, RATES)}
"""Every kind of file by its stem, in the order they are read."""
