"""Occasions worked out by hand from the tables of a run and the claims and orders behind it."""

from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta
from itertools import combinations
from typing import TypeVar

import polars as pl

Item = TypeVar("Item")
ACT, CHECKOUT, CHECKOUT_CLAIMS = timedelta(days=1), timedelta(hours=1), timedelta(days=14)


def windows(moments: Iterable[tuple[datetime, Item]], width: timedelta) -> dict[datetime, list[Item]]:
    """Divide by windows that begin with the first moment (they rise) that no earlier one holds."""
    found: dict[datetime, list[Item]] = {}
    first: datetime | None = None
    for at, item in moments:
        if first is None or at - first >= width:
            first = at
        found.setdefault(first, []).append(item)
    return found


class Occasions:
    """Which claims of one buyer are one act or one checkout, in a marketplace of claims and orders."""

    def __init__(
        self, claims: pl.DataFrame, orders: pl.DataFrame | None, grain: timedelta = timedelta(0)
    ) -> None:
        self._of_claim: dict[str, set[Hashable]] = {claim: set() for claim in claims["claim_id"]}
        rows = claims.select("buyer_id", "filed_at", "merchant_id", "claim_id").sort("filed_at")
        for (buyer,), own in rows.group_by("buyer_id"):
            filed_at: Iterable[tuple[datetime, str]] = own.select("filed_at", "claim_id").iter_rows()
            self._number((buyer, "act"), windows(filed_at, ACT + grain))
        if orders is None:
            return
        placed: dict[tuple[str, str], list[datetime]] = {}
        for buyer, merchant, at in orders.select("buyer_id", "merchant_id", "ordered_at").iter_rows():
            placed.setdefault((buyer, merchant), []).append(at)
        bought: dict[str, list[tuple[datetime, tuple[datetime, str]]]] = {}
        for buyer, at, merchant, claim in rows.iter_rows():
            waiting = placed.get((buyer, merchant), [])
            earlier = [order for order in waiting if order <= at]
            if earlier:
                waiting.remove(max(earlier))
                bought.setdefault(buyer, []).append((max(earlier), (at, claim)))
        for buyer, goods in bought.items():
            for first, filed in windows(sorted(goods), CHECKOUT).items():
                self._number((buyer, "checkout", first), windows(sorted(filed), CHECKOUT_CLAIMS))

    def _number(self, of: Hashable, occasions: dict[datetime, list[str]]) -> None:
        for first, claims in occasions.items():
            for claim in claims:
                self._of_claim[claim].add((of, first))

    def same(self, one: str, other: str) -> bool:
        """Say whether two claims of one buyer are one occasion."""
        return not self._of_claim[one].isdisjoint(self._of_claim[other])

    def tied(self, evidence: pl.DataFrame) -> set[tuple[int, int]]:
        """Pairs of events of one group, both ways round, that are one occasion of half the smaller one."""
        attended: dict[int, dict[str, list[str]]] = {}
        for event, buyer, claim in evidence.select("event", "buyer_id", "claim_id").iter_rows():
            attended.setdefault(event, {}).setdefault(buyer, []).append(claim)
        found = set()
        for x, y in combinations(sorted(attended), 2):
            both = sum(
                any(self.same(one, other) for one in attended[x][buyer] for other in attended[y][buyer])
                for buyer in attended[x].keys() & attended[y].keys()
            )
            if both and 2 * both >= min(len(attended[x]), len(attended[y])):
                found |= {(x, y), (y, x)}
        return found

    def of_group(self, evidence: pl.DataFrame) -> list[int]:
        """Events that chance does not explain, of which no two are tied: fewest ties first, then earliest."""
        tied, chosen = self.tied(evidence), list[int]()
        for event in self._in_turn(evidence, tied):
            if all((event, other) not in tied for other in chosen):
                chosen.append(event)
        return chosen

    def of_member(self, evidence: pl.DataFrame, buyer: str) -> int:
        """The same for the events of one member, of which no two claims are one occasion of the member."""
        tied, chosen = self.tied(evidence), list[tuple[int, str]]()
        own = evidence.filter(pl.col("buyer_id") == buyer).sort("filed_at")
        for event in self._in_turn(evidence, tied):
            for claim in own.filter(pl.col("event") == event)["claim_id"]:
                if all(
                    event != other and (event, other) not in tied and not self.same(claim, known)
                    for other, known in chosen
                ):
                    chosen.append((event, claim))
        return len(chosen)

    def of_claims(self, pairs: Iterable[tuple[str, str]]) -> int:
        """Count pairs of claims of two buyers, in the order given, of which no two share an occasion."""
        chosen: list[tuple[str, str]] = []
        for one, other in pairs:
            if not any(self.same(one, a) or self.same(other, b) for a, b in chosen):
                chosen.append((one, other))
        return len(chosen)

    def _in_turn(self, evidence: pl.DataFrame, tied: set[tuple[int, int]]) -> list[int]:
        counting = evidence.filter(~pl.col("weak"))["event"].unique().sort().to_list()
        return sorted(counting, key=lambda x: (sum((x, y) in tied for y in counting), x))
