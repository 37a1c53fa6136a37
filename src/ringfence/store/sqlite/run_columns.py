"""The long tables of a run in SQLite: kept as columns, found by keys that lead to a few batches of rows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import polars as pl

from ringfence.domain.leases import Lease
from ringfence.domain.progress import Progress
from ringfence.store.columnar import run_layout
from ringfence.store.columnar.run_layout import LONG, ROWS_A_BATCH
from ringfence.store.sqlite.database import Database

_BATCHES_A_TRANSACTION = 16
_KEYS_A_TRANSACTION = 10_000


class RunColumns:
    """The batches of runs, whatever state their run is in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(
        self, run_id: int, tables: Mapping[str, pl.DataFrame], lease: Lease, progress: Progress
    ) -> None:
        """Write the long tables among `tables`, some batches a transaction."""
        for table in LONG:
            if table not in tables:
                continue
            laid = run_layout.lay_out(table, tables)
            self._write(
                "INSERT INTO run_keys (run, subject, key, batches) VALUES (?, ?, ?, ?)",
                _slices(_rows(run_id, table, laid.keys), _KEYS_A_TRANSACTION),
                lease,
            )
            batches = enumerate(laid.rows.iter_slices(ROWS_A_BATCH[table]))
            while group := list(islice(batches, _BATCHES_A_TRANSACTION)):
                rows = [(run_id, table, number, run_layout.batch_of(table, batch)) for number, batch in group]
                insert = "INSERT INTO run_columns (run, subject, batch, columns) VALUES (?, ?, ?, ?)"
                self._write(insert, [rows], lease)
                progress.advance(sum(batch.height for _, batch in group))
            if table == "evidence":
                targets = run_layout.targets(tables["evidence"])
                insert = "INSERT INTO targets (run, merchant_id, ring_ids) VALUES (?, ?, ?)"
                self._write(insert, _slices(_rows(run_id, None, targets), _KEYS_A_TRANSACTION), lease)

    def read(self, run_id: int, table: str) -> pl.DataFrame:
        """Give a whole table, `place` beside its columns."""
        return _rows_of(
            table,
            self._database.all(
                "SELECT columns FROM run_columns WHERE run = ? AND subject = ?", (run_id, table)
            ),
        )

    def joint_claims(self, run_id: int, ring_ids: Sequence[str]) -> pl.DataFrame:
        """Give the joint claims of rings, ring by ring as asked for, by event, then time."""
        return run_layout.joint_claims(self._find(run_id, "evidence", ring_ids), ring_ids)

    def links_inside(self, run_id: int, members: Sequence[tuple[str, str]]) -> pl.DataFrame:
        """Give ring_id and links between members of one ring, best first; `members` are (ring_id, buyer_id),
        rings in the order asked for."""
        found = self._find(run_id, "links", [buyer_id for _, buyer_id in members])
        return run_layout.links_inside(found, members)

    def links_of(self, run_id: int, buyer_id: str) -> pl.DataFrame:
        """Give all links of a buyer, best first."""
        return run_layout.links_of(self._find(run_id, "links", (buyer_id,)), buyer_id)

    def links_from(self, run_id: int, buyer_ids: Sequence[str]) -> pl.DataFrame:
        """Give all links of any of these buyers, best first."""
        return run_layout.links_from(self._find(run_id, "links", buyer_ids), buyer_ids)

    def of_buyers(self, run_id: int, table: str, buyer_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Give the rows of buyers, by column, in a table that has one of each."""
        asked = list(dict.fromkeys(buyer_ids))
        found = self._database.all(
            "SELECT columns FROM run_columns WHERE run = :run AND subject = :subject AND batch IN ("
            " SELECT (SELECT json_extract(batches, '$[0]') FROM run_keys"
            " WHERE run = :run AND subject = :subject AND key <= asked.value ORDER BY key DESC LIMIT 1)"
            " FROM json_each(:keys) AS asked)",
            {"run": run_id, "subject": table, "keys": json.dumps(asked)},
        )
        return run_layout.rows_with(_rows_of(table, found), "buyer_id", asked)

    def _find(self, run_id: int, table: str, keys: Sequence[str]) -> pl.DataFrame:
        """Give the batches that hold the rows of keys: those rows, and others beside them."""
        return _rows_of(
            table,
            self._database.all(
                "SELECT columns FROM run_columns WHERE run = :run AND subject = :subject AND batch IN ("
                " SELECT b.value FROM json_each(:keys) AS asked"
                " CROSS JOIN run_keys AS k CROSS JOIN json_each(k.batches) AS b"
                " WHERE k.run = :run AND k.subject = :subject AND k.key = asked.value)",
                {"run": run_id, "subject": table, "keys": json.dumps(list(dict.fromkeys(keys)))},
            ),
        )

    def _write(self, insert: str, pieces: "Iterator[_Rows] | list[_Rows]", lease: Lease) -> None:
        for rows in pieces:
            with self._database.transaction(lease):
                self._database.run_many(insert, rows)


_Rows = list[tuple[Any, ...]]


def _rows(run_id: int, table: str | None, lists: pl.DataFrame) -> _Rows:
    """Give (run, table if there is one, name, JSON list) for a frame of names and lists."""
    told = (run_id,) if table is None else (run_id, table)
    return [(*told, name, json.dumps(values)) for name, values in lists.iter_rows()]


def _slices(rows: _Rows, length: int) -> Iterator[_Rows]:
    return (rows[first : first + length] for first in range(0, len(rows), length))


def _rows_of(table: str, found: Sequence[tuple[bytes]]) -> pl.DataFrame:
    return run_layout.rows_of(table, [columns for (columns,) in found])
