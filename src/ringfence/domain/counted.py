"""How many there are of something, in words."""


def counted(count: int, one: str, many: str | None = None) -> str:
    """Write how many there are, the noun in the number that fits: `1 ring`, `1,200 rings`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
