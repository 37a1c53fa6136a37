"""The rows kept of every file into one market, in its canonical order."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.domain.currencies import EXPONENTS
from ringfence.domain.identifiers import IdentifierKind
from ringfence.intake.dictionary import Dictionary
from ringfence.intake.pseudonyms import pseudonymise
from ringfence.intake.repeats import Verdict
from ringfence.intake.tables import CLAIMS, ORDERS, TABLES, Content, Table
from ringfence.market import Claims, Identifiers, Market
from ringfence.market.canonical import claims_in_order, named, orders_in_order
from ringfence.market.pseudonym_key import PseudonymKey

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

_CURRENCIES = sorted(EXPONENTS)
_CURRENCY_CODE = {code: number for number, code in enumerate(_CURRENCIES)}
_TIME_COLUMN = {CLAIMS.name: "filed_at", ORDERS.name: "ordered_at"}


class TableRows:
    """The columns of one table that a market needs, batch after batch, people and values as numbers."""

    def __init__(self) -> None:
        self.claim_ids: list[pl.Series] = []
        self._columns: dict[str, list[NDArray[Any]]] = {}

    def add(self, name: str, values: NDArray[Any]) -> None:
        """Append a batch to column `name`; every batch has the same columns."""
        self._columns.setdefault(name, []).append(values)

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def take(self, name: str, is_kept: NDArray[np.bool_] | None) -> NDArray[Any]:
        """Give column `name` (KeyError if it is not there) of the kept rows and forget it."""
        whole = np.concatenate(self._columns.pop(name))
        return whole if is_kept is None or is_kept.all() else whole[is_kept]


class MarketBuilder:
    """Takes typed batches of every table and makes the market of them."""

    def __init__(self, key: PseudonymKey) -> None:
        self._key = key
        self._buyers = Dictionary(key.seed("buyers"))
        self._merchants = Dictionary(key.seed("merchants"))
        self._values = {kind: Dictionary(key.seed(f"{kind} values")) for kind in IdentifierKind}
        self.rows = {name: TableRows() for name in TABLES}

    def add(self, table: Table, frame: pl.DataFrame) -> None:
        """Add the good rows of a batch."""
        rows = self.rows[table.name]
        if table.name in ("merchants", "rates"):
            return
        rows.add("buyer", self._buyers.encode(frame["buyer_id"]))
        if table.name in _TIME_COLUMN:
            rows.add("merchant", self._merchants.encode(frame["merchant_id"]))
            rows.add("time", frame[_TIME_COLUMN[table.name]].to_numpy())
        if table is CLAIMS:
            rows.claim_ids.append(frame["claim_id"])
            rows.add("amount", frame["amount"].to_numpy())
            code = frame["currency"].replace_strict(_CURRENCY_CODE, return_dtype=pl.Int16)
            rows.add("currency", code.to_numpy())
        for kind in IdentifierKind:
            if table.name == "identifiers":
                is_kind = frame["kind"] == kind.value
                values = frame.select(pl.when(is_kind).then(pl.col("value")))["value"]
            elif kind.value in frame.columns:
                values = frame[kind.value]
            elif table.column_content(kind.value) is Content.TEXT:
                rows.add(kind.value, np.broadcast_to(np.int32(-1), len(frame)))
                continue
            else:
                continue
            rows.add(kind.value, self._values[kind].encode(values))

    def build(self, verdicts: dict[str, Verdict], step: Callable[[str], None]) -> Market:
        """Make the market of the rows that the verdicts (by table) let stand; `step` is told of each step."""
        kept = {name: verdicts[name].is_kept if name in verdicts else None for name in self.rows}
        step("order claims")
        buyers = {name: rows.take("buyer", kept[name]) for name, rows in self.rows.items() if "buyer" in rows}
        merchants = {
            name: rows.take("merchant", kept[name]) for name, rows in self.rows.items() if "merchant" in rows
        }
        buyer_ids, buyer_rank = named(self._buyers.texts(), list(buyers.values()))
        merchant_ids, merchant_rank = named(self._merchants.texts(), list(merchants.values()))
        buyer = {name: buyer_rank[codes] for name, codes in buyers.items()}
        merchant = {name: merchant_rank[codes] for name, codes in merchants.items()}
        identifiers = self._identifiers(kept, buyer, step)
        step("sort claims")
        claims, currencies = self._claims(kept["claims"], buyer["claims"], merchant["claims"])
        orders = None
        if "orders" in buyer:
            ordered_at = self.rows["orders"].take("time", kept["orders"])
            orders = orders_in_order(buyer["orders"], merchant["orders"], ordered_at)
        return Market(
            buyer_ids=buyer_ids,
            merchant_ids=merchant_ids,
            currencies=currencies,
            claims=claims,
            orders=orders,
            identifiers=identifiers,
        )

    def _identifiers(
        self, kept: dict[str, NDArray[np.bool_] | None], buyer: dict[str, Ints], step: Callable[[str], None]
    ) -> tuple[Identifiers, ...]:
        found: list[Identifiers] = []
        for kind in IdentifierKind:
            who: list[Ints] = []
            what: list[Ints] = []
            for name, rows in self.rows.items():
                if kind.value in rows:
                    codes = rows.take(kind.value, kept[name])
                    is_value = codes >= 0
                    who.append(buyer[name][is_value])
                    what.append(codes[is_value])
            if not who or not any(len(codes) for codes in what):
                continue
            step(f"pseudonymise {kind}")
            texts = self._values.pop(kind).texts()
            made = pseudonymise(kind, np.concatenate(who), np.concatenate(what), texts, self._key)
            if made is not None:
                found.append(made)
        return tuple(found)

    def _claims(
        self, is_kept: NDArray[np.bool_] | None, buyer: Ints, merchant: Ints
    ) -> tuple[Claims, tuple[str, ...]]:
        rows = self.rows["claims"]
        claim_id = pl.concat(rows.claim_ids, rechunk=False)
        rows.claim_ids.clear()
        if is_kept is not None and not is_kept.all():
            claim_id = claim_id.filter(pl.Series(is_kept))
        filed_at, amount = rows.take("time", is_kept), rows.take("amount", is_kept)
        code = rows.take("currency", is_kept)
        return claims_in_order(claim_id, buyer, merchant, filed_at, amount, code, _CURRENCIES)
