"""How much a key may ask for in the course of time: a leaky bucket for each."""

import math
import threading
from dataclasses import dataclass

from ringfence.api.errors import TooManyRequestsError
from ringfence.domain.durations import MICROSECONDS_A_SECOND

_MOST_KEPT = 10_000


@dataclass(slots=True)
class _Bucket:
    available: float
    at: int


class Allowance:
    """What is left to each key, in objects; it fills again as time goes by, up to `burst`."""

    def __init__(self, burst: int, per_second: int) -> None:
        self.per_second = per_second
        self._burst = burst
        self._buckets: dict[str, _Bucket] = {}
        self._turn = threading.Lock()

    def take(self, name: str, cost: int, now: int) -> int:
        """Take `cost` from what is left to `name` at `now` (µs), and give what is left then.

        Raises TooManyRequestsError if it is more than there is.
        """
        with self._turn:
            bucket = self._filled(name, now)
            if cost > bucket.available:
                raise TooManyRequestsError(math.ceil((cost - bucket.available) / self.per_second))
            bucket.available -= cost
            return int(bucket.available)

    def settle(self, name: str, cost: int, now: int) -> int:
        """Give back what was taken but not needed, or take (below 0) what was needed besides, and give what
        is left then."""
        with self._turn:
            bucket = self._filled(name, now)
            bucket.available = min(bucket.available + cost, self._burst)
            return int(bucket.available)

    def _filled(self, name: str, now: int) -> _Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= _MOST_KEPT:
                self._buckets.clear()
            bucket = self._buckets[name] = _Bucket(self._burst, now)
        # A clock that was set back fills nothing.
        gained = max(now - bucket.at, 0) / MICROSECONDS_A_SECOND * self.per_second
        bucket.available, bucket.at = min(bucket.available + gained, self._burst), now
        return bucket
