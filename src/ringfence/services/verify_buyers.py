"""Verifications: opened with all there is about a buyer, decided by people, with what follows from it."""

from collections.abc import Callable, Sequence

from ringfence.domain.errors import ConflictError, NotFoundError
from ringfence.domain.listings import list_name
from ringfence.domain.pages import Key, Page
from ringfence.domain.policy import Policy
from ringfence.domain.records import Event, RecordKind, RecordRef, Subject, SubjectKind
from ringfence.domain.scope import PLATFORM, Principal, Role
from ringfence.domain.verifications import (
    Verification,
    VerificationOutcome,
    VerificationState,
    appealed,
    assigned,
    decided,
    fold,
    noted,
    opened,
    reopened,
)
from ringfence.services.access import STAFF, require
from ringfence.services.deciding import deciding, refuse_other_version, require_role
from ringfence.services.paging import latest_first, mapped
from ringfence.services.read_buyers import BuyerUnknownError
from ringfence.services.recover_losses import propose_recoveries, stop_recoveries
from ringfence.services.verification_files import gather_file, unheard_reports
from ringfence.store import Store

_WHAT = "verifications"
_DECIDERS = (Role.INVESTIGATOR,)
_OPENERS = (Role.INVESTIGATOR, Role.JOB)
EventOf = Callable[[Verification], Event]


class VerificationUnknownError(NotFoundError):
    """There is no such verification."""

    def __init__(self, verification_id: str) -> None:
        super().__init__(
            f"There is no verification {verification_id}; ringfence verifications list shows those there are."
        )
        self.verification_id = verification_id


def open_verification(
    store: Store, principal: Principal, buyer_id: str, because: str, policy: Policy, now: int
) -> Verification:
    """Begin to verify a buyer, with the file of what is there about them at `now` (µs since 1970-01-01 UTC).

    Raises ForbiddenError for all but investigators and jobs, BuyerUnknownError, ConflictError if one is under
    way or somebody else opens one at once, InvalidError for the reason. Nothing is written then.
    """
    require_role(principal, _OPENERS, "open verifications")
    with deciding(store):
        if not store.market.sighted((buyer_id,), PLATFORM):
            raise BuyerUnknownError(buyer_id)
        past = _of_buyer(store, buyer_id)
        _refuse_second(past)
        return _open(store, principal, buyer_id, len(past) + 1, because, policy, now, None)


def open_if_due(
    store: Store,
    principal: Principal,
    buyer_id: str,
    weight: float,
    fresh_weight: float,
    policy: Policy,
    now: int,
) -> Verification | None:
    """Verify a buyer whom several independent merchants report; None if that is not due.

    `weight` is what all reports of the buyer weigh together and counts where no verification was yet. Where
    one ended, `fresh_weight` does, of the merchants it did not hear; after one that found no abuse, of those
    with a claim since. The last one is opened again then. Raises ForbiddenError, BuyerUnknownError,
    ConflictError if somebody else opens one at once.
    """
    require_role(principal, _OPENERS, "open verifications")
    with deciding(store):
        if not store.market.sighted((buyer_id,), PLATFORM):
            raise BuyerUnknownError(buyer_id)
        past = _of_buyer(store, buyer_id)
        weighs = fresh_weight if past else weight
        if weighs < policy.reports.several or _under_way(past) is not None:
            return None
        reports = unheard_reports(store, buyer_id, past)
        if not reports:
            return None
        because = (
            f"{len(reports):,} reports of independent merchants weigh {weighs:.2f}, and "
            f"{policy.reports.several:g} is enough"
        )
        if not past:
            return _open(store, principal, buyer_id, 1, because, policy, now, weighs)
        file = gather_file(store, buyer_id, past[-1].opened_at, policy, weighs)
        return _append(store, reopened(past[-1], because, file, principal.name, now), past[-1])


def verify_members(
    store: Store, principal: Principal, buyer_ids: Sequence[str], because: str, policy: Policy, now: int
) -> tuple[Verification, ...]:
    """Begin to verify these buyers; those of whom one is under way, or whose last one is confirmed, are left
    out, and so is whom no load brought. Raises as `open_verification`."""
    require_role(principal, _OPENERS, "open verifications")
    opened = []
    with deciding(store):
        for buyer_id in store.market.sighted(buyer_ids, PLATFORM):
            past = _of_buyer(store, buyer_id)
            if _under_way(past) is None and not (past and past[-1].state is VerificationState.CONFIRMED):
                number = len(past) + 1
                opened.append(_open(store, principal, buyer_id, number, because, policy, now, None))
    return tuple(opened)


def decide_verification(
    store: Store,
    principal: Principal,
    verification_id: str,
    outcome: VerificationOutcome,
    reason: str,
    policy: Policy,
    now: int,
    expected_version: int | None = None,
) -> Verification:
    """Say how a verification ends, and do what follows from it in the same transaction.

    Where the policy wants a second person the first one proposes, and the second who says the same decides.
    CONFIRMED proposes a recovery to each affected merchant; another outcome refuses what is not paid yet of
    recoveries that were proposed before, and REJECTED asks back what was paid. `expected_version` is that of
    the verification the investigator saw; without it, what others did meanwhile is passed over. Raises
    ForbiddenError, VerificationUnknownError, ConflictError (ended, or waits for somebody else), InvalidError
    for the reason, VersionConflictError; nothing is written then.
    """
    require_role(principal, _DECIDERS, "decide verifications")
    with deciding(store):
        verification = _found(store, verification_id, expected_version)
        event = decided(verification, outcome, reason, policy, principal.name, now)
        changed = _append(store, event, verification)
        if changed.state is VerificationState.CONFIRMED:
            propose_recoveries(store, changed, policy, principal.name, now)
        elif changed.state.is_ended:
            stop_recoveries(store, changed, outcome, principal.name, now)
        return changed


def appeal(
    store: Store,
    principal: Principal,
    verification_id: str,
    reason: str,
    policy: Policy,
    now: int,
    expected_version: int | None = None,
) -> Verification:
    """Appeal on the buyer's behalf: the verification is open again, and nothing is paid meanwhile.

    Raises ForbiddenError for all but investigators and jobs, ConflictError where nothing is confirmed, the
    policy's days are over or another one of the buyer has not ended, and what `decide_verification` raises.
    """

    def event(verification: Verification) -> Event:
        _refuse_second(_of_buyer(store, verification.buyer_id), besides=verification)
        file = gather_file(store, verification.buyer_id, verification.opened_at, policy)
        return appealed(verification, reason, file, policy.verification, principal.name, now)

    return _change(store, principal, verification_id, event, expected_version, _OPENERS)


def reopen(
    store: Store,
    principal: Principal,
    verification_id: str,
    because: str,
    policy: Policy,
    now: int,
    expected_version: int | None = None,
) -> Verification:
    """Open a verification again, on new evidence; its file is gathered anew.

    Raises ConflictError where it or another one of the buyer has not ended, and what `decide_verification`
    raises.
    """

    def event(verification: Verification) -> Event:
        _refuse_second(_of_buyer(store, verification.buyer_id), besides=verification)
        file = gather_file(store, verification.buyer_id, verification.opened_at, policy)
        return reopened(verification, because, file, principal.name, now)

    return _change(store, principal, verification_id, event, expected_version)


def note(
    store: Store,
    principal: Principal,
    verification_id: str,
    text: str,
    now: int,
    expected_version: int | None = None,
) -> Verification:
    """Write a note about a verification. Raises what `decide_verification` raises."""

    def event(_: Verification) -> Event:
        return noted(text, principal.name, now)

    return _change(store, principal, verification_id, event, expected_version)


def assign(
    store: Store,
    principal: Principal,
    verification_id: str,
    owner: str | None,
    now: int,
    expected_version: int | None = None,
) -> Verification:
    """Give a verification to somebody, or (None) to nobody. Raises what `decide_verification` raises."""

    def event(_: Verification) -> Event:
        return assigned(owner, principal.name, now)

    return _change(store, principal, verification_id, event, expected_version)


def find_verification(store: Store, principal: Principal, verification_id: str) -> Verification:
    """Find a verification. Raises ForbiddenError for all but staff, VerificationUnknownError."""
    require(principal, STAFF, _WHAT)
    return _found(store, verification_id, None)


def verification_history(store: Store, principal: Principal, verification_id: str) -> tuple[Event, ...]:
    """List all that happened in a verification, oldest first. Raises what `find_verification` raises."""
    require(principal, STAFF, _WHAT)
    events = store.records.stream(_ref(verification_id))
    if not events:
        raise VerificationUnknownError(verification_id)
    return events


def list_verifications(
    store: Store,
    principal: Principal,
    first: int,
    after: Key | None = None,
    *,
    state: VerificationState | None = None,
    owner: str | None = None,
    buyer_id: str | None = None,
) -> Page[Verification]:
    """List verifications, newest first (Key: opened_at, verification_id).

    Raises ForbiddenError for all but staff.
    """
    require(principal, STAFF, _WHAT)
    if buyer_id is None:
        listed = store.records.page(
            RecordKind.VERIFICATION, list_name(state=state, owner=owner), first, after
        )
        return mapped(listed, lambda each: Verification.from_state(each.state))
    return latest_first(
        (
            verification
            for verification in _of_buyer(store, buyer_id)
            if state in (None, verification.state) and owner in (None, verification.owner)
        ),
        lambda verification: Key(verification.opened_at, verification.verification_id),
        first,
        after,
    )


def verified_buyers(store: Store) -> dict[str, bool]:
    """Say of each buyer of whom there are verifications whether all have ended."""
    has_ended: dict[str, bool] = {}
    for state in store.records.current(RecordKind.VERIFICATION):
        verification = Verification.from_state(state.state)
        buyer_id = verification.buyer_id
        has_ended[buyer_id] = has_ended.get(buyer_id, True) and verification.state.is_ended
    return has_ended


def unheard_merchants(store: Store, buyer_id: str) -> frozenset[str]:
    """Name the merchants whose reports of a buyer are new evidence; none while it is verified."""
    past = _of_buyer(store, buyer_id)
    if _under_way(past) is not None:
        return frozenset()
    return frozenset(report.merchant_id for report in unheard_reports(store, buyer_id, past))


def _open(
    store: Store,
    principal: Principal,
    buyer_id: str,
    number: int,
    because: str,
    policy: Policy,
    now: int,
    weight: float | None,
) -> Verification:
    file = gather_file(store, buyer_id, now, policy, weight)
    return _append(store, opened(buyer_id, number, because, file, policy, principal.name, now), None)


def _change(
    store: Store,
    principal: Principal,
    verification_id: str,
    event_of: EventOf,
    expected_version: int | None,
    roles: tuple[Role, ...] = _DECIDERS,
) -> Verification:
    """Append what happens in a verification, in one transaction with what it rests on."""
    require_role(principal, roles, "change verifications")
    with deciding(store):
        verification = _found(store, verification_id, expected_version)
        return _append(store, event_of(verification), verification)


def _append(store: Store, event: Event, verification: Verification | None) -> Verification:
    changed = fold([event], verification)
    store.records.append(
        _ref(changed.verification_id),
        [event],
        verification.version if verification is not None else 0,
        changed.to_state(),
        [
            Subject(SubjectKind.BUYER, changed.buyer_id),
            *(Subject(SubjectKind.CLAIM, claim_id) for claim_id in changed.file.claims),
            *(Subject(SubjectKind.MERCHANT, merchant_id) for merchant_id in changed.file.merchants),
        ],
    )
    return changed


def _refuse_second(past: Sequence[Verification], besides: Verification | None = None) -> None:
    """Raise ConflictError if one of a buyer's verifications, `besides` left out, has not ended."""
    other = _under_way([each for each in past if besides is None or each.number != besides.number])
    if other is not None:
        raise ConflictError(
            f"Verification {other.verification_id} of buyer {other.buyer_id} is {other.state} already; "
            "decide it first, or write a note there."
        )


def _under_way(past: Sequence[Verification]) -> Verification | None:
    return next((each for each in past if not each.state.is_ended), None)


def _of_buyer(store: Store, buyer_id: str) -> list[Verification]:
    """List a buyer's verifications in their order; at most one has not ended."""
    found = store.records.current(RecordKind.VERIFICATION, Subject(SubjectKind.BUYER, buyer_id))
    return sorted((Verification.from_state(each.state) for each in found), key=lambda each: each.number)


def _found(store: Store, verification_id: str, expected_version: int | None) -> Verification:
    state = store.records.state(_ref(verification_id))
    if state is None:
        raise VerificationUnknownError(verification_id)
    refuse_other_version(_ref(verification_id), expected_version, state.version)
    return Verification.from_state(state.state)


def _ref(verification_id: str) -> RecordRef:
    return RecordRef(RecordKind.VERIFICATION, verification_id)
