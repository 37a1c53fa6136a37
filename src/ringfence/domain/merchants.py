"""Merchants as loads describe them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Merchant:
    """`(:Merchant)`, each property as loads last told it; None where none does."""

    merchant_id: str
    name: str | None
    country: str | None
    level: str | None
    joined_at: int | None
    """µs since 1970-01-01 UTC."""
    owner: str | None
    """Who owns it: merchants of one owner are one where it counts how many say something."""
