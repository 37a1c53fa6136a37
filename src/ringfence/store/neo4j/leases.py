"""Leases in Neo4j."""

from ringfence.domain.durations import MICROSECONDS_A_SECOND
from ringfence.domain.leases import Holder, Lease, LeaseHeldError, LeaseName
from ringfence.store.neo4j.database import Database


class Neo4jLeases:
    """The port of leases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, name: LeaseName, holder: Holder, seconds: float, now: int) -> Lease:
        """Take the lease for `seconds`."""
        given = self._database.write(lambda: self._try(name, holder, seconds, now))
        # What was learnt of a clock that was set back is kept although the lease is refused.
        if isinstance(given, LeaseHeldError):
            raise given
        return given

    def take_over(self, lease: Lease, holder: Holder, seconds: float, now: int) -> Lease:
        """Take a lease from a holder known to be dead."""

        def take() -> Lease | LeaseHeldError:
            self.release(lease)
            return self._try(lease.name, holder, seconds, now)

        given = self._database.write(take)
        if isinstance(given, LeaseHeldError):
            raise given
        return given

    def renew(self, lease: Lease, seconds: float, now: int) -> None:
        """Hold it for `seconds` from now."""
        expires_at = _after(now, seconds)

        def renew() -> None:
            self._database.all("renew_lease", name=lease.name, seconds=seconds, expires_at=expires_at)

        # The lease is checked inside, so that it keeps the mark of the transaction whose work it protects.
        self._database.write(lambda: self._database.write(renew, lease))

    def release(self, lease: Lease) -> None:
        """Let go."""
        self._database.write(lambda: self._database.all("release_lease", name=lease.name, token=lease.token))

    def _try(self, name: LeaseName, holder: Holder, seconds: float, now: int) -> Lease | LeaseHeldError:
        row = self._database.one("find_lease", name=name)
        token = 0
        if row is not None:
            token, host, process, started, held_for, expires_at = row
            if expires_at > _after(now, held_for):
                # The clock was set back: its time to live begins now, else it would last until the clock has
                # caught up.
                expires_at = _after(now, held_for)
                self._database.all("renew_lease", name=name, seconds=held_for, expires_at=expires_at)
            if expires_at > max(now, 0):
                held = Holder(host, process, started)
                left = (expires_at - now) / MICROSECONDS_A_SECOND
                return LeaseHeldError(Lease(name, token), held, left)
        self._database.all(
            "give_lease",
            name=name,
            token=token + 1,
            host=holder.host,
            process=holder.process,
            started=holder.started,
            seconds=float(seconds),
            expires_at=_after(now, seconds),
        )
        return Lease(name, token + 1)


def _after(now: int, seconds: float) -> int:
    return now + int(seconds * MICROSECONDS_A_SECOND)
