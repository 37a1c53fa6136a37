"""The port of leases."""

from typing import Protocol

from ringfence.domain.leases import Holder, Lease, LeaseName


class Leases(Protocol):
    """One process at a time; a lease ends when it is released, or not renewed for its time to live."""

    def acquire(self, name: LeaseName, holder: Holder, seconds: float, now: int) -> Lease:
        """Take the lease for `seconds`. Raises LeaseHeldError while another holds it.

        A lease that claims to last longer than its time to live was given before the clock was set back; it
        counts as held for its whole time to live, and no longer.
        """

    def renew(self, lease: Lease, seconds: float, now: int) -> None:
        """Hold it for `seconds` from now. Raises LeaseLostError if another has taken it."""

    def release(self, lease: Lease) -> None:
        """Let go; nothing happens if another has taken it."""

    def take_over(self, lease: Lease, holder: Holder, seconds: float, now: int) -> Lease:
        """Take a lease from a holder known to be dead. Raises LeaseHeldError if it is another's by now."""
