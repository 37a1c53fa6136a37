"""How many buyers a merchant may look up a day, so that nobody finds out by asking who there is."""

import hashlib
from collections.abc import Iterable

from ringfence.domain.durations import MICROSECONDS_A_DAY, MICROSECONDS_A_SECOND
from ringfence.domain.errors import ForbiddenError
from ringfence.domain.policy import Policy
from ringfence.domain.scope import Principal, Role
from ringfence.store import Store

_DIGEST_BYTES = 16


class TooManyLookupsError(ForbiddenError):
    """A merchant has looked up as many buyers as it may in a day."""

    def __init__(self, most: int, seconds: int) -> None:
        super().__init__(
            f"A merchant may look up {most:,} different buyers a day (UTC), and these would be more; ask "
            f"again in {seconds:,} s."
        )
        self.seconds = seconds
        """Until the next day."""


def count_lookups(
    store: Store, principal: Principal, buyer_ids: Iterable[str], policy: Policy, now: int
) -> None:
    """Count the buyers that a merchant's key asks for, known or not, before anything is told of them.

    Nobody else's are counted. `now` is µs since 1970-01-01 UTC. Raises TooManyLookupsError.
    """
    if principal.role is not Role.MERCHANT or principal.merchant_id is None:
        return
    buyers = sorted({hashlib.blake2b(one.encode(), digest_size=_DIGEST_BYTES).digest() for one in buyer_ids})
    day, most = now // MICROSECONDS_A_DAY, policy.merchants.lookups_a_day
    if buyers and not store.audit.look_up(principal.merchant_id, day, buyers, most):
        left = (day + 1) * MICROSECONDS_A_DAY - now
        raise TooManyLookupsError(most, -(-left // MICROSECONDS_A_SECOND))
