"""Days as people read them."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day_text(at: int) -> str:
    """Write the day of a moment (µs since 1970-01-01 UTC): "2026-05-01"."""
    return f"{_EPOCH + timedelta(microseconds=at):%Y-%m-%d}"
