"""Loads into the embedded store: batch by batch in short transactions, seen when the last one is done."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.leases import Lease
from ringfence.domain.loads import FileCount, Load, LoadSource, refuse_other_pseudonyms
from ringfence.domain.progress import Progress
from ringfence.market.tables import SCHEMAS, IdentifierValues, MarketTables
from ringfence.store.sqlite.clearing import clear_load
from ringfence.store.sqlite.columns import write_columns
from ringfence.store.sqlite.database import Database
from ringfence.store.sqlite.numbers import Numbers, last_number, numbers_of

BATCH_ROWS = 50_000
"""Rows a transaction writes."""
PLAN = 1
"""Rises whenever rows are cut into batches otherwise, or numbered otherwise."""
CLEARED = 0
"""The plan of a load that is being cleared away."""
_DETECTION = ["claim_id", "buyer", "merchant", "filed_at", "amount", "currency"]


@dataclass(frozen=True)
class _Batch:
    rows: int
    write: Callable[[], None]


def begin_load(database: Database, source: LoadSource, lease: Lease, now: int) -> tuple[int, int]:
    """Take up the interrupted load of this source, or begin one; give its number and the batches it has."""
    row = database.one("SELECT load, digest, plan, written FROM loads WHERE finished_at IS NULL")
    if row is not None and (row[1] != source.digest or row[2] != PLAN):
        with database.transaction(lease):
            database.run("UPDATE loads SET plan = ?, written = 0 WHERE load = ?", (CLEARED, row[0]))
        clear_load(database, row[0], lease)
    with database.transaction(lease):
        _check_pseudonyms(database, source)
        if row is not None and row[1] == source.digest and row[2] == PLAN:
            return int(row[0]), int(row[3])
        told = (source.digest, json.dumps(_told(source)), now, PLAN)
        if row is not None:
            database.run(
                "UPDATE loads SET digest = ?, source = ?, begun_at = ?, plan = ?, written = 0 WHERE load = ?",
                (*told, row[0]),
            )
            return int(row[0]), 0
        last = database.one("SELECT max(load) FROM loads")
        load = int(last[0] or 0) + 1 if last else 1
        database.run(
            "INSERT INTO loads (digest, source, begun_at, plan, load, written) VALUES (?, ?, ?, ?, ?, 0)",
            (*told, load),
        )
        return load, 0


def write_batches(
    database: Database,
    load: int,
    written: int,
    source: LoadSource,
    tables: MarketTables,
    lease: Lease,
    progress: Progress,
) -> None:
    """Write what an interrupted load lacks, each batch in a transaction with the note that it is there."""
    batches = list(Writing(database, load, source, tables).batches())
    progress.stage("write", sum(batch.rows for batch in batches))
    for number, batch in enumerate(batches):
        if number >= written:
            with database.transaction(lease):
                batch.write()
                database.run("UPDATE loads SET written = ? WHERE load = ?", (number + 1, load))
        progress.advance(batch.rows)
    progress.done()


def load_of_row(load: int, begun_at: int, finished_at: int | None, source: str) -> Load:
    """Read a row of `loads`."""
    told = json.loads(source)
    files = tuple(FileCount(**each) for each in told["files"])
    return Load(load, LoadSource(**{**told, "files": files}), begun_at, finished_at)


def _told(source: LoadSource) -> dict[str, Any]:
    return {
        "digest": source.digest,
        "key_id": source.key_id,
        "normaliser": source.normaliser,
        "files": [asdict(each) for each in source.files],
        "filled": {name: dict(columns) for name, columns in source.filled.items()},
    }


def _check_pseudonyms(database: Database, source: LoadSource) -> None:
    """Refuse another key or other rules than those of the complete loads; the first load sets them."""
    about = dict(database.all("SELECT name, value FROM about WHERE name IN ('key_id', 'normaliser')"))
    if database.one("SELECT 1 FROM loads WHERE finished_at IS NOT NULL") is not None:
        refuse_other_pseudonyms(about["key_id"], int(about["normaliser"]), source.key_id, source.normaliser)
    for name, value in (("key_id", source.key_id), ("normaliser", str(source.normaliser))):
        database.run("INSERT OR REPLACE INTO about (name, value) VALUES (?, ?)", (name, value))


class Writing:
    """The rows of one load under the store's numbers, cut into batches, always in the same way."""

    def __init__(self, database: Database, load: int, source: LoadSource, tables: MarketTables) -> None:
        self._database = database
        self._load = load
        self._normaliser = source.normaliser
        self._tables = tables
        self._buyers = self._numbers("buyers", tables.buyer_ids.to_list())
        self._merchants = self._numbers("merchants", tables.merchant_ids.to_list())
        self._values: dict[IdentifierKind, Numbers] = {}
        base = last_number(database, "identifiers", load)
        for values in tables.values:
            numbers = numbers_of(database, "identifiers", _pieces(values.exact), load, base)
            base += int(numbers.is_new.sum())
            self._values[values.kind] = numbers

    def batches(self) -> Iterator[_Batch]:
        """Give what is to be written, in order: first what others refer to."""
        tables, load = self._tables, pl.lit(self._load).alias("load")
        yield from self._people("buyers", "buyer", tables.buyer_ids, self._buyers)
        yield from self._people("merchants", "merchant", tables.merchant_ids, self._merchants)
        for values in tables.values:
            yield from self._identifiers(values)
            yield from self._sketches(values)
        uses = self._uses()
        yield from self._cut(uses.with_columns(load), "uses", kept=["buyer", "value"])
        claims, orders = self._numbered("claims", "claim"), self._numbered("orders", "order")
        yield from self._cut(claims, "claims", kept=_DETECTION)
        yield from self._cut(orders, "orders", kept=["buyer", "merchant", "ordered_at"])
        for piece in tables.changes.iter_slices(BATCH_ROWS):
            yield _Batch(len(piece), partial(self._change, piece))
        yield from self._cut(self._numbered("reports", "report"), "reports")
        yield from self._cut(self._with_numbers(tables.buyers).with_columns(load), "buyer_details")
        yield from self._cut(self._with_numbers(tables.merchants).with_columns(load), "merchant_details")
        yield from self._cut(tables.rates.with_columns(load), "rates")

    def _numbers(self, table: str, names: list[str]) -> Numbers:
        base = last_number(self._database, table, self._load)
        return numbers_of(self._database, table, names, self._load, base)

    def _people(self, table: str, column: str, ids: pl.Series, numbers: Numbers) -> Iterator[_Batch]:
        frame = pl.DataFrame({column: numbers.number, f"{column}_id": ids, "is_new": numbers.is_new})
        new = frame.filter("is_new").drop("is_new")
        yield from self._cut(new.with_columns(load=self._load), table, kept=[column, f"{column}_id"])

    def _identifiers(self, values: IdentifierValues) -> Iterator[_Batch]:
        numbers = self._values[values.kind]
        kind = values.kind.value
        number, exact = numbers.number[numbers.is_new], values.exact[numbers.is_new]
        for count, begin in enumerate(range(0, len(number), BATCH_ROWS)):
            piece = slice(begin, begin + BATCH_ROWS)
            yield _Batch(
                len(number[piece]),
                partial(self._write_values, kind, count, number[piece], exact[piece]),
            )

    def _write_values(
        self, kind: str, batch: int, number: NDArray[np.int32], exact: NDArray[np.uint8]
    ) -> None:
        self._database.run_many(
            "INSERT INTO identifiers (value, kind, exact, normaliser, load) VALUES (?, ?, ?, ?, ?)",
            (
                (value, kind, piece, self._normaliser, self._load)
                for value, piece in zip(number.tolist(), _pieces(exact), strict=True)
            ),
        )
        frame = pl.DataFrame({"value": number, "exact": exact})
        write_columns(self._database, self._load, f"values {kind}", batch, frame)

    def _sketches(self, values: IdentifierValues) -> Iterator[_Batch]:
        """Keep the sketches of new values; those of known ones are there."""
        sketches, numbers = values.sketches, self._values[values.kind]
        if sketches is None or not numbers.is_new.any():
            return
        kept = np.flatnonzero(numbers.is_new[sketches.value])
        # At least one batch, though it be empty: that a kind has sketches is to be seen from them.
        for count, begin in enumerate(range(0, max(1, len(kept)), BATCH_ROWS)):
            yield _Batch(
                len(kept[begin : begin + BATCH_ROWS]),
                partial(self._write_sketches, values, count, kept[begin : begin + BATCH_ROWS]),
            )

    def _write_sketches(self, values: IdentifierValues, batch: int, rows: NDArray[np.int64]) -> None:
        sketches, kind = values.sketches, values.kind.value
        if sketches is None:
            return
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
        write_columns(self._database, self._load, f"sketches {kind}", batch, frame)
        bigrams = pl.DataFrame({"bigram": sketches.bigrams[at]})
        write_columns(self._database, self._load, f"bigrams {kind}", batch, bigrams)

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

    def _numbered(self, table: str, column: str) -> pl.DataFrame:
        rows = self._with_numbers(getattr(self._tables, table))
        base = last_number(self._database, table, self._load)
        number = pl.int_range(base + 1, base + 1 + len(rows), dtype=pl.Int64, eager=True)
        return rows.with_columns(number.alias(column), pl.lit(self._load).alias("load"))

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

    def _cut(self, rows: pl.DataFrame, table: str, kept: list[str] | None = None) -> Iterator[_Batch]:
        """Cut a frame that has the table's columns; of those `kept`, Arrow files are kept too."""
        for count, piece in enumerate(rows.iter_slices(BATCH_ROWS)):
            if len(piece):
                yield _Batch(len(piece), partial(self._write, piece, table, count, kept))

    def _write(self, rows: pl.DataFrame, table: str, batch: int, kept: list[str] | None) -> None:
        names = ", ".join(f'"{name}"' for name in rows.columns)
        marks = ", ".join("?" * len(rows.columns))
        self._database.run_many(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows.rows())
        if kept is not None:
            write_columns(self._database, self._load, table, batch, rows.select(kept))

    def _change(self, rows: pl.DataFrame) -> None:
        names = [name for name in SCHEMAS["changes"] if name != "claim_id"]
        marks = ", ".join("?" * len(names))
        self._database.run_many(
            f"INSERT INTO claim_changes (claim, load, {', '.join(names)})"
            f" SELECT claim, ?, {marks} FROM claims WHERE claim_id = ?",
            rows.select(pl.lit(self._load), *names, "claim_id").rows(),
        )


def _pieces(exact: NDArray[np.uint8]) -> list[bytes]:
    """Give the pseudonyms one by one."""
    data, size = exact.tobytes(), exact.shape[1]
    return [data[at : at + size] for at in range(0, len(data), size)]
