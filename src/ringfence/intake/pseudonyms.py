"""The values of one identifier kind and who used them, without the values."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.domain.identifiers import IdentifierKind
from ringfence.intake.dictionary import Numbering
from ringfence.intake.hmac_sha256 import hmac_sha256
from ringfence.intake.key import PseudonymKey
from ringfence.intake.messages import hash_messages, pick
from ringfence.intake.normalise import normalise
from ringfence.intake.sketch import SKETCHED_KINDS, sketch_values
from ringfence.market import Identifiers

Ints = NDArray[np.int32]


def pseudonymise(
    kind: IdentifierKind, buyer: Ints, value: Ints, texts: pl.Series, key: PseudonymKey
) -> Identifiers | None:
    """Give who used which value, E uses in any order and with repetitions.

    `buyer` and `value` are int32[E], `value` positions in `texts` (clear, distinct as written). None if no
    value says anything.
    """
    is_used = np.zeros(len(texts), np.bool_)
    is_used[value] = True
    used = np.flatnonzero(is_used)
    data, starts = normalise(kind, texts.gather(used))
    seed = key.seed("normal forms")
    normal = Numbering()
    codes = np.full(len(texts), -1, np.int32)
    codes[used], distinct = normal.encode(
        hash_messages(data, starts, np.uint64(seed)), starts[1:] == starts[:-1]
    )
    if len(normal) == 0:
        return None
    data, starts = pick(data, starts, distinct)
    exact = hmac_sha256(key.secret, kind.encode() + b"\x00", data, starts)
    words = exact.view(">u8").astype(np.uint64)
    order = np.argsort(words[:, 0])
    ranked = words[order, 0]
    if (ranked[1:] == ranked[:-1]).any():
        order = np.lexsort(words.T[::-1])
    rank = np.empty(len(order) + 1, np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    rank[-1] = -1
    final = rank[codes[value]]
    is_value = final >= 0
    uses = (buyer[is_value].astype(np.int64) << 32) | final[is_value]
    uses.sort()
    uses = uses[np.concatenate(([True], uses[1:] != uses[:-1]))]
    sketches = None
    if kind in SKETCHED_KINDS:
        sketches = sketch_values(kind, *pick(data, starts, order), key.secret, seed)
    return Identifiers(
        kind=kind,
        buyer=(uses >> 32).astype(np.int32),
        value=(uses & 0xFFFFFFFF).astype(np.int32),
        exact=exact[order],
        sketches=sketches,
    )
