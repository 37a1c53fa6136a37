"""How a p-value is said: the chance of as strong a ring, and how many chance would be expected to show."""

import math

_LEAST_SHOWN = 1e-4
"""Lower p-values are not known better than this."""


def published_p_value(p_value: float | None) -> float | None:
    """Give a p-value as it is published: what is lower than is known stands as the least that is."""
    return None if p_value is None else max(p_value, _LEAST_SHOWN)


def chance_text(p_value: float) -> str:
    """Write a p-value (0 to 1) for people."""
    return f"≤ {_LEAST_SHOWN:.4f}" if p_value <= _LEAST_SHOWN else f"{p_value:.4f}"


def expected_by_chance(p_value: float) -> float:
    """Give how many rings as strong one marketplace of this shape shows by chance, infinite for 1.

    They come as a Poisson process: p = 1 - exp(-expected).
    """
    return -math.log1p(-p_value) if p_value < 1.0 else math.inf


def chance_sentence(p_value: float) -> str:
    """Say in one sentence what a p-value means."""
    expected = expected_by_chance(p_value)
    many = f"{expected:.2g}" if math.isfinite(expected) else "many"
    return (
        f"A marketplace of this shape without rings shows as strong a group with a chance of "
        f"{chance_text(p_value)} ({many} such groups expected)."
    )
