"""Times, as people write and read them."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def as_moment(given: datetime | None) -> int | None:
    """Give a time that was told without a zone as µs since 1970-01-01 UTC."""
    return None if given is None else (given.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def as_text(at: int | None) -> str | None:
    """Write a time (µs since 1970-01-01 UTC) as ISO 8601."""
    return None if at is None else f"{_EPOCH + timedelta(microseconds=at):%Y-%m-%dT%H:%M:%SZ}"
