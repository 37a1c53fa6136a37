"""The values of one identifier kind and who used them, without the values."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.domain.identifiers import IdentifierKind
from ringfence.intake.dictionary import Dictionary
from ringfence.intake.hmac_sha256 import hmac_sha256
from ringfence.intake.key import PseudonymKey
from ringfence.intake.normalise import normalise
from ringfence.intake.sketch import SKETCHED_KINDS, sketch_values
from ringfence.intake.text import as_bytes
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
    names = Dictionary(key.seed("normalised values"))
    codes = np.full(len(texts), -1, np.int32)
    codes[used] = names.encode(normalise(kind, texts.gather(used)))
    if len(names) == 0:
        return None
    normal = names.texts()
    data, starts = as_bytes(normal)
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
    sketches = sketch_values(kind, normal.gather(order), key.secret) if kind in SKETCHED_KINDS else None
    return Identifiers(
        kind=kind,
        buyer=(uses >> 32).astype(np.int32),
        value=(uses & 0xFFFFFFFF).astype(np.int32),
        exact=exact[order],
        sketches=sketches,
    )
