"""What each kind of refusal exits with: 1 failed, 2 wrong use or unreadable input."""

from ringfence.domain.errors import ConflictError, InvalidError, NotFoundError, RingfenceError
from ringfence.intake.errors import TooManyRejectedError

FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130


def exit_code(error: RingfenceError) -> int:
    """Give the exit code of a refusal."""
    if isinstance(error, TooManyRejectedError):
        return FAILED
    return WRONG_USE if isinstance(error, InvalidError | NotFoundError | ConflictError) else FAILED
