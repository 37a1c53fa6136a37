"""The names of the extras: further ways in which rings work, and honest people who look like a ring."""

from enum import StrEnum

ALL = "all"
"""Stands for every extra."""


class ExtraPattern(StrEnum):
    """How a ring works that tries something new."""

    DECOY_ORDERS_3 = "decoy_orders_3"
    """Members order together three more times, and nobody claims for those orders."""
    DECOY_ORDERS_10 = "decoy_orders_10"
    """The same, ten times."""
    DECOY_ORDERS_20 = "decoy_orders_20"
    """The same, twenty times."""
    LATE_CLAIMS_30 = "late_claims_30"
    """Members order together and claim together a month later."""
    LATE_CLAIMS_70 = "late_claims_70"
    """The same, ten weeks later."""
    PARTIAL_CLAIMS = "partial_claims"
    """Members order in step and claim for about 55 % of it, each as they like."""
    CROWD = "crowd"
    """Two hundred strangers, each in a tenth of thirty hits that take days."""
    TWO_ACCOUNTS = "two_accounts"
    """Each member has two accounts, which act days apart."""
    WAVES_10 = "waves_10"
    """One merchant alone, struck in ten waves."""
    WAVES_6 = "waves_6"
    """The same, six waves."""
    WAVES_4 = "waves_4"
    """The same, four waves."""
    TWO_COUNTRIES = "two_countries"
    """Half the members live in another country and act at their own time of day."""
    HALF_YEAR = "half_year"
    """One hit every two or three weeks for half a year."""
    ROTATING_MEMBERS = "rotating_members"
    """The crew changes: each member takes part in some consecutive hits only."""
    LEADER_FOLLOWERS = "leader_followers"
    """One member claims first, the others one to five days later."""


class ExtraLookalike(StrEnum):
    """Why honest buyers may look like a ring, in ways a detector seldom meets."""

    LOST_SHIPMENT = "lost_shipment"
    """Friends ordered a bundle from several shops, lost one shipment and claim for it on one evening."""
    LOST_SHIPMENT_SCATTERED = "lost_shipment_scattered"
    """The same, but the claims are scattered over two to five days."""
    LOST_VAN = "lost_van"
    """One region, one day, many shops: strangers' parcels lost together, claimed in the next days."""
    DEAL_CLUB_15 = "deal_club_15"
    """People who order the same deals within hours all year; 15 % of the deals are faulty for everybody."""
    DEAL_CLUB_40 = "deal_club_40"
    """The same, but 40 % of the deals are faulty."""
    JOINT_PARCELS = "joint_parcels"
    """Households who order together and now and then lose a whole parcel."""
    SUBSCRIPTION_BOX = "subscription_box"
    """Subscribers of the same monthly boxes, now and then a bad one."""
    VIRAL_POST = "viral_post"
    """A "free refund" post makes a crowd of strangers claim against a few shops within days."""
    RESELLER = "reseller"
    """One buyer with very many orders and claims."""
    SMALL_OFFICE = "small_office"
    """Five to fifteen people, one address, shared shops."""


Extra = ExtraPattern | ExtraLookalike


def chosen_extras(names: tuple[str, ...], *, rings: bool) -> list[Extra]:
    """Return the extras of `names`, each once and in the order above; without `rings` look-alikes only.

    Names that are none of them are skipped: GeneratorOptions refuses them.
    """
    every: list[Extra] = [*(ExtraPattern if rings else ()), *ExtraLookalike]
    return [extra for extra in every if extra in names or ALL in names]
