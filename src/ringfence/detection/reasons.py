"""Why a ring, a member or a link: one sentence each, with its numbers and the records behind it."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.detection.joint import JointClaims
from ringfence.detection.links import Link
from ringfence.detection.sharing import Sharing
from ringfence.detection.timeline import Timeline
from ringfence.detection.times import Times

_MOST_RECORDS = 4
"""Coincidences that a link's sentence names; the rest are counted."""


class Reasons:
    """Puts the evidence of one marketplace into words."""

    def __init__(
        self,
        timeline: Timeline,
        sharing: Sharing,
        kinds: Sequence[str],
        hub: int,
        times: Times,
        claim_ids: pl.Series,
        merchant_ids: pl.Series,
    ) -> None:
        self._timeline, self._sharing, self._kinds, self._hub = timeline, sharing, kinds, hub
        self._times, self._claim_ids, self._merchant_ids = times, claim_ids, merchant_ids
        self._holders = np.diff(sharing.holder_start)

    def of_ring(self, members: NDArray[np.int64], joint: JointClaims, score: float) -> str:
        """Say why `members` are a ring."""
        merchants = len(np.unique(self._timeline.merchant[joint.claim]))
        parts = [
            f"{len(members)} buyers filed {len(joint.claim)} claims together against "
            f"{merchants} merchants{self._spread(joint)}"
        ]
        parts.append(
            f"chance would put {_number(float(np.median(joint.strangers)))} strangers' claims as near as the "
            "median one"
        )
        parts.append(self._shared_in(members))
        return "; ".join(parts) + f". Evidence: {score:.1f} decades."

    def of_member(self, member: int, members: NDArray[np.int64], joint: JointClaims) -> str:
        """Say why `member` belongs to the ring of `members`."""
        own = self._timeline.buyer[joint.claim] == member
        filed = int(self._timeline.buyer_start[member + 1] - self._timeline.buyer_start[member])
        merchants = len(np.unique(self._timeline.merchant[joint.claim[own]]))
        all_merchants = len(np.unique(self._timeline.merchant[joint.claim]))
        text = (
            f"{int(own.sum())} of this buyer's {_count(filed, 'claim')} lie in the ring's joint events, "
            f"at {merchants} of its {all_merchants} merchants"
        )
        if own.any():
            text += f"; chance would put {_number(float(np.median(joint.strangers[own])))} strangers as near"
        shared = self._shared_with(member, members)
        return f"{text}; {shared}." if shared else f"{text}."

    def of_link(self, link: Link) -> str:
        """Say why two buyers are linked."""
        named = []
        for a, b, strangers in zip(
            link.claims_a[:_MOST_RECORDS], link.claims_b[:_MOST_RECORDS], link.strangers, strict=False
        ):
            apart = abs(float(self._timeline.day[a] - self._timeline.day[b]))
            where = self._merchant_ids[int(self._timeline.merchant[a])]
            named.append(
                f"{self._claim_ids[int(a)]} and {self._claim_ids[int(b)]} at {where}{self._within(apart)} "
                f"({_number(float(strangers))} strangers expected as near)"
            )
        more = len(link.claims_a) - len(named)
        text = f"Claims at {_count(len(link.claims_a), 'merchant')} together: " + ", ".join(named)
        if more > 0:
            text += f" and at {more} more"
        shared = self._shared_values([link.a, link.b])
        text += f"; both use {_list(shared)}" if shared else "; nothing shared"
        return f"{text}. Evidence: {link.score:.1f} decades."

    def _spread(self, joint: JointClaims) -> str:
        events = int(joint.event.max()) + 1 if len(joint.event) else 0
        if not self._times.tell_when:
            return ""
        day = self._timeline.day[joint.claim]
        first = np.full(events, np.inf)
        last = np.zeros(events)
        np.minimum.at(first, joint.event, day)
        np.maximum.at(last, joint.event, day)
        middle = float(np.median(last - first))
        return f" in {_count(events, 'joint event')}{self._within(middle, 'each within about ')}"

    def _within(self, days: float, words: str = "within ") -> str:
        if not self._times.tell_when:
            return ""
        comma = ", " if words != "within " else " "
        return f"{comma}{words}{_duration(max(days, self._times.grain_days))}"

    def _shared_values(self, buyers: Sequence[int]) -> list[str]:
        """Name the values all `buyers` use, rarest first."""
        sharing = self._sharing
        lists = [sharing.value[sharing.value_start[b] : sharing.value_start[b + 1]] for b in buyers]
        common = set(lists[0].tolist()).intersection(*(values.tolist() for values in lists[1:]))
        return [
            f"{_article(self._kinds[sharing.kind[value]])} held by {self._holders[value]} buyers"
            for value in sorted(common)
            if self._holders[value] <= self._hub
        ]

    def _shared_in(self, members: NDArray[np.int64]) -> str:
        """Name what two members or more share, by kind."""
        held: dict[int, int] = {}
        for member in members.tolist():
            first, end = self._sharing.value_start[member], self._sharing.value_start[member + 1]
            for value in self._sharing.value[first:end].tolist():
                if self._holders[value] <= self._hub:
                    held[value] = held.get(value, 0) + 1
        best: dict[str, tuple[int, int]] = {}
        for value, count in held.items():
            kind = self._kinds[self._sharing.kind[value]]
            offer = (count, -int(self._holders[value]))
            if count >= 2 and offer > best.get(kind, (0, 0)):
                best[kind] = offer
        if not best:
            return "they share no identifier"
        named = [
            f"{_article(kind)} ({count} of them, held by {-holders} buyers in all)"
            for kind, (count, holders) in sorted(best.items(), key=lambda item: (-item[1][0], item[0]))
        ]
        return "they share " + _list(named)

    def _shared_with(self, member: int, members: NDArray[np.int64]) -> str:
        inside = set(members.tolist()) - {member}
        best: dict[str, tuple[int, int]] = {}
        first, end = self._sharing.value_start[member], self._sharing.value_start[member + 1]
        for value in self._sharing.value[first:end].tolist():
            if self._holders[value] > self._hub:
                continue
            start, stop = self._sharing.holder_start[value], self._sharing.holder_start[value + 1]
            count = len(inside.intersection(self._sharing.holder[start:stop].tolist()))
            kind = self._kinds[self._sharing.kind[value]]
            if count and (count, -int(self._holders[value])) > best.get(kind, (0, 0)):
                best[kind] = (count, -int(self._holders[value]))
        if not best:
            return ""
        return "shares " + _list(
            [
                f"{_article(kind)} with {_count(count, 'member')} (held by {-holders} buyers in all)"
                for kind, (count, holders) in sorted(best.items(), key=lambda item: (-item[1][0], item[0]))
            ]
        )


def _duration(days: float) -> str:
    if days >= 2.0:
        return f"{days:.1f} days"
    hours = days * 24.0
    if hours >= 1.0:
        return f"{hours:.1f} h"
    return f"{max(hours * 60.0, 1.0):.0f} min"


def _number(value: float) -> str:
    return f"{value:.1f}" if value >= 1.0 else f"{value:.2g}"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _list(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]
