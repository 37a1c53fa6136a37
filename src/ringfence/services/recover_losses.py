"""Recoveries: proposed when a buyer is confirmed, decided and paid by people, told to merchants."""

from collections.abc import Callable, Iterator, Sequence

from ringfence.domain.buyers import Claim
from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.domain.errors import ConflictError, NotFoundError
from ringfence.domain.listings import list_name
from ringfence.domain.pages import Key, Page
from ringfence.domain.policy import Policy
from ringfence.domain.records import Event, RecordKind, RecordRef, RecordState, Subject, SubjectKind
from ringfence.domain.recoveries import (
    Recovery,
    RecoveryState,
    approved,
    disputed,
    due_back,
    fold,
    paid,
    proposed,
    recoverable,
    recovery_id_of,
    refused,
    returned,
    upheld,
)
from ringfence.domain.scope import PLATFORM, Principal, Role
from ringfence.domain.verifications import Verification, VerificationOutcome, VerificationState
from ringfence.services.access import BUYER_READERS, STAFF, require
from ringfence.services.deciding import deciding, refuse_other_version, require_role
from ringfence.services.paging import latest_first, mapped
from ringfence.store import Store

_WHAT = "recoveries"
_CLAIMS_A_PAGE = 1_000


class RecoveryUnknownError(NotFoundError):
    """There is no such recovery, or it is another merchant's: the words are the same."""

    def __init__(self, recovery_id: str) -> None:
        super().__init__(f"There is no recovery {recovery_id}.")
        self.recovery_id = recovery_id


class MerchantUnknownError(NotFoundError):
    """There is no such merchant, or it is not the one who asks: the words are the same."""

    def __init__(self, merchant_id: str) -> None:
        super().__init__(f"There is no merchant {merchant_id}.")
        self.merchant_id = merchant_id


def approve(
    store: Store,
    principal: Principal,
    recovery_id: str,
    claim_ids: Sequence[str] | None,
    reason: str,
    now: int,
    expected_version: int | None = None,
) -> Recovery:
    """Agree to pay claims of a recovery (None: all that are proposed), as long as its buyer is confirmed.

    `now` is µs since 1970-01-01 UTC. `expected_version` is that of the recovery the investigator saw; without
    it, what others decided meanwhile is passed over. Raises ForbiddenError; RecoveryUnknownError, or
    NotFoundError for a claim that is not in it; ConflictError for a claim that stands otherwise, or where the
    verification is not confirmed; InvalidError for the reason; VersionConflictError. Nothing is written then.
    """

    def event(recovery: Recovery) -> Event:
        _refuse_unconfirmed(store, recovery)
        return approved(recovery, claim_ids, reason, principal.name, now)

    return _change(store, principal, recovery_id, event, expected_version)


def refuse(
    store: Store,
    principal: Principal,
    recovery_id: str,
    claim_ids: Sequence[str] | None,
    reason: str,
    now: int,
    expected_version: int | None = None,
) -> Recovery:
    """Decide not to pay claims of a recovery (None: all that are proposed or approved).

    They are proposed again if the verification is opened again and confirmed again. Raises what `approve`
    raises, whether the buyer is confirmed or not.
    """

    def event(recovery: Recovery) -> Event:
        return refused(recovery, claim_ids, reason, principal.name, now)

    return _change(store, principal, recovery_id, event, expected_version)


def pay(
    store: Store,
    principal: Principal,
    recovery_id: str,
    claim_id: str,
    reference: str,
    now: int,
    expected_version: int | None = None,
) -> Recovery:
    """Say that a merchant was paid all that was approved for a claim, as long as the buyer is confirmed.

    Raises ConflictError for a claim that is not approved: so also for one that was paid. Raises what
    `approve` raises.
    """

    def event(recovery: Recovery) -> Event:
        _refuse_unconfirmed(store, recovery)
        return paid(recovery, claim_id, reference, principal.name, now)

    return _change(store, principal, recovery_id, event, expected_version)


def give_back(
    store: Store,
    principal: Principal,
    recovery_id: str,
    claim_id: str,
    reference: str,
    now: int,
    expected_version: int | None = None,
) -> Recovery:
    """Say that a merchant gave back all it was paid for a claim, since the verification was reversed.

    Raises ConflictError for a claim that is not due back, and what `approve` raises.
    """

    def event(recovery: Recovery) -> Event:
        return returned(recovery, claim_id, reference, principal.name, now)

    return _change(store, principal, recovery_id, event, expected_version)


def dispute(
    store: Store,
    principal: Principal,
    recovery_id: str,
    reason: str,
    now: int,
    expected_version: int | None = None,
) -> Recovery:
    """Disagree, as the merchant, with its own recovery; people read it, and nothing else changes.

    Raises ForbiddenError for all but merchants; RecoveryUnknownError for another merchant's; ConflictError
    where it is disputed and nothing happened since; InvalidError, VersionConflictError.
    """

    def event(recovery: Recovery) -> Event:
        return disputed(recovery, reason, principal.name, now)

    return _change(store, principal, recovery_id, event, expected_version, (Role.MERCHANT,))


def find_recovery(store: Store, principal: Principal, recovery_id: str) -> Recovery:
    """Find a recovery. Raises ForbiddenError; RecoveryUnknownError also for another merchant's."""
    require(principal, BUYER_READERS, _WHAT)
    return _find(store, principal, recovery_id)


def recovery_history(store: Store, principal: Principal, recovery_id: str) -> tuple[Event, ...]:
    """List all that happened to a recovery, oldest first.

    Raises ForbiddenError for merchants too: it names who decided. RecoveryUnknownError.
    """
    require(principal, STAFF, "who decided about recoveries")
    events = store.records.stream(_ref(recovery_id))
    if not events:
        raise RecoveryUnknownError(recovery_id)
    return events


def list_recoveries(
    store: Store,
    principal: Principal,
    first: int,
    after: Key | None = None,
    *,
    verification_id: str | None = None,
    merchant_id: str | None = None,
    buyer_id: str | None = None,
    state: RecoveryState | None = None,
) -> Page[Recovery]:
    """List recoveries, latest first (Key: proposed_at, recovery_id); a merchant's own.

    `state` asks for those with a claim that stands so. Raises ForbiddenError; MerchantUnknownError where a
    merchant names another one.
    """
    require(principal, BUYER_READERS, _WHAT)
    if principal.role is Role.MERCHANT:
        merchant_id = own_merchant(principal, merchant_id)
    if verification_id is None and buyer_id is None:
        name = list_name(merchant=merchant_id, state=state)
        listed = store.records.page(RecordKind.RECOVERY, name, first, after)
        return mapped(listed, _read)
    found = (
        recovery
        for recovery in _after_verifications(store, verification_id, merchant_id, buyer_id)
        if buyer_id in (None, recovery.buyer_id) and (state is None or recovery.ids(state))
    )
    return latest_first(found, lambda recovery: Key(recovery.proposed_at, recovery.recovery_id), first, after)


def propose_recoveries(
    store: Store, verification: Verification, policy: Policy, by: str, now: int
) -> tuple[Recovery, ...]:
    """Propose to each affected merchant what its claims cost it, since the buyer was just confirmed; what was
    asked back before may be kept. In the transaction of whoever confirms.

    A claim is left out that this recovery or another holds as proposed, approved or paid.
    """
    known = {recovery.recovery_id: recovery for recovery in _of_buyer(store, verification.buyer_id)}
    held = {claim.claim_id for recovery in known.values() for claim in recovery.claims if claim.state.is_held}
    since = verification.opened_at - policy.recovery.window_days * MICROSECONDS_A_DAY
    claims = claims_since(store, verification.buyer_id, since)
    free = recoverable((claim for claim in claims if claim.claim_id not in held), policy.recovery)
    verification_id = verification.verification_id
    reason = f"verification {verification_id} is confirmed again"
    concerned = {
        recovery.merchant_id for recovery in known.values() if recovery.verification_id == verification_id
    }
    written = []
    for merchant_id in sorted(concerned | free.keys()):
        recovery = known.get(recovery_id_of(verification_id, merchant_id))
        events = [upheld(recovery, reason, by, now)] if recovery is not None else []
        if merchant_id in free:
            new = free[merchant_id]
            events.append(proposed(verification_id, merchant_id, verification.buyer_id, new, policy, by, now))
        kept = [event for event in events if event is not None]
        if kept:
            written.append(_append(store, kept, recovery))
    return tuple(written)


def stop_recoveries(
    store: Store, verification: Verification, outcome: VerificationOutcome, by: str, now: int
) -> tuple[Recovery, ...]:
    """Refuse what is not paid yet, since the verification did not just end as confirmed; if it was rejected,
    ask back what was paid. In the transaction of whoever decides."""
    reason = f"verification {verification.verification_id} is {outcome}"
    written = []
    for recovery in _of_buyer(store, verification.buyer_id):
        if recovery.verification_id != verification.verification_id:
            continue
        events = []
        if recovery.ids(RecoveryState.PROPOSED, RecoveryState.APPROVED):
            events.append(refused(recovery, None, reason, by, now))
        if outcome is VerificationOutcome.REJECTED:
            asked_back = due_back(recovery, reason, by, now)
            events += [asked_back] if asked_back is not None else []
        if events:
            written.append(_append(store, events, recovery))
    return tuple(written)


def claims_since(store: Store, buyer_id: str, since: int) -> Iterator[Claim]:
    """Give a buyer's claims that were filed at `since` (µs since 1970-01-01 UTC) or later, latest first."""
    after, has_next = None, True
    while has_next:
        page = store.market.claims_of(buyer_id, PLATFORM, _CLAIMS_A_PAGE, after)
        for claim in page.items:
            if claim.filed_at < since:
                return
            yield claim
        has_next, after = page.has_next, page.keys[-1] if page.keys else None


def _change(
    store: Store,
    principal: Principal,
    recovery_id: str,
    event_of: Callable[[Recovery], Event],
    expected_version: int | None,
    roles: tuple[Role, ...] = (Role.INVESTIGATOR,),
) -> Recovery:
    """Append what happens to a recovery, in one transaction with what it rests on."""
    require_role(principal, roles, "decide about recoveries")
    with deciding(store):
        recovery = _find(store, principal, recovery_id)
        refuse_other_version(_ref(recovery_id), expected_version, recovery.version)
        return _append(store, [event_of(recovery)], recovery)


def _append(store: Store, events: Sequence[Event], recovery: Recovery | None) -> Recovery:
    changed = fold(events, recovery)
    store.records.append(
        _ref(changed.recovery_id),
        events,
        recovery.version if recovery is not None else 0,
        changed.to_state(),
        [
            Subject(SubjectKind.MERCHANT, changed.merchant_id),
            Subject(SubjectKind.BUYER, changed.buyer_id),
            *(Subject(SubjectKind.CLAIM, claim.claim_id) for claim in changed.claims),
        ],
    )
    return changed


def _find(store: Store, principal: Principal, recovery_id: str) -> Recovery:
    state = store.records.state(_ref(recovery_id))
    recovery = Recovery.from_state(state.state) if state is not None else None
    is_others = principal.role is Role.MERCHANT and (
        recovery is None or recovery.merchant_id != principal.merchant_id
    )
    if recovery is None or is_others:
        raise RecoveryUnknownError(recovery_id)
    return recovery


def _after_verifications(
    store: Store, verification_id: str | None, merchant_id: str | None, buyer_id: str | None
) -> Iterator[Recovery]:
    """Give what a verification recovers, or all those of a buyer do, of whom there are a few.

    A merchant's own are looked for by themselves, so that it takes no longer where others have some too.
    """
    if verification_id is not None and merchant_id is not None:
        ids = (recovery_id_of(verification_id, merchant_id),)
        yield from map(_read, store.records.states(RecordKind.RECOVERY, ids))
        return
    if buyer_id is None and verification_id is not None:
        found = store.records.state(RecordRef(RecordKind.VERIFICATION, verification_id))
        buyer_id = found.state["buyer_id"] if found is not None else None
    if buyer_id is None:
        return
    merchants = [Subject(SubjectKind.MERCHANT, merchant_id)] if merchant_id is not None else []
    for recovery in _of_buyer(store, buyer_id, *merchants):
        if verification_id in (None, recovery.verification_id):
            yield recovery


def _of_buyer(store: Store, buyer_id: str, *concerning: Subject) -> Iterator[Recovery]:
    subject = Subject(SubjectKind.BUYER, buyer_id)
    yield from map(_read, store.records.current(RecordKind.RECOVERY, subject, *concerning))


def _read(state: RecordState) -> Recovery:
    return Recovery.from_state(state.state)


def _refuse_unconfirmed(store: Store, recovery: Recovery) -> None:
    found = store.records.state(RecordRef(RecordKind.VERIFICATION, recovery.verification_id))
    state = VerificationState(found.state["state"]) if found is not None else None
    if state is not VerificationState.CONFIRMED:
        raise ConflictError(
            f"Verification {recovery.verification_id} is {state or 'unknown'}, not confirmed, so nothing of "
            f"recovery {recovery.recovery_id} is approved or paid; wait until it ends."
        )


def own_merchant(principal: Principal, merchant_id: str | None) -> str:
    """Give the merchant who asks. Raises MerchantUnknownError where another one is named."""
    own = principal.merchant_id or ""
    if merchant_id not in (None, own):
        raise MerchantUnknownError(merchant_id or "")
    return own


def _ref(recovery_id: str) -> RecordRef:
    return RecordRef(RecordKind.RECOVERY, recovery_id)
