"""Buyers and their claims, within the scope of whoever asks: a buyer out of it does not exist."""

from collections.abc import Sequence

from ringfence.domain.buyers import Buyer, Claim, Report, SharedIdentifier
from ringfence.domain.errors import NotFoundError
from ringfence.domain.pages import Key, Page
from ringfence.domain.rings import Link
from ringfence.domain.scope import Principal
from ringfence.services.access import BUYER_READERS, STAFF, require
from ringfence.store import Store

_WHAT = "buyers"


class BuyerUnknownError(NotFoundError):
    """There is no such buyer, or none in sight: the words are the same."""

    def __init__(self, buyer_id: str) -> None:
        super().__init__(f"There is no buyer {buyer_id}.")
        self.buyer_id = buyer_id


def find_buyers(store: Store, principal: Principal, buyer_ids: Sequence[str], now: int) -> dict[str, Buyer]:
    """Find buyers by id; those that are not in sight are left out. Raises ForbiddenError."""
    require(principal, BUYER_READERS, _WHAT)
    return {buyer.buyer_id: buyer for buyer in store.market.buyers(buyer_ids, principal.scope(now))}


def claims_of(
    store: Store, principal: Principal, buyer_id: str, first: int, after: Key | None, now: int
) -> Page[Claim]:
    """List a buyer's claims, latest first. Raises ForbiddenError."""
    require(principal, BUYER_READERS, _WHAT)
    return store.market.claims_of(buyer_id, principal.scope(now), first, after)


def find_claims(store: Store, principal: Principal, claim_ids: Sequence[str], now: int) -> dict[str, Claim]:
    """Find claims by id; those that are not in sight are left out. Raises ForbiddenError."""
    require(principal, BUYER_READERS, _WHAT)
    found = store.market.claims(tuple(claim_ids), principal.scope(now))
    return {claim.claim_id: claim for claim in found}


def find_claim(store: Store, principal: Principal, claim_id: str, now: int) -> Claim:
    """Find one claim. Raises ForbiddenError, NotFoundError."""
    found = find_claims(store, principal, (claim_id,), now)
    if claim_id not in found:
        raise NotFoundError(f"There is no claim {claim_id}.")
    return found[claim_id]


def reports_of(store: Store, principal: Principal, buyer_id: str, now: int) -> tuple[Report, ...]:
    """List the reports that accuse a buyer, latest first. Raises ForbiddenError."""
    require(principal, BUYER_READERS, _WHAT)
    return store.reports.of_buyer(buyer_id, principal.scope(now))


def shared_identifiers_of(
    store: Store, principal: Principal, buyer_id: str, now: int
) -> tuple[SharedIdentifier, ...]:
    """List the values a buyer shares with others, rarest first. Raises ForbiddenError for merchants too."""
    require(principal, STAFF, "identifiers")
    return store.market.shared_identifiers(buyer_id, principal.scope(now))


def links_of_buyer(store: Store, principal: Principal, buyer_id: str, first: int) -> tuple[Link, ...]:
    """List a buyer's links in the published run, best first. Raises ForbiddenError for merchants too."""
    require(principal, STAFF, "links")
    return store.rings.links_of(buyer_id, first)


def score_of(store: Store, principal: Principal, buyer_id: str) -> float | None:
    """Give a buyer's score in the published run, 0 to 1. Raises ForbiddenError for merchants too."""
    require(principal, STAFF, "scores")
    return store.rings.buyer_score(buyer_id)
