"""What merchants were paid and gave back, by month."""

import re
from datetime import UTC, datetime, timedelta

from ringfence.domain.errors import InvalidError
from ringfence.domain.listings import list_name
from ringfence.domain.records import RecordKind
from ringfence.domain.recoveries import Recovery
from ringfence.domain.scope import Principal, Role
from ringfence.domain.statements import Statement, StatementLine
from ringfence.services.access import BUYER_READERS, require
from ringfence.services.paging import ALL
from ringfence.services.recover_losses import MerchantUnknownError, own_merchant
from ringfence.store import Store

_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def statement(store: Store, principal: Principal, merchant_id: str, month: str, now: int) -> Statement:
    """Tell a merchant every cent that was paid or returned in a calendar month (`2027-01`, UTC).

    Raises ForbiddenError; MerchantUnknownError for an unknown merchant, in the same words as for one that is
    not who asks; InvalidError for a month that is none or has not begun.
    """
    require(principal, BUYER_READERS, "statements")
    if principal.role is Role.MERCHANT:
        own_merchant(principal, merchant_id)
    begin, end = _month(month, now)
    name = list_name(merchant=merchant_id, month=month)
    with store.snapshot():
        moved = store.records.page(RecordKind.RECOVERY, name, ALL)
        if principal.role is not Role.MERCHANT and not store.market.merchants((merchant_id,)):
            raise MerchantUnknownError(merchant_id)
    lines = [
        StatementLine(move, recovery.recovery_id, recovery.verification_id)
        for recovery in (Recovery.from_state(each.state) for each in moved.items)
        for move in recovery.moves
        if begin <= move.at < end
    ]
    lines.sort(key=lambda line: (line.move.at, line.recovery_id, line.move.claim_id))
    return Statement(merchant_id, month, is_complete=end <= now, lines=tuple(lines))


def _month(month: str, now: int) -> tuple[int, int]:
    """Give when a month begins and ends, µs since 1970-01-01 UTC."""
    written = _MONTH.fullmatch(month)
    year, number = (int(part) for part in written.groups()) if written else (0, 0)
    if not (1970 <= year < 9999 and 1 <= number <= 12):
        raise InvalidError(f"{month!r} is no month; write one as 2027-01.")
    begin, end = (
        (datetime(year + months // 12, months % 12 + 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
        for months in (number - 1, number)
    )
    if begin > now:
        raise InvalidError(f"The month {month} has not begun; ask for one that has.")
    return begin, end
