"""What each kind of refusal exits with: 1 failed, 2 wrong use, 4 another holds or took the lease."""

from ringfence.domain.errors import ConflictError, InvalidError, NotFoundError, RingfenceError
from ringfence.domain.leases import LeaseHeldError, LeaseLostError

FAILED = 1
WRONG_USE = 2
IDLE = 3
LEASE_HELD = 4
INTERRUPTED = 130


def exit_code(error: RingfenceError) -> int:
    """Give the exit code of a refusal."""
    # Imported here since intake takes a second to load, for which `ringfence --help` must not wait.
    from ringfence.intake import TooManyRejectedError

    if isinstance(error, TooManyRejectedError):
        return FAILED
    if isinstance(error, LeaseHeldError | LeaseLostError):
        return LEASE_HELD
    return WRONG_USE if isinstance(error, InvalidError | NotFoundError | ConflictError) else FAILED
