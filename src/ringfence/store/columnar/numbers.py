"""The numbers under which buyers, merchants and values stand in a store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Numbering(Protocol):
    """What a store knows of numbers that loads before `load` gave; they grow from 1.

    The subjects are `buyers`, `merchants` and `identifiers` (of all kinds together), and `claims`, `orders`
    and `reports`, which are numbered without being asked for by name.
    """

    def last(self, subject: str, load: int) -> int:
        """Give the last number; 0 if there is none."""

    def known(self, subject: str, load: int, names: Sequence[str] | Sequence[bytes]) -> Mapping[Any, int]:
        """Give the numbers of those of `names` that have one."""


class NoNumbers:
    """The numbering of an empty store."""

    def last(self, subject: str, load: int) -> int:
        """Give 0."""
        return 0

    def known(self, subject: str, load: int, names: Sequence[str] | Sequence[bytes]) -> Mapping[Any, int]:
        """Know nobody."""
        return {}


@dataclass(frozen=True, eq=False)
class Numbers:
    """The numbers of N things."""

    number: NDArray[np.int32]
    """int32[N]."""
    is_new: NDArray[np.bool_]
    """bool[N]: not known to loads before."""


def numbers_of(
    numbering: Numbering, subject: str, load: int, names: Sequence[str] | Sequence[bytes], base: int
) -> Numbers:
    """Look up how loads before `load` number `names`, and number the others from `base` + 1 on.

    The same for an interrupted load when it is taken up, since what it wrote itself does not count.
    """
    number = np.zeros(len(names), np.int64)
    if numbering.last(subject, load):
        known = numbering.known(subject, load, names)
        number[:] = [known.get(name, 0) for name in names]
    is_new = number == 0
    number[is_new] = base + 1 + np.arange(int(is_new.sum()))
    return Numbers(number.astype(np.int32), is_new)
