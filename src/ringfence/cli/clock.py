"""What time it is."""

import time


def clock() -> int:
    """Give the time now, µs since 1970-01-01 UTC."""
    return time.time_ns() // 1000
