"""Leases in SQLite."""

from ringfence.domain.durations import MICROSECONDS_A_SECOND
from ringfence.domain.leases import Holder, Lease, LeaseHeldError, LeaseName
from ringfence.store.sqlite.database import Database


class SqliteLeases:
    """The port of leases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, name: LeaseName, holder: Holder, seconds: float, now: int) -> Lease:
        """Take the lease for `seconds`."""
        with self._database.transaction():
            given = self._try(name, holder, seconds, now)
        # What was learnt of a clock that was set back is kept although the lease is refused.
        if isinstance(given, LeaseHeldError):
            raise given
        return given

    def take_over(self, lease: Lease, holder: Holder, seconds: float, now: int) -> Lease:
        """Take a lease from a holder known to be dead."""
        with self._database.transaction():
            self.release(lease)
            return self.acquire(lease.name, holder, seconds, now)

    def renew(self, lease: Lease, seconds: float, now: int) -> None:
        """Hold it for `seconds` from now."""
        with self._database.transaction(lease):
            self._database.run(
                "UPDATE leases SET seconds = ?, expires_at = ? WHERE name = ?",
                (seconds, now + int(seconds * MICROSECONDS_A_SECOND), lease.name),
            )

    def release(self, lease: Lease) -> None:
        """Let go."""
        with self._database.transaction():
            self._database.run(
                "UPDATE leases SET expires_at = 0 WHERE name = ? AND token = ?", (lease.name, lease.token)
            )

    def _try(self, name: LeaseName, holder: Holder, seconds: float, now: int) -> Lease | LeaseHeldError:
        row = self._database.one(
            "SELECT token, host, process, started, seconds, expires_at FROM leases WHERE name = ?", (name,)
        )
        if row is None:
            return self._give(name, 1, holder, seconds, now)
        token, host, process, started, held_for, expires_at = row
        if expires_at > now + int(held_for * MICROSECONDS_A_SECOND):
            # The clock was set back: its time to live begins now, else it would last until the clock has
            # caught up.
            expires_at = now + int(held_for * MICROSECONDS_A_SECOND)
            self._database.run("UPDATE leases SET expires_at = ? WHERE name = ?", (expires_at, name))
        if expires_at > max(now, 0):
            held = Holder(host, process, started)
            return LeaseHeldError(Lease(name, token), held, (expires_at - now) / MICROSECONDS_A_SECOND)
        return self._give(name, token + 1, holder, seconds, now)

    def _give(self, name: LeaseName, token: int, holder: Holder, seconds: float, now: int) -> Lease:
        self._database.run(
            "INSERT OR REPLACE INTO leases (name, token, host, process, started, seconds, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                name,
                token,
                holder.host,
                holder.process,
                holder.started,
                seconds,
                now + int(seconds * MICROSECONDS_A_SECOND),
            ),
        )
        return Lease(name, token)
