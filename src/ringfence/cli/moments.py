"""Times, as people write and read them."""

from datetime import UTC, datetime, timedelta

import typer

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_moment(written: str) -> datetime:
    """Read a day or a time in ISO 8601, UTC if it names no zone; for an option's `parser`."""
    try:
        given = datetime.fromisoformat(written)
    except ValueError:
        raise typer.BadParameter(
            f"{written!r} is no time; write 2027-01-31 or 2027-01-31T10:30, in UTC or with a zone such as "
            "+08:00."
        ) from None
    return given if given.tzinfo is not None else given.replace(tzinfo=UTC)


def as_moment(given: datetime | None) -> int | None:
    """Give a time as µs since 1970-01-01 UTC."""
    return None if given is None else (given - _EPOCH) // timedelta(microseconds=1)


def as_text(at: int | None) -> str | None:
    """Write a time (µs since 1970-01-01 UTC) as ISO 8601."""
    return None if at is None else f"{_EPOCH + timedelta(microseconds=at):%Y-%m-%dT%H:%M:%SZ}"
