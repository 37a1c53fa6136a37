"""Candidate groups: the holders of each rare value, and the chains that such values tie together."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.detection.methods.identifiers.parameters import IdentifierParameters
from ringfence.detection.sharing import Sharing, fingerprints, level
from ringfence.market import Floats, Ints, Longs

_CHAIN = 127
"""The kind of a chain, which is held together by values of any kind."""


class Groups(NamedTuple):
    """G distinct groups of buyers who share identifiers, smaller ones first."""

    start: Longs
    """int64[G + 1], where each group's members begin in `member`."""
    member: Ints
    """int32, each group's buyers, rising."""
    among: Floats
    """float64[G], decades of how many groups a group is singled out from: those of its kind and size, times
    the number of kinds and sizes."""

    def members(self, group: int) -> Longs:
        """Give the members of a group: int64, rising."""
        return self.member[self.start[group] : self.start[group + 1]].astype(np.int64)


def candidate_groups(sharing: Sharing, is_left_out: NDArray[np.bool_], rules: IdentifierParameters) -> Groups:
    """List the groups that are judged, each set of buyers once.

    `is_left_out` (bool[n]) marks buyers who are in no group. The holders of a value are a group if they are
    2 to `most_holders`; buyers connected by values of at most `chain_holders` are one if they are
    `shortest_chain` to `longest_chain`. Values that more buyers hold are skipped, and so are larger chains,
    so that the work is bounded by the number of uses. A set held by values of several kinds counts for the
    first kind.
    """
    held, held_start, kind = _held(sharing, is_left_out, rules.most_holders)
    tied, tied_start = _chains(
        sharing, is_left_out, rules.chain_holders, rules.shortest_chain, rules.longest_chain
    )
    member = np.concatenate((held, tied))
    start = np.concatenate((held_start, held_start[-1] + tied_start[1:]))
    kind = np.concatenate((kind, np.full(len(tied_start) - 1, _CHAIN, np.int8)))
    size = np.diff(start)
    order = np.lexsort((kind, fingerprints(member, start), member[start[:-1]], size))
    kept = order[_is_new(member, start, order)]
    member, start = _pick(member, start, kept)
    stratum = kind[kept].astype(np.int64) * 64 + np.array([level(n) for n in size[kept].tolist()], np.int64)
    _, of, count = np.unique(stratum, return_inverse=True, return_counts=True)
    among = np.log10(count[of] * float(max(len(count), 1)))
    return Groups(start, member, among)


@njit(cache=True, nogil=True)
def _held(
    sharing: Sharing, is_left_out: NDArray[np.bool_], most: int
) -> tuple[Ints, Longs, NDArray[np.int8]]:
    """List the holders of values with 2 to `most` of them: (holders, where each list begins, kinds)."""
    values = len(sharing.kind)
    member = np.empty(len(sharing.holder), np.int32)
    start = np.zeros(values + 1, np.int64)
    kind = np.empty(values, np.int8)
    end = groups = 0
    for value in range(values):
        first, last = sharing.holder_start[value], sharing.holder_start[value + 1]
        if last - first > most:
            continue
        size = 0
        for i in range(first, last):
            if not is_left_out[sharing.holder[i]]:
                member[end + size] = sharing.holder[i]
                size += 1
        if size >= 2:
            end += size
            kind[groups] = sharing.kind[value]
            groups += 1
            start[groups] = end
    return member[:end], start[: groups + 1], kind[:groups]


@njit(cache=True, nogil=True)
def _root(parent: Ints, buyer: int) -> int:
    while parent[buyer] != buyer:
        parent[buyer] = parent[parent[buyer]]
        buyer = parent[buyer]
    return buyer


@njit(cache=True, nogil=True)
def _chains(
    sharing: Sharing, is_left_out: NDArray[np.bool_], most_holders: int, shortest: int, longest: int
) -> tuple[Ints, Longs]:
    """List the buyers that values of at most `most_holders` connect: (buyers, where each chain begins)."""
    buyers = len(sharing.value_start) - 1
    parent = np.arange(buyers).astype(np.int32)
    for value in range(len(sharing.kind)):
        first, last = sharing.holder_start[value], sharing.holder_start[value + 1]
        if last - first > most_holders:
            continue
        one = -1
        for i in range(first, last):
            if not is_left_out[sharing.holder[i]]:
                other = _root(parent, sharing.holder[i])
                if one >= 0 and one != other:
                    # The smallest buyer is the root, so that chains come in the order of buyers.
                    parent[max(one, other)] = min(one, other)
                    other = min(one, other)
                one = other
    size = np.zeros(buyers, np.int32)
    for buyer in range(buyers):
        parent[buyer] = _root(parent, buyer)
        size[parent[buyer]] += 1
    start = np.zeros(buyers + 1, np.int64)
    place = np.full(buyers, -1)
    chains = 0
    for buyer in range(buyers):
        if parent[buyer] == buyer and shortest <= size[buyer] <= longest:
            place[buyer] = start[chains]
            start[chains + 1] = start[chains] + size[buyer]
            chains += 1
    member = np.empty(start[chains], np.int32)
    for buyer in range(buyers):
        root = parent[buyer]
        if place[root] >= 0:
            member[place[root]] = buyer
            place[root] += 1
    return member, start[: chains + 1].copy()


@njit(cache=True, nogil=True)
def _is_new(member: Ints, start: Longs, order: Longs) -> NDArray[np.bool_]:
    """Say for each list, in `order`, whether it differs from the one before."""
    out = np.ones(len(order), np.bool_)
    for i in range(1, len(order)):
        one, other = order[i - 1], order[i]
        size = start[one + 1] - start[one]
        if size != start[other + 1] - start[other]:
            continue
        is_new = False
        for j in range(size):
            is_new |= member[start[one] + j] != member[start[other] + j]
        out[i] = is_new
    return out


@njit(cache=True, nogil=True)
def _pick(member: Ints, start: Longs, kept: Longs) -> tuple[Ints, Longs]:
    """Give the lists `kept`, in that order."""
    out_start = np.zeros(len(kept) + 1, np.int64)
    for i in range(len(kept)):
        out_start[i + 1] = out_start[i] + start[kept[i] + 1] - start[kept[i]]
    out = np.empty(out_start[-1], np.int32)
    for i in range(len(kept)):
        out[out_start[i] : out_start[i + 1]] = member[start[kept[i]] : start[kept[i] + 1]]
    return out, out_start
