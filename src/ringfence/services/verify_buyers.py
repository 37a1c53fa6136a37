"""Verifications: opened with all there is about a buyer, decided by people, with what follows from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ringfence.domain.listings import list_name
from ringfence.domain.pages import Key, Page
from ringfence.domain.policy import Policy
from ringfence.domain.records import Event, RecordKind
from ringfence.domain.scope import PLATFORM, Principal, Role
from ringfence.domain.verifications import (
    Verification,
    VerificationOutcome,
    VerificationState,
    appealed,
    assigned,
    decided,
    noted,
    opened,
    reopened,
)
from ringfence.services.access import STAFF, require
from ringfence.services.deciding import deciding, require_role
from ringfence.services.paging import latest_first, mapped
from ringfence.services.read_buyers import BuyerUnknownError
from ringfence.services.recover_losses import propose_recoveries, stop_recoveries
from ringfence.services.verification_files import (
    gather_file,
    gather_files,
    standing_reports,
    unheard_reports,
)
from ringfence.services.verification_records import (
    VerificationUnknownError,
    append,
    append_all,
    find_version,
    of_buyer,
    of_buyers,
    record_of,
    refuse_second,
    under_way,
)
from ringfence.store import Store

_WHAT = "verifications"
_DECIDERS = (Role.INVESTIGATOR,)
_OPENERS = (Role.INVESTIGATOR, Role.JOB)
EventOf = Callable[[Verification], Event]


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
        past = of_buyer(store, buyer_id)
        refuse_second(past)
        return _open(store, principal, buyer_id, len(past) + 1, because, policy, now)


@dataclass(frozen=True, slots=True)
class Reported:
    """What the reports of a buyer weigh together."""

    buyer_id: str
    weight: float
    """All of them: counts where no verification was yet."""
    fresh_weight: float
    """Those of merchants whom no verification that ended heard; after one that found no abuse, of those with
    a claim since. Counts where one was."""


def perhaps_due(store: Store, reported: Sequence[Reported], policy: Policy) -> list[Reported]:
    """Give those of these buyers of whom `open_if_due` may open a verification, by a look without waiting."""
    past = of_buyers(store, [each.buyer_id for each in reported])
    return [each for each in reported if _weight_if_enough(each, past[each.buyer_id], policy) is not None]


def open_if_due(
    store: Store, principal: Principal, reported: Sequence[Reported], policy: Policy, now: int
) -> tuple[Verification, ...]:
    """Verify those of these buyers whom several independent merchants report, in one transaction.

    Where a verification ended, it is opened again. Whom no load brought is left out. Raises ForbiddenError.
    """
    require_role(principal, _OPENERS, "open verifications")
    with deciding(store):
        known = frozenset(store.market.sighted([each.buyer_id for each in reported], PLATFORM))
        past = of_buyers(store, sorted(known))
        weights = {
            each.buyer_id: weight
            for each in reported
            if each.buyer_id in known
            and (weight := _weight_if_enough(each, past[each.buyer_id], policy)) is not None
        }
        standing = standing_reports(store, tuple(weights))
        unheard = {
            buyer_id: len(reports)
            for buyer_id in weights
            if (reports := unheard_reports(store, buyer_id, past[buyer_id], standing[buyer_id]))
        }
        opened_at = {
            buyer_id: past[buyer_id][-1].opened_at if past[buyer_id] else now for buyer_id in unheard
        }
        files = gather_files(store, opened_at, policy, standing, weights)
        changes: list[tuple[Event, Verification | None]] = []
        for buyer_id, number in unheard.items():
            because = (
                f"{number:,} reports of independent merchants weigh {weights[buyer_id]:.2f}, and "
                f"{policy.reports.several:g} is enough"
            )
            last = past[buyer_id][-1] if past[buyer_id] else None
            if last is None:
                event = opened(buyer_id, 1, because, files[buyer_id], policy, principal.name, now)
            else:
                event = reopened(last, because, files[buyer_id], principal.name, now)
            changes.append((event, last))
        return append_all(store, changes)


def verify_members(
    store: Store, principal: Principal, buyer_ids: Sequence[str], because: str, policy: Policy, now: int
) -> tuple[Verification, ...]:
    """Begin to verify these buyers; those of whom one is under way, or whose last one is confirmed, are left
    out, and so is whom no load brought. Raises as `open_verification`."""
    require_role(principal, _OPENERS, "open verifications")
    opened = []
    with deciding(store):
        for buyer_id in store.market.sighted(buyer_ids, PLATFORM):
            past = of_buyer(store, buyer_id)
            if under_way(past) is None and not (past and past[-1].state is VerificationState.CONFIRMED):
                number = len(past) + 1
                opened.append(_open(store, principal, buyer_id, number, because, policy, now))
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
        verification = find_version(store, verification_id, expected_version)
        event = decided(verification, outcome, reason, policy, principal.name, now)
        changed = append(store, event, verification)
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
        refuse_second(of_buyer(store, verification.buyer_id), besides=verification)
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
        refuse_second(of_buyer(store, verification.buyer_id), besides=verification)
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
    return find_version(store, verification_id, None)


def verification_history(store: Store, principal: Principal, verification_id: str) -> tuple[Event, ...]:
    """List all that happened in a verification, oldest first. Raises what `find_verification` raises."""
    require(principal, STAFF, _WHAT)
    events = store.records.stream(record_of(verification_id))
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
            for verification in of_buyer(store, buyer_id)
            if state in (None, verification.state) and owner in (None, verification.owner)
        ),
        lambda verification: Key(verification.opened_at, verification.verification_id),
        first,
        after,
    )


def unheard_merchants(store: Store, buyer_id: str) -> frozenset[str]:
    """Name the merchants whose reports of a buyer are new evidence; none while it is verified."""
    past = of_buyer(store, buyer_id)
    if under_way(past) is not None:
        return frozenset()
    standing = standing_reports(store, (buyer_id,))[buyer_id]
    return frozenset(report.merchant_id for report in unheard_reports(store, buyer_id, past, standing))


def _open(
    store: Store,
    principal: Principal,
    buyer_id: str,
    number: int,
    because: str,
    policy: Policy,
    now: int,
) -> Verification:
    file = gather_file(store, buyer_id, now, policy)
    return append(store, opened(buyer_id, number, because, file, policy, principal.name, now), None)


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
        verification = find_version(store, verification_id, expected_version)
        return append(store, event_of(verification), verification)


def _weight_if_enough(reported: Reported, past: Sequence[Verification], policy: Policy) -> float | None:
    """Give what a buyer's reports weigh if that is enough to verify them; None while that is under way."""
    weight = reported.fresh_weight if past else reported.weight
    return weight if weight >= policy.reports.several and under_way(past) is None else None
