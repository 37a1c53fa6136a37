"""What each kind of refusal exits with: 1 failed, 2 wrong use or unreadable input."""

from ringfence.domain.errors import ConflictError, InvalidError, NotFoundError, RingfenceError

FAILED = 1
WRONG_USE = 2
IDLE = 3
INTERRUPTED = 130


def exit_code(error: RingfenceError) -> int:
    """Give the exit code of a refusal."""
    # Imported here since intake takes a second to load, for which `ringfence --help` must not wait.
    from ringfence.intake import TooManyRejectedError

    if isinstance(error, TooManyRejectedError):
        return FAILED
    return WRONG_USE if isinstance(error, InvalidError | NotFoundError | ConflictError) else FAILED
