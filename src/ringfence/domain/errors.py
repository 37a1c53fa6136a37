"""Everything Ringfence refuses, in five kinds; a specific error builds its own message."""


class RingfenceError(Exception):
    """Ringfence could not do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__ or "")


class NotFoundError(RingfenceError):
    """What was asked for does not exist."""


class InvalidError(RingfenceError):
    """The input or the request is not valid."""


class ConflictError(RingfenceError):
    """Somebody else changed or holds what was asked for."""


class ForbiddenError(RingfenceError):
    """The request is not allowed."""


class UnavailableError(RingfenceError):
    """Something this depends on does not answer."""
