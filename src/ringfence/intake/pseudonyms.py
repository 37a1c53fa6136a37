"""The values of one identifier kind and who used them, without the values."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.domain.identifiers import IdentifierKind
from ringfence.intake.dictionary import Numbering
from ringfence.intake.hmac_sha256 import hmac_sha256
from ringfence.intake.messages import hash_messages, pick
from ringfence.intake.normalise import normalise
from ringfence.intake.sketch import SKETCHED_KINDS, sketch_values
from ringfence.market import Identifiers
from ringfence.market.canonical import distinct_uses, order_of_values
from ringfence.market.pseudonym_key import PseudonymKey
from ringfence.market.tables import IdentifierValues

Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Pseudonyms:
    """What became of texts of one kind."""

    values: IdentifierValues
    place: Ints
    """int32 by text: where its value stands in `values.exact`; -1 where it says nothing or is not used."""


def pseudonyms_of(
    kind: IdentifierKind,
    texts: pl.Series,
    is_used: NDArray[np.bool_],
    key: PseudonymKey,
    *,
    shared_only: bool,
) -> Pseudonyms | None:
    """Pseudonymise the texts in use (clear, distinct as written); None if none of them says anything.

    Blocks of sketches that one value alone falls into are left out if `shared_only`.
    """
    used = np.flatnonzero(is_used)
    data, starts = normalise(kind, texts.gather(used))
    seed = key.seed("normal forms")
    normal = Numbering()
    codes, distinct = normal.encode(hash_messages(data, starts, np.uint64(seed)), starts[1:] == starts[:-1])
    if len(normal) == 0:
        return None
    data, starts = pick(data, starts, distinct)
    exact = hmac_sha256(key.secret, kind.encode() + b"\x00", data, starts)
    order = order_of_values(exact)
    rank = np.empty(len(order) + 1, np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    rank[-1] = -1
    place = np.full(len(texts), -1, np.int32)
    place[used] = rank[codes]
    sketches = None
    if kind in SKETCHED_KINDS:
        ordered = pick(data, starts, order)
        sketches = sketch_values(kind, *ordered, key.secret, seed, shared_only=shared_only)
    return Pseudonyms(IdentifierValues(kind, exact[order], sketches), place)


def pseudonymise(
    kind: IdentifierKind, buyer: Ints, value: Ints, texts: pl.Series, key: PseudonymKey
) -> Identifiers | None:
    """Give who used which value, E uses in any order and with repetitions.

    `buyer` and `value` are int32[E], `value` positions in `texts` (clear, distinct as written). None if no
    value says anything.
    """
    is_used = np.zeros(len(texts), np.bool_)
    is_used[value] = True
    made = pseudonyms_of(kind, texts, is_used, key, shared_only=True)
    if made is None:
        return None
    final = made.place[value]
    is_value = final >= 0
    buyers, values = distinct_uses(buyer[is_value], final[is_value])
    return Identifiers(kind, buyers, values, made.values.exact, made.values.sketches)
