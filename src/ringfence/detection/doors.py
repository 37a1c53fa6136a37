"""Addresses written differently that are one door, found from sketches alone."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.market import Identifiers, Ints, Longs

LEAST_LIKENESS = 0.5
"""Bigram Dice from which two addresses with the same digits are one door."""
LARGEST_BLOCK = 4_000
"""Blocks of more distinct values are left as written: comparing all pairs there would never end."""


def doors(identifiers: Identifiers, *, likeness: float = LEAST_LIKENESS) -> Ints:
    """Give int32[V], for each value the lowest-numbered value of its door.

    Two values with equal digits are one door if the Dice coefficient of their letter bigrams is at least
    `likeness`; doors are the connected components of that, so that neither the order of rows nor that of
    hashes matters. Values without letters match only exactly. Blocks with a digit dropped are left alone:
    as doors or as identifiers of their own they drew neighbours into rings, and found no member more.
    """
    door = np.arange(len(identifiers.exact), dtype=np.int32)
    sketches = identifiers.sketches
    if sketches is None or len(sketches) == 0:
        return door
    rows = np.flatnonzero(sketches.variant == 0)
    if len(rows):
        _merge(door, rows, sketches.block, sketches.value, sketches.start, sketches.bigrams, likeness)
    return door


@njit(cache=True, nogil=True)
def _root(door: Ints, value: int) -> int:
    while door[value] != value:
        door[value] = door[door[value]]
        value = door[value]
    return value


@njit(cache=True, nogil=True)
def _common(bigrams: NDArray[np.uint32], a: int, a_end: int, b: int, b_end: int) -> int:
    """Count what two rising lists have in common."""
    common = 0
    while a < a_end and b < b_end:
        if bigrams[a] == bigrams[b]:
            common += 1
            a += 1
            b += 1
        elif bigrams[a] < bigrams[b]:
            a += 1
        else:
            b += 1
    return common


@njit(cache=True, nogil=True)
def _merge(
    door: Ints,
    rows: NDArray[np.intp],
    block: NDArray[np.uint64],
    value: Ints,
    start: Longs,
    bigrams: NDArray[np.uint32],
    likeness: float,
) -> None:
    """Join the values of each block that are alike; `rows` rise, so rows of one block stand together."""
    begin = 0
    while begin < len(rows):
        end = begin
        while end < len(rows) and block[rows[end]] == block[rows[begin]]:
            end += 1
        if end - begin <= LARGEST_BLOCK:
            for i in range(begin, end):
                a = rows[i]
                letters_a = start[a + 1] - start[a]
                for j in range(i + 1, end):
                    b = rows[j]
                    letters_b = start[b + 1] - start[b]
                    if letters_a == 0 or letters_b == 0:
                        continue
                    root_a, root_b = _root(door, value[a]), _root(door, value[b])
                    if root_a == root_b:
                        continue
                    common = _common(bigrams, start[a], start[a + 1], start[b], start[b + 1])
                    if 2 * common >= likeness * (letters_a + letters_b):
                        door[max(root_a, root_b)] = min(root_a, root_b)
        begin = end
    for i in range(len(door)):
        door[i] = _root(door, i)
