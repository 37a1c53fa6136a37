"""Why a ring, a lead, a member or a link: one sentence each, every number of which its rows give again.

Only telling events are counted, and "strangers" are those that chance would put there.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.detection.findings import Finding
from ringfence.detection.links import Link
from ringfence.detection.prepare import Prepared
from ringfence.detection.shared_values import Holding, best_by_kind, count_sharers, held_by_all
from ringfence.detection.wording import (
    NOUN,
    Group,
    article,
    count,
    duration,
    duration_at_most,
    listed,
    number,
)
from ringfence.domain.rings import DetectionMethod
from ringfence.market import Longs

_MOST_RECORDS = 4
"""Coincidences that a link's sentence names; the rest are counted."""
_PRESENCE = (DetectionMethod.WAVES, DetectionMethod.STRUCTURE)
"""Methods that count who was there, not how near in time."""


class Reasons:
    """Puts the evidence of one marketplace into words."""

    def __init__(self, prepared: Prepared, claim_ids: pl.Series, merchant_ids: pl.Series) -> None:
        self._prepared, self._claim_ids, self._merchant_ids = prepared, claim_ids, merchant_ids

    def of_group(self, found: Finding, group: Group) -> str:
        """Say what a ring or a lead rests on."""
        parts = [self._together(found), self._chance(found, group)]
        if found.method is DetectionMethod.BLOCKS:
            parts.append(_attendance(self._prepared, found, group))
        elif found.method is DetectionMethod.IDENTIFIERS:
            parts.append("they were compared because they share an identifier")
        inside = best_by_kind(self._prepared, found.members, found.members, 2)
        shared = [_of_them(self._prepared, holding) for holding in inside]
        parts.append("they share " + listed(shared) if shared else "they share no identifier")
        in_all = count_sharers(self._prepared, found.members)
        if inside and in_all > inside[0].inside:
            parts[-1] += f", and in all {in_all} of them share an identifier with another"
        return "; ".join(parts) + f". Evidence: {found.score:.1f} decades."

    def of_member(self, found: Finding, place: int, group: Group) -> str:
        """Say what puts the member of a ring, or the buyer of a lead, at `place` of a finding there."""
        timeline = self._prepared.timeline
        member = int(found.members[place])
        claims, events = found.joint.claim[found.telling], found.joint.event[found.telling]
        is_own = timeline.buyer[claims] == member
        joint = int(is_own.sum())
        filed = int(timeline.buyer_start[member + 1] - timeline.buyer_start[member])
        verb = "lies" if joint == 1 else "lie"
        text = f"{joint} of this buyer's {count(filed, 'claim')} {verb} "
        if found.method is DetectionMethod.WAVES:
            text += f"in {_distinct(events[is_own])} of the {group}'s {count(_distinct(events), 'wave')}"
        else:
            at, of = _distinct(timeline.merchant[claims[is_own]]), _distinct(timeline.merchant[claims])
            if found.method is DetectionMethod.STRUCTURE:
                text += f"at {at} of the {count(of, 'merchant')} that its {NOUN[group]}s have in common"
            else:
                text += f"in the {group}'s joint events, at {at} of its {count(of, 'merchant')}"
        if found.support.member_occasions is not None:
            occasions = int(found.support.member_occasions[place])
            text += f", on {count(occasions, 'separate occasion')}"
        if joint:
            middle = number(float(np.median(found.joint.strangers[found.telling][is_own])))
            others_there = f"other {NOUN[group]}s there"
            who = others_there if found.method in _PRESENCE else "strangers' claims as near"
            text += f"; for the median one, chance would put {middle} {who}"
        others = found.members[found.members != member]
        shared = [
            f"{article(self._prepared.shared_kinds[holding.kind])} with {_others(holding.inside, group)} "
            f"({_held(holding.holders)})"
            for holding in best_by_kind(self._prepared, np.array([member]), others, 1)
        ]
        return f"{text}; shares {listed(shared)}." if shared else f"{text}."

    def of_link(self, link: Link) -> str:
        """Say why two buyers are linked."""
        timeline = self._prepared.timeline
        named = []
        for a, b, strangers in zip(
            link.claims_a[:_MOST_RECORDS], link.claims_b[:_MOST_RECORDS], link.strangers, strict=False
        ):
            apart = abs(float(timeline.day[a] - timeline.day[b]))
            where = self._merchant_ids[int(timeline.merchant[a])]
            near = duration_at_most(max(apart, self._prepared.times.grain_days))
            named.append(
                f"{self._claim_ids[int(a)]} and {self._claim_ids[int(b)]} at {where} within {near} "
                f"({number(float(strangers))} strangers expected as near)"
            )
        more = len(link.claims_a) - len(named)
        text = (
            f"Claims at {count(len(link.claims_a), 'merchant')} together, on "
            f"{count(link.occasions, 'separate occasion')}: " + ", ".join(named)
        )
        if more > 0:
            text += f" and at {more} more"
        shared = [
            f"{article(self._prepared.shared_kinds[kind])} {_held(holders)}"
            for kind, holders in held_by_all(self._prepared, link.a, link.b)
        ]
        text += f"; both use {listed(shared)}" if shared else "; nothing shared"
        return f"{text}. Evidence: {link.score:.1f} decades."

    def _together(self, found: Finding) -> str:
        """Say who claimed where, how often, and how close together."""
        claims, events = found.joint.claim[found.telling], found.joint.event[found.telling]
        merchants = np.unique(self._prepared.timeline.merchant[claims])
        buyers = count(len(found.members), "buyer")
        filed = f"{buyers} filed {count(len(claims), 'claim')}"
        if found.method is DetectionMethod.STRUCTURE:
            return f"{filed} against {count(len(merchants), 'merchant')} that others of them claimed against"
        what = "wave" if found.method is DetectionMethod.WAVES else "event"
        joint = count(_distinct(events), what if what == "wave" else "joint event")
        occasions = f"({count(found.support.occasions or 0, 'separate occasion')})"
        if found.method is DetectionMethod.WAVES:
            name = self._merchant_ids[int(merchants[0])] if len(merchants) else "none"
            text = f"{filed} together in {joint} at one merchant, {name} {occasions}"
        else:
            text = f"{filed} together against {count(len(merchants), 'merchant')} in {joint} {occasions}"
        return text + self._lasted(claims, events, what)

    def _lasted(self, claims: Longs, events: Longs, what: str) -> str:
        """Say how long the events took: half of them, and the longest."""
        if not len(claims):
            return ""
        grain = self._prepared.times.grain_days
        day = self._prepared.timeline.day[claims]
        first, last = np.full(int(events.max()) + 1, np.inf), np.full(int(events.max()) + 1, -np.inf)
        np.minimum.at(first, events, day)
        np.maximum.at(last, events, day)
        took = np.maximum((last - first)[np.unique(events)], grain)
        if len(took) == 1:
            return f", which takes {duration(float(took[0]))}"
        return (
            f": half of the {what}s lie within {duration_at_most(float(np.median(took)))}, the longest takes "
            f"{duration(float(took.max()))}"
        )

    def _chance(self, found: Finding, group: Group) -> str:
        """Say what chance makes of the median claim."""
        if not len(found.telling):
            return "chance explains every event"
        middle = number(float(np.median(found.joint.strangers[found.telling])))
        if found.method is DetectionMethod.STRUCTURE:
            return f"chance would put {middle} other {NOUN[group]}s where the median claim is"
        if found.method is DetectionMethod.WAVES:
            return f"chance would put {middle} other {NOUN[group]}s into the wave of the median claim"
        return f"chance would put {middle} strangers' claims as near as the median one"


def _attendance(prepared: Prepared, found: Finding, group: Group) -> str:
    """Say in how many of the events the buyers of a block were."""
    claims, events = found.joint.claim[found.telling], found.joint.event[found.telling]
    member = np.searchsorted(found.members, prepared.timeline.buyer[claims])
    pairs = np.unique(member * (int(events.max(initial=0)) + 1) + events)
    attended = np.bincount(pairs // (int(events.max(initial=0)) + 1), minlength=len(found.members))
    return f"half of the {NOUN[group]}s were in {np.median(attended):g} of the events or more"


def _others(amount: int, group: Group) -> str:
    return count(amount, "member") if group == "ring" else f"{count(amount, 'other')} of the lead"


def _of_them(prepared: Prepared, holding: Holding) -> str:
    return (
        f"{article(prepared.shared_kinds[holding.kind])} ({holding.inside} of them, {_held(holding.holders)})"
    )


def _held(holders: int) -> str:
    return f"held by {holders} buyers who claim"


def _distinct(values: NDArray[np.generic]) -> int:
    return len(np.unique(values))
