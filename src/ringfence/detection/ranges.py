"""Ranges of detection parameters."""

from ringfence.domain.errors import InvalidError


class InvalidParameterError(InvalidError):
    """A detection parameter is outside its range."""

    def __init__(self, name: str, value: object, remedy: str) -> None:
        self.name, self.value = name, value
        super().__init__(f"detection parameter {name}={value!r} is out of range: {remedy}")


def require_positive(parameters: object, *names: str) -> None:
    """Raise InvalidParameterError unless the named fields of `parameters` are above 0."""
    for name in names:
        if not getattr(parameters, name) > 0:
            raise InvalidParameterError(name, getattr(parameters, name), "give a number above 0")


def require_count(parameters: object, *names: str) -> None:
    """Raise InvalidParameterError unless the named fields of `parameters` are 1 or more."""
    for name in names:
        if getattr(parameters, name) < 1:
            raise InvalidParameterError(name, getattr(parameters, name), "give a whole number from 1 up")


def require_share(parameters: object, *names: str) -> None:
    """Raise InvalidParameterError unless the named fields of `parameters` are above 0 and at most 1."""
    for name in names:
        if not 0 < getattr(parameters, name) <= 1:
            raise InvalidParameterError(name, getattr(parameters, name), "give a number above 0, up to 1")
