"""Why a lead is not a ring: one sentence, with what the rule that refused it leaves and what a ring needs."""

from ringfence.detection.acceptance import half_of, of_two_occasions
from ringfence.detection.candidates import Candidate
from ringfence.detection.methods.identifiers.chance import meeting_evidence_given_orders
from ringfence.detection.methods.identifiers.meetings import (
    find_meetings,
    meetings_by_orders,
    untied_meetings,
)
from ringfence.detection.methods.waves.calendar import is_subscription
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.detection.soundness import (
    beyond_bad_goods,
    beyond_habit,
    beyond_one_cause,
    beyond_shopping,
    habit_bar,
    without_strongest,
)
from ringfence.detection.wording import below
from ringfence.domain.chance import chance_text
from ringfence.domain.leads import LeadKind
from ringfence.domain.rings import DetectionMethod

NOT_MEMBERS = "Not members of the ring: nothing shows them in step with it."
"""Why associates of a ring are a lead."""
_LEAST_SAID = 0.05
"""Decades from which a number of a digit is not 0.0."""
_ALL_AT_ONE = "what chance does not explain is all at one merchant; a ring needs two."
_OTHERS = {
    LeadKind.ONE_OCCASION: "too few of these buyers met the others often enough to rule out that somebody "
    "copied their claims.",
    LeadKind.ONE_MERCHANT: "without the merchant or occasion it rests on most, too little evidence is left.",
    LeadKind.SHARED_SHOPPING: "buyers who shop together may claim like this.",
    LeadKind.WEAK_EVIDENCE: "chance shows as strong a group too often.",
    LeadKind.ASSOCIATES: "these buyers share identifiers, and nothing shows them in step.",
    LeadKind.STRUCTURE: "times say nothing, and who claims where is not enough.",
}
"""What is said where no number shows it."""


def why_not(lead: Candidate, merchants: int, prepared: Prepared, parameters: Parameters) -> str:
    """Say why `lead` is no ring; what chance does not explain of it is at so many `merchants`.

    Numbers are those of the lead as it is published: buyers whom no telling event ties to the others were
    left out since it was refused.
    """
    return f"Not a ring: {_because(lead, merchants, prepared, parameters)}"


def _because(lead: Candidate, merchants: int, prepared: Prepared, parameters: Parameters) -> str:
    bar, highest = parameters.ring_score, parameters.calibration.ring_p_value
    kind = lead.refusal or LeadKind.WEAK_EVIDENCE
    if lead.p_value is not None and lead.p_value > highest:
        return (
            f"a marketplace of this shape without rings shows as strong a group with a chance of "
            f"{chance_text(lead.p_value)}, more than the {highest:g} that a ring may have."
        )
    said = None
    if kind is LeadKind.ONE_MERCHANT:
        said = _at_one_merchant(lead, merchants, prepared, bar)
    elif kind is LeadKind.ONE_OCCASION:
        said = _on_one_occasion(lead, merchants, prepared)
    elif kind is LeadKind.SHARED_SHOPPING:
        said = _shopping_together(lead, prepared, parameters)
    return said or _OTHERS[kind]


def _at_one_merchant(lead: Candidate, merchants: int, prepared: Prepared, bar: float) -> str | None:
    if lead.method is DetectionMethod.WAVES:
        return "all of it is at one merchant, and the orders behind these claims are not known."
    if merchants == 1:
        return _ALL_AT_ONE
    if lead.method is DetectionMethod.IDENTIFIERS:
        return "without the merchant it rests on most, nothing is left of the evidence."
    left = without_strongest(lead, prepared)
    return _left("without the merchant or occasion it rests on most", left, bar)


def _on_one_occasion(lead: Candidate, merchants: int, prepared: Prepared) -> str | None:
    """Say how many of a lead's buyers met the others on two occasions; None if they are enough."""
    if merchants == 1:
        return _ALL_AT_ONE
    if lead.method is DetectionMethod.IDENTIFIERS:
        return "of what was done on one occasion one claim counts, and then too little evidence is left."
    often = int(of_two_occasions(prepared.timeline, prepared.yardstick, lead.members).sum())
    needed = half_of(len(lead.members))
    if often >= needed:
        return None
    have = f"{often or 'none'} of these {len(lead.members)} buyers {'has' if often < 2 else 'have'}"
    return f"{have} joint claims at two merchants on two separate occasions; a ring needs {needed} who do."


def _shopping_together(lead: Candidate, prepared: Prepared, parameters: Parameters) -> str | None:
    """Say what shopping together leaves, by the first rule that leaves too little."""
    if lead.method is DetectionMethod.WAVES:
        return (
            "these waves keep a calendar, as deliveries do, or these buyers claimed for too small a part of "
            "what they ordered there."
        )
    bar, highest = parameters.ring_score, parameters.orders.honest_fault_rate
    if prepared.orders is not None:
        left = _beyond_orders(lead, prepared, parameters)
        if (said := _left("these buyers order together, and given that", left, bar)) is not None:
            return said
        left = beyond_bad_goods(lead, prepared, parameters)
        group = "a household" if lead.shares else "a club"
        given = f"up to {100.0 * highest:g}% of what {group} orders together may be bad, and given that"
        if (said := _left(given, left, bar)) is not None:
            return said
    else:
        needed = habit_bar(lead, parameters)
        closer = beyond_habit(lead, prepared)
        if closer < min(needed, _LEAST_SAID):
            return (
                "no orders are known, and these claims lie no closer together than those of buyers who shop "
                "together."
            )
        if closer < needed:
            return (
                "no orders are known, and these claims lie closer together than those of buyers who shop "
                f"together by only {below(closer, needed)} decades; a ring needs {needed:g}."
            )
    left = beyond_one_cause(lead, prepared)
    if (said := _left("if one cause hit all that these buyers ordered together", left, bar)) is not None:
        return said
    if is_subscription(prepared, lead.members):
        return "these buyers met on dates that keep a calendar, as subscribers to the same boxes do."
    if prepared.orders is not None:
        return None
    needed = bar + parameters.identifiers.without_orders
    if lead.method is DetectionMethod.IDENTIFIERS and lead.score < needed:
        return (
            f"no orders are known, and {below(lead.score, needed)} decades are less than the {needed:g} that "
            "buyers who share an identifier need then."
        )
    return "no orders are known, and buyers who shop together may claim like this."


def _beyond_orders(lead: Candidate, prepared: Prepared, parameters: Parameters) -> float:
    """Give the decades left of a lead given its orders: of groups that share a value, those of meetings."""
    if lead.method is not DetectionMethod.IDENTIFIERS:
        return beyond_shopping(lead, prepared, parameters)
    met = find_meetings(prepared.timeline, prepared.yardstick, lead.members)
    met = met.take(untied_meetings(prepared.timeline, met))
    by_orders = meetings_by_orders(prepared.exposure, lead.members)
    nats = float(met.nats.sum())
    left = meeting_evidence_given_orders(met.expected, nats, len(met.nats), by_orders)
    return left - (lead.among or 0.0)


def _left(given: str, left: float, needed: float) -> str | None:
    """Say that too little is left; None if it is enough."""
    if left >= needed:
        return None
    if left < _LEAST_SAID:
        return f"{given}, nothing is left of the evidence; a ring needs {needed:g} decades."
    return f"{given}, {below(left, needed)} decades are left; a ring needs {needed:g}."
