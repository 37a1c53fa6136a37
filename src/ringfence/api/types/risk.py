"""Buyers' risk."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import strawberry

from ringfence.api.loaders import Asking, BuyerBatch
from ringfence.api.types.scalars import Time
from ringfence.domain import risk
from ringfence.domain.risk import Language, RiskBand
from ringfence.services import buyer_risk

if TYPE_CHECKING:
    from ringfence.api.types.buyer import Buyer

AsOf = Annotated[
    Time | None,
    strawberry.argument(
        description="A past moment: what was known then is told, as far back as runs are kept; now if null."
    ),
]
InLanguage = Annotated[Language, strawberry.argument(description="In which language reasons are told.")]


@strawberry.type
class RiskSignal:
    """What one signal says of a buyer."""

    signal: str = strawberry.field(description="Its name, the same in every language, such as `ring`.")
    weight: float | None = strawberry.field(
        description="Its weight in decades: each one makes the odds of abuse ten times as large; below 0 it "
        "speaks for the buyer; null where it is not to be disclosed."
    )
    explanation: str = strawberry.field(description="What the signal is, in words.")
    reason: str = strawberry.field(
        description="What it rests on for this buyer, in words; to a merchant's key its explanation."
    )
    would_lower: str | None = strawberry.field(
        description="What would lower it, in words; null where it does not speak against the buyer."
    )

    @classmethod
    def of(cls, reading: risk.SignalReading) -> "RiskSignal":
        """Answer what a signal says."""
        return cls(
            signal=reading.signal,
            weight=reading.weight,
            explanation=reading.explanation,
            reason=reading.reason,
            would_lower=reading.would_lower,
        )


@strawberry.type
class BuyerRisk:
    """How much of a risk a buyer is at a moment, and why. It blocks nobody: a person decides."""

    buyer_id: strawberry.ID = strawberry.field(description="The marketplace's own id of the buyer.")
    band: RiskBand = strawberry.field(description="How the buyer is to be treated.")
    probability: float | None = strawberry.field(
        description="That the buyer abuses refunds, 0 to 1, whatever the band says."
    )
    signals: list[RiskSignal] = strawberry.field(
        description="The signals that say anything of the buyer, strongest first; to a merchant's key by "
        "name, and none that tells of fewer than three merchants."
    )
    as_of: Time = strawberry.field(description="What was known then is what it rests on.")
    run_id: int = strawberry.field(
        description="Number of the run it was worked out with; 0 before the first run."
    )
    policy: str = strawberry.field(description="Version and fingerprint of the policy it was weighed by.")
    verification_id: strawberry.ID | None = strawberry.field(
        description="The verification that the band rests on; null unless that is CONFIRMED or CLEARED."
    )
    _buyers: strawberry.Private[BuyerBatch]

    @strawberry.field
    def buyer(self) -> Annotated["Buyer", strawberry.lazy("ringfence.api.types.buyer")]:
        """The buyer, with the claims and reports that whoever asks may see."""
        from ringfence.api.types.buyer import Buyer

        return Buyer.of(self._buyers.of(self.buyer_id), self._buyers)

    @classmethod
    def of(cls, found: risk.BuyerRisk, buyers: BuyerBatch) -> "BuyerRisk":
        """Answer a risk; `buyers` finds those of all that are listed together."""
        return cls(
            buyer_id=strawberry.ID(found.buyer_id),
            band=found.band,
            probability=found.probability,
            signals=[RiskSignal.of(reading) for reading in found.readings],
            as_of=Time(found.as_of),
            run_id=found.run_id,
            policy=found.policy,
            verification_id=None if found.verification_id is None else strawberry.ID(found.verification_id),
            _buyers=buyers,
        )


def one_risk(asking: Asking, buyer_id: str, as_of: int | None, language: Language) -> BuyerRisk:
    """Answer the risk of one buyer, as far as whoever asks may know of it."""
    found = buyer_risk.buyer_risk(
        asking.store, asking.principal, buyer_id, asking.policy, asking.now, as_of, language
    )
    return BuyerRisk.of(found, BuyerBatch(asking, (buyer_id,)))


def many_risks(
    asking: Asking, buyer_ids: Sequence[str], as_of: int | None, language: Language
) -> list[BuyerRisk | None]:
    """Answer the risks of buyers in the order asked for; None for one who is not in sight."""
    buyers = BuyerBatch(asking, buyer_ids)
    found = asking.risks(buyers.ids, as_of, language)
    return [BuyerRisk.of(found[buyer_id], buyers) if buyer_id in found else None for buyer_id in buyer_ids]
