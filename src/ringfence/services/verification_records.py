"""Verifications as records: what is appended to them, and those that a buyer has."""

from collections.abc import Sequence

from ringfence.domain.errors import ConflictError, NotFoundError
from ringfence.domain.records import Event, RecordKind, RecordRef, Subject, SubjectKind
from ringfence.domain.verifications import Verification, fold
from ringfence.services.deciding import refuse_other_version
from ringfence.store import Append, Store


class VerificationUnknownError(NotFoundError):
    """There is no such verification."""

    def __init__(self, verification_id: str) -> None:
        super().__init__(
            f"There is no verification {verification_id}; ringfence verifications list shows those there are."
        )
        self.verification_id = verification_id


def append(store: Store, event: Event, verification: Verification | None) -> Verification:
    """Append to a verification (None: a new one) what happens in it. Raises VersionConflictError."""
    return append_all(store, [(event, verification)])[0]


def append_all(
    store: Store, changes: Sequence[tuple[Event, Verification | None]]
) -> tuple[Verification, ...]:
    """Append to each verification (None: a new one) what happens in it, in one transaction; raises so."""
    changed = tuple(fold([event], before) for event, before in changes)
    store.records.append_all(
        [
            Append(
                record_of(after.verification_id),
                [event],
                before.version if before is not None else 0,
                after.to_state(),
                [
                    Subject(SubjectKind.BUYER, after.buyer_id),
                    *(Subject(SubjectKind.CLAIM, claim_id) for claim_id in after.file.claims),
                    *(Subject(SubjectKind.MERCHANT, merchant_id) for merchant_id in after.file.merchants),
                ],
            )
            for (event, before), after in zip(changes, changed, strict=True)
        ]
    )
    return changed


def refuse_second(past: Sequence[Verification], besides: Verification | None = None) -> None:
    """Raise ConflictError if one of a buyer's verifications, `besides` left out, has not ended."""
    other = under_way([each for each in past if besides is None or each.number != besides.number])
    if other is not None:
        raise ConflictError(
            f"Verification {other.verification_id} of buyer {other.buyer_id} is {other.state} already; "
            "decide it first, or write a note there."
        )


def under_way(past: Sequence[Verification]) -> Verification | None:
    """Give the one that has not ended, if there is one."""
    return next((each for each in past if not each.state.is_ended), None)


def of_buyer(store: Store, buyer_id: str) -> list[Verification]:
    """List a buyer's verifications in their order; at most one has not ended."""
    return of_buyers(store, (buyer_id,))[buyer_id]


def of_buyers(store: Store, buyer_ids: Sequence[str]) -> dict[str, list[Verification]]:
    """List each buyer's verifications likewise; none for a buyer of whom there are none."""
    subjects = {buyer_id: Subject(SubjectKind.BUYER, buyer_id) for buyer_id in buyer_ids}
    found = store.records.concerning((RecordKind.VERIFICATION,), tuple(subjects.values()))
    return {
        buyer_id: sorted(
            (Verification.from_state(each.state) for each in found.get(subject, ())),
            key=lambda each: each.number,
        )
        for buyer_id, subject in subjects.items()
    }


def find_version(store: Store, verification_id: str, expected_version: int | None) -> Verification:
    """Find a verification as who decides saw it. Raises VerificationUnknownError, VersionConflictError."""
    state = store.records.state(record_of(verification_id))
    if state is None:
        raise VerificationUnknownError(verification_id)
    refuse_other_version(record_of(verification_id), expected_version, state.version)
    return Verification.from_state(state.state)


def record_of(verification_id: str) -> RecordRef:
    """Say which record a verification is."""
    return RecordRef(RecordKind.VERIFICATION, verification_id)
