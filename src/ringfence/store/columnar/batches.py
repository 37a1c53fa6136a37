"""A load cut into batches, always in the same way: what others refer to first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.market.tables import IdentifierValues, MarketTables
from ringfence.store.columnar.numbers import Numbering, Numbers, numbers_of

PLAN = 2
"""Rises whenever rows are cut into batches otherwise, or numbered otherwise, by any store."""
CLEARED = 0
"""The plan of a load that is being cleared away."""
_CLAIMS = {
    "claims": ("claim_id", "buyer", "merchant", "filed_at", "amount", "currency"),
    "claim details": ("kind", "refunded", "status"),
}
"""What is kept of claims as columns, by name: what detection reads, and what else says of a buyer."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of one subject that are written together."""

    subject: str
    """A table of `MarketTables`; `identifiers`: new values, with columns kind, value, exact; `sketches`."""
    number: int
    """Among the batches of the subject (and kind), from 0."""
    size: int
    """Rows, for progress."""
    rows: pl.DataFrame | None
    """To be kept as rows, under the store's numbers; None for sketches, which are columns alone."""
    columns: Callable[[], Mapping[str, pl.DataFrame]]
    """Gives what is to be kept as columns, by name; empty for rows that detection does not read."""


class LoadBatches:
    """The rows of one load under the store's numbers."""

    def __init__(self, numbering: Numbering, load: int, tables: MarketTables, rows: int) -> None:
        """Number `tables` as load `load`; batches have up to `rows` rows."""
        self._numbering, self._load, self._tables, self._rows = numbering, load, tables, rows
        subjects = ("buyers", "merchants", "identifiers")
        self.last: dict[str, int] = {subject: numbering.last(subject, load) for subject in subjects}
        """The last numbers by subject, once the load is there."""
        self._buyers = self._numbers("buyers", tables.buyer_ids.to_list())
        self._merchants = self._numbers("merchants", tables.merchant_ids.to_list())
        self._values = {
            values.kind: self._numbers("identifiers", pseudonyms(values.exact)) for values in tables.values
        }

    def __iter__(self) -> Iterator[Batch]:
        """Give the batches in order."""
        tables = self._tables
        yield from self._people("buyers", "buyer", tables.buyer_ids, self._buyers)
        yield from self._people("merchants", "merchant", tables.merchant_ids, self._merchants)
        for values in tables.values:
            yield from self._identifiers(values)
            yield from self._sketches(values)
        yield from self._cut("uses", self._uses(), {"uses": ("buyer", "value")})
        yield from self._cut("claims", self._numbered("claims", "claim"), _CLAIMS)
        ordered = {"orders": ("buyer", "merchant", "ordered_at")}
        yield from self._cut("orders", self._numbered("orders", "order"), ordered)
        yield from self._cut("changes", tables.changes, {"changes": ("claim_id", "refunded", "status")})
        told = {"reports": ("report_id", "buyer", "merchant", "reported_at")}
        yield from self._cut("reports", self._numbered("reports", "report"), told)
        registered = {"buyer_details": ("buyer", "registered_at")}
        yield from self._cut("buyer_details", self._with_numbers(tables.buyers), registered)
        yield from self._cut("merchant_details", self._with_numbers(tables.merchants))
        yield from self._cut("rates", tables.rates)

    def _numbers(self, subject: str, names: Sequence[str] | Sequence[bytes]) -> Numbers:
        numbers = numbers_of(self._numbering, subject, self._load, names, self.last[subject])
        self.last[subject] += int(numbers.is_new.sum())
        return numbers

    def _people(self, subject: str, column: str, ids: pl.Series, numbers: Numbers) -> Iterator[Batch]:
        frame = pl.DataFrame({column: numbers.number, f"{column}_id": ids, "is_new": numbers.is_new})
        kept = {subject: (column, f"{column}_id")}
        yield from self._cut(subject, frame.filter("is_new").drop("is_new"), kept)

    def _identifiers(self, values: IdentifierValues) -> Iterator[Batch]:
        numbers, kind = self._values[values.kind], values.kind.value
        frame = pl.DataFrame(
            {"value": numbers.number[numbers.is_new], "exact": values.exact[numbers.is_new]},
            schema_overrides={"exact": pl.Array(pl.UInt8, values.exact.shape[1])},
        )
        for number, piece in enumerate(frame.iter_slices(self._rows)):
            if len(piece):
                rows = piece.with_columns(pl.lit(kind).alias("kind"))
                yield Batch("identifiers", number, len(piece), rows, partial(_named, f"values {kind}", piece))

    def _sketches(self, values: IdentifierValues) -> Iterator[Batch]:
        """Keep the sketches of new values; those of known ones are there."""
        numbers = self._values[values.kind]
        if values.sketches is None or not numbers.is_new.any():
            return
        kept = np.flatnonzero(numbers.is_new[values.sketches.value])
        # At least one batch, though it be empty: that a kind has sketches is to be seen from them.
        for number, begin in enumerate(range(0, max(1, len(kept)), self._rows)):
            rows = kept[begin : begin + self._rows]
            yield Batch("sketches", number, len(rows), None, partial(self._sketch_columns, values, rows))

    def _sketch_columns(self, values: IdentifierValues, rows: NDArray[np.int64]) -> dict[str, pl.DataFrame]:
        sketches, kind = values.sketches, values.kind.value
        if sketches is None:
            return {}
        sizes = sketches.start[rows + 1] - sketches.start[rows]
        ends = np.cumsum(sizes)
        at = np.repeat(sketches.start[rows] - (ends - sizes), sizes) + np.arange(sizes.sum())
        frame = pl.DataFrame(
            {
                "block": sketches.block[rows],
                "value": self._values[values.kind].number[sketches.value[rows]],
                "variant": sketches.variant[rows],
                "size": sizes.astype(np.uint16),
            }
        )
        return {
            f"sketches {kind}": frame,
            f"bigrams {kind}": pl.DataFrame({"bigram": sketches.bigrams[at]}),
        }

    def _uses(self) -> pl.DataFrame:
        """Give the uses under the store's numbers, in the order they are looked up by."""
        uses = self._tables.uses
        value = np.empty(len(uses), np.int32)
        kinds, places = uses["kind"], uses["value"].to_numpy()
        for kind, numbers in self._values.items():
            is_kind = (kinds == kind.value).to_numpy()
            value[is_kind] = numbers.number[places[is_kind]]
        named = self._with_numbers(uses).with_columns(pl.Series("value", value)).drop("kind")
        return named.sort("buyer", "value")

    def _numbered(self, subject: str, column: str) -> pl.DataFrame:
        rows = self._with_numbers(getattr(self._tables, subject))
        base = self._numbering.last(subject, self._load)
        number = pl.int_range(base + 1, base + 1 + len(rows), dtype=pl.Int64, eager=True)
        return rows.with_columns(number.alias(column))

    def _with_numbers(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Replace positions by the store's numbers."""
        columns = []
        for name, numbers in (("buyer", self._buyers), ("merchant", self._merchants)):
            if name in rows.columns:
                columns.append(pl.Series(name, numbers.number[rows[name].to_numpy()]))
        for kind, numbers in self._values.items():
            if kind.value in rows.columns:
                places = pl.Series(numbers.number)
                columns.append(places.gather(rows[kind.value]).alias(kind.value))
        return rows.with_columns(columns)

    def _cut(
        self, subject: str, rows: pl.DataFrame, kept: Mapping[str, Sequence[str]] = MappingProxyType({})
    ) -> Iterator[Batch]:
        """Cut a frame; of those columns that are `kept`, by name, Arrow files are to be kept too."""
        for number, piece in enumerate(rows.iter_slices(self._rows)):
            if len(piece):
                yield Batch(subject, number, len(piece), piece, partial(_chosen, piece, kept))


def pseudonyms(exact: NDArray[np.uint8]) -> list[bytes]:
    """Give the rows of uint8[V, size] one by one."""
    data, size = exact.tobytes(), exact.shape[1]
    return [data[at : at + size] for at in range(0, len(data), size)]


def _named(name: str, frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {name: frame}


def _chosen(frame: pl.DataFrame, kept: Mapping[str, Sequence[str]]) -> dict[str, pl.DataFrame]:
    return {name: frame.select(columns) for name, columns in kept.items()}
