"""Whether a candidate is a ring, or why it is not."""

import math

from ringfence.detection.acceptance import covers_two_occasions, strongest_share
from ringfence.detection.candidates import Candidate
from ringfence.detection.habit import evidence_beyond_habit
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.detection.shopping import (
    BadGoods,
    evidence_beyond_bad_goods,
    evidence_beyond_one_cause,
    evidence_beyond_shopping,
)
from ringfence.detection.tail import MOST_DECADES
from ringfence.domain.leads import LeadKind
from ringfence.domain.rings import DetectionMethod

_CLUB_UNITS = 2
"""Joint units nobody claimed for that show that a group orders together."""
_EVENING = 1.0
"""Days. Strangers' claims nearer than this count as this near here: everybody files in the evening."""
_MORE_THAN_BAD_LUCK = 1.0
"""Decades from which a group claimed for more joint units than bad goods explain."""


def refusal(candidate: Candidate, prepared: Prepared, parameters: Parameters) -> LeadKind | None:
    """Say why a candidate of enough evidence is no ring; None if it is one.

    Half its members need joint claims at two merchants on two occasions, and what is left of its evidence
    without the strongest merchant, and given its orders, must reach the ring score too; it must not claim
    like a club or a household with bad goods. Where no orders are known, claims must lie closer together than
    shopping together would put them.

    Members of identifier groups met once each, so those groups are judged as groups, by their own method.
    A block in which no pair stood pays once for being singled out from all buyers.
    """
    bar = parameters.ring_score
    if candidate.score < bar:
        return LeadKind.WEAK_EVIDENCE
    if candidate.method is not DetectionMethod.IDENTIFIERS:
        if not covers_two_occasions(prepared.timeline, prepared.yardstick, candidate.members):
            return LeadKind.ONE_OCCASION
        if without_strongest(candidate, prepared) < bar:
            return LeadKind.ONE_MERCHANT
        if beyond_shopping(candidate, prepared, parameters) < bar:
            return LeadKind.SHARED_SHOPPING
    if beyond_bad_goods(candidate, prepared, parameters) < bar:
        return LeadKind.SHARED_SHOPPING
    if prepared.orders is None and beyond_habit(candidate, prepared) < habit_bar(candidate, parameters):
        return LeadKind.SHARED_SHOPPING
    return LeadKind.SHARED_SHOPPING if beyond_one_cause(candidate, prepared) < bar else None


def strength(candidate: Candidate, prepared: Prepared, parameters: Parameters) -> float:
    """Give the decades by which a candidate that passed the rules, at whatever bar, is held against chance.

    They are what is left without the strongest merchant. If its orders leave less than the ring score, so
    that it is no ring, only what they leave counts: companions who order together reach any score by chance.
    Methods that judge by rules of their own say all in the score.
    """
    if candidate.method in (DetectionMethod.WAVES, DetectionMethod.STRUCTURE):
        return candidate.score
    decades = candidate.score - _unseeded(candidate, prepared)
    left = min(beyond_one_cause(candidate, prepared), beyond_bad_goods(candidate, prepared, parameters))
    if prepared.orders is None and beyond_habit(candidate, prepared) < habit_bar(candidate, parameters):
        left = min(left, 0.0)
    if candidate.method is not DetectionMethod.IDENTIFIERS:
        decades = min(decades, without_strongest(candidate, prepared))
        left = min(left, beyond_shopping(candidate, prepared, parameters))
    return decades if left >= parameters.ring_score else min(decades, left)


def without_strongest(candidate: Candidate, prepared: Prepared) -> float:
    """Give the decades left without the merchant or occasion that a candidate rests on most."""
    share = strongest_share(prepared.timeline, prepared.yardstick, candidate.members)
    return (candidate.score - _unseeded(candidate, prepared)) * (1.0 - share)


def beyond_shopping(candidate: Candidate, prepared: Prepared, parameters: Parameters) -> float:
    """Give the decades left of each member's claims given what the group ordered together.

    Strangers who claim for more of it than bad goods explain are judged by how much more, and by how close
    their claims lie.
    """
    left = evidence_beyond_shopping(
        prepared.timeline, prepared.sharing, prepared.exposure, prepared.yardstick, candidate.members
    )
    left -= _unseeded(candidate, prepared)
    if left >= parameters.ring_score or candidate.shares:
        return left
    club = _beside_a_club(candidate, prepared, parameters)
    return max(left, club.too_many + club.too_close) if club.too_many >= _MORE_THAN_BAD_LUCK else left


def beyond_bad_goods(candidate: Candidate, prepared: Prepared, parameters: Parameters) -> float:
    """Give the decades left if a candidate is a club or a household that now and then shares bad goods.

    Such have at least `_CLUB_UNITS` joint orders nobody claimed for.
    """
    if prepared.orders is None:
        return MOST_DECADES
    club = _beside_a_club(candidate, prepared, parameters)
    if club.spared < _CLUB_UNITS:
        return MOST_DECADES
    return club.too_many + club.too_close


def _beside_a_club(candidate: Candidate, prepared: Prepared, parameters: Parameters) -> BadGoods:
    yardstick = prepared.yardstick
    if candidate.shares:
        yardstick = yardstick._replace(habit=yardstick.household)
    else:
        yardstick = yardstick._replace(closest=max(yardstick.closest, _EVENING))
    return evidence_beyond_bad_goods(
        prepared.timeline,
        prepared.exposure,
        yardstick,
        candidate.members,
        parameters.orders.honest_fault_rate,
    )


def beyond_habit(candidate: Candidate, prepared: Prepared) -> float:
    """Give the decades by which claims lie closer than those of buyers who order together."""
    return evidence_beyond_habit(prepared.timeline, prepared.yardstick, candidate.members)


def habit_bar(candidate: Candidate, parameters: Parameters) -> float:
    """Give the decades that `beyond_habit` must reach without orders; who shares a value needs more."""
    rules = parameters.orders
    return rules.habit_score + (rules.household_score if candidate.shares else 0.0)


def beyond_one_cause(candidate: Candidate, prepared: Prepared) -> float:
    """Give the decades left if whatever the group ordered together is lost to all of them at once."""
    return evidence_beyond_one_cause(
        prepared.timeline,
        prepared.exposure,
        prepared.yardstick,
        candidate.members,
        candidate.score,
        candidate.shares,
        math.log10(prepared.buyers) if candidate.among is None else candidate.among,
        prepared.household_loss_rate if candidate.shares else prepared.exposure.rate,
    )


def _unseeded(candidate: Candidate, prepared: Prepared) -> float:
    """Give the decades that a candidate pays that was singled out from all buyers, without a pair."""
    return math.log10(prepared.buyers) if candidate.among is None else 0.0
