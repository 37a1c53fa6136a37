"""The shortest chain between two buyers, searched from both ends."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ringfence.domain.errors import InvalidError
from ringfence.domain.paths import MOST_CLAIMANTS, MOST_HOPS, MOST_USERS, BuyerPath, PathStep, TieKind
from ringfence.domain.scope import PLATFORM, Principal
from ringfence.services.access import STAFF, require
from ringfence.services.read_buyers import BuyerUnknownError
from ringfence.store import Store

_AT_ONCE = 200
"""Buyers whose ties are asked for together."""
_MOST_BUYERS = 5_000
"""So many buyers a search may come by."""
_MOST_SECONDS = 2.0


def find_path(
    store: Store,
    principal: Principal,
    from_buyer_id: str,
    to_buyer_id: str,
    hops: int = MOST_HOPS,
    seconds: float = _MOST_SECONDS,
    most_buyers: int = _MOST_BUYERS,
) -> BuyerPath:
    """Search for a shortest chain of what few share: of up to `hops` steps, for up to `seconds`, and among
    about `most_buyers`.

    Buyers are tied by links of the published run, by values that few use, and by merchants at whom few
    claimed; between the same two, by the first of these. Raises ForbiddenError for all but staff,
    BuyerUnknownError, InvalidError for one buyer twice or for hops not from 1 to 6.
    """
    require(principal, STAFF, "paths")
    if from_buyer_id == to_buyer_id:
        raise InvalidError(f"Both ends are {to_buyer_id}; name two buyers.")
    if not 1 <= hops <= MOST_HOPS:
        raise InvalidError(f"A path of {hops} hops cannot be asked for; ask for 1 to {MOST_HOPS}.")
    deadline = time.monotonic() + seconds
    with store.snapshot():
        known = store.market.sighted((from_buyer_id, to_buyer_id), PLATFORM)
        for buyer_id in (from_buyer_id, to_buyer_id):
            if buyer_id not in known:
                raise BuyerUnknownError(buyer_id)
        here, there = _Side(from_buyer_id), _Side(to_buyer_id)
        for _ in range(hops):
            near, far = (here, there) if len(here.edge) <= len(there.edge) else (there, here)
            is_whole = near.grow(store, most_buyers - len(far.depth), deadline)
            met = min(((far.depth[one], one) for one in near.edge if one in far.depth), default=None)
            if met is not None:
                steps = (*here.way(met[1]), *map(_turned, reversed(there.way(met[1]))))
                return BuyerPath(steps, _seen(here, there), not is_whole)
            if not is_whole or not near.edge:
                return BuyerPath((), _seen(here, there), not is_whole)
        return BuyerPath((), _seen(here, there), False)


class _Side:
    """What was reached from one end, each buyer by a shortest way."""

    def __init__(self, origin: str) -> None:
        self.depth = {origin: 0}
        self.edge = [origin]
        """Those reached last."""
        self._came: dict[str, PathStep] = {}

    def grow(self, store: Store, most: int, deadline: float) -> bool:
        """Take one more step everywhere; tell whether there was room and time for all of it."""
        reached: list[str] = []
        edge, self.edge = self.edge, reached
        for begin in range(0, len(edge), _AT_ONCE):
            if len(self.depth) >= most or time.monotonic() > deadline:
                return False
            for step in _steps(store, edge[begin : begin + _AT_ONCE]):
                if step.to_buyer_id not in self.depth:
                    self.depth[step.to_buyer_id] = self.depth[step.from_buyer_id] + 1
                    self._came[step.to_buyer_id] = step
                    reached.append(step.to_buyer_id)
        return True

    def way(self, buyer_id: str) -> list[PathStep]:
        """Give the steps from the end to a buyer."""
        steps: list[PathStep] = []
        while buyer_id in self._came:
            steps.append(self._came[buyer_id])
            buyer_id = steps[-1].from_buyer_id
        return steps[::-1]


def _steps(store: Store, buyer_ids: Sequence[str]) -> Iterator[PathStep]:
    """Give the steps from buyers, those that say most first."""
    asked = set(buyer_ids)
    for link in store.rings.links_from(buyer_ids):
        for one, other in ((link.buyer_a, link.buyer_b), (link.buyer_b, link.buyer_a)):
            if one in asked:
                yield PathStep(one, other, TieKind.LINK, None, link.score, link.why)
    for shared in store.market.shared_by(buyer_ids, MOST_USERS, MOST_CLAIMANTS):
        held = len(shared.holders)
        what = (
            f"both claimed at {shared.name}, where {held} buyers claimed"
            if shared.kind is TieKind.MERCHANT
            else f"both use {shared.kind.value} {shared.name}, which {held} buyers use"
        )
        one = next(holder for holder in shared.holders if holder in asked)
        for other in shared.holders:
            if other != one:
                yield PathStep(one, other, shared.kind, shared.name, None, what)


def _turned(step: PathStep) -> PathStep:
    return replace(step, from_buyer_id=step.to_buyer_id, to_buyer_id=step.from_buyer_id)


def _seen(here: _Side, there: _Side) -> int:
    return len(here.depth.keys() | there.depth.keys())
