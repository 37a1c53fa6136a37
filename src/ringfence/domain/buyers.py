"""Buyers and claims as the store answers and people read them."""

from dataclasses import dataclass

from ringfence.domain.identifiers import IdentifierKind


@dataclass(frozen=True, slots=True)
class Buyer:
    """A buyer, within the scope it was asked for."""

    buyer_id: str
    country: str | None
    registered_at: int | None
    """µs since 1970-01-01 UTC."""
    claims: int
    """Claims filed, within the scope."""
    orders: int
    """Orders known, within the scope."""
    first_claim_at: int | None
    """µs since 1970-01-01 UTC."""
    last_claim_at: int | None
    """µs since 1970-01-01 UTC."""


@dataclass(frozen=True, slots=True)
class Claim:
    """`(:Buyer)-[:FILED]->(:Claim)-[:AGAINST]->(:Merchant)`, as last updated."""

    claim_id: str
    buyer_id: str
    merchant_id: str
    filed_at: int
    """µs since 1970-01-01 UTC, as all its times."""
    amount: int
    """Minor units of the currency."""
    currency: str
    kind: str | None
    reason: str | None
    status: str | None
    order_id: str | None
    category: str | None
    country: str | None
    paid_at: int | None
    delivered_at: int | None
    refunded: int | None
    """Minor units of the currency."""
    evidence_count: int | None
    high_value: bool | None


@dataclass(frozen=True, slots=True, order=True)
class ReportRef:
    """Which report: each merchant gives its own reports their ids, whatever ids others give theirs."""

    merchant_id: str
    report_id: str

    @property
    def name(self) -> str:
        """Both in one word, such as `m7/r1`, that no other report has."""
        return f"{self.merchant_id.replace('%', '%25').replace('/', '%2F')}/{self.report_id}"

    @classmethod
    def of_name(cls, name: str) -> "ReportRef":
        """Read a report's name; what is none names a report that is nowhere."""
        merchant, _, report_id = name.partition("/")
        return cls(merchant.replace("%2F", "/").replace("%25", "%"), report_id)


@dataclass(frozen=True, slots=True)
class Report:
    """`(:Merchant)-[:FILED_REPORT]->(:Report)-[:ACCUSES]->(:Buyer)`."""

    report_id: str
    merchant_id: str
    buyer_id: str
    reported_at: int
    """µs since 1970-01-01 UTC."""
    claim_id: str | None
    reason: str | None
    evidence_count: int | None

    @property
    def ref(self) -> ReportRef:
        """Which report it is."""
        return ReportRef(self.merchant_id, self.report_id)


@dataclass(frozen=True, slots=True)
class SharedIdentifier:
    """A pseudonymised value that several buyers use."""

    kind: IdentifierKind
    pseudonym: str
    """The first hex digits of the keyed hash: the same value, the same pseudonym."""
    holders: int
    """Buyers who use it."""
