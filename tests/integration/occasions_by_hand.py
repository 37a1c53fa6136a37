"""Occasions worked out by hand from the tables of a run and the claims and orders behind it."""

from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta
from itertools import combinations

import polars as pl

ACT, CHECKOUT = timedelta(days=1), timedelta(hours=1)


class Occasions:
    """Which claims of one buyer are one act or one checkout, in a marketplace of claims and orders."""

    def __init__(self, claims: pl.DataFrame, orders: pl.DataFrame | None) -> None:
        self._of_claim: dict[str, set[Hashable]] = {claim: set() for claim in claims["claim_id"]}
        rows = claims.select("buyer_id", "filed_at", "merchant_id", "claim_id").sort("filed_at")
        for (buyer,), own in rows.group_by("buyer_id"):
            self._number((buyer, "act"), own.select("filed_at", "claim_id").iter_rows(), ACT)
        if orders is None:
            return
        placed: dict[tuple[str, str], list[datetime]] = {}
        for buyer, merchant, at in orders.select("buyer_id", "merchant_id", "ordered_at").iter_rows():
            placed.setdefault((buyer, merchant), []).append(at)
        bought: dict[str, list[tuple[datetime, str]]] = {}
        for buyer, at, merchant, claim in rows.iter_rows():
            waiting = placed.get((buyer, merchant), [])
            earlier = [order for order in waiting if order <= at]
            if earlier:
                waiting.remove(max(earlier))
                bought.setdefault(buyer, []).append((max(earlier), claim))
        for buyer, goods in bought.items():
            self._number((buyer, "checkout"), sorted(goods), CHECKOUT)

    def _number(self, of: Hashable, moments: Iterable[tuple[datetime, str]], width: timedelta) -> None:
        """Number windows that begin with the first moment that no earlier one holds."""
        first: datetime | None = None
        for at, claim in moments:
            if first is None or at - first >= width:
                first = at
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
