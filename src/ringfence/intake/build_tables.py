"""The rows kept of every file into tables, with all their columns."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.domain.identifiers import IdentifierKind
from ringfence.intake.dictionary import Dictionary
from ringfence.intake.pseudonyms import pseudonyms_of
from ringfence.intake.repeats import Verdict
from ringfence.intake.tables import CLAIMS, IDENTIFIERS, TABLES, Content, Table
from ringfence.market.pseudonym_key import PseudonymKey
from ringfence.market.rows import nullable, renumbered, tables_of_rows
from ringfence.market.tables import SCHEMAS, IdentifierValues, MarketTables

_IDENTIFIED = {
    "kind": pl.String,
    "buyer": pl.Int32,
    "value": pl.Int32,
    "first_at": pl.Int64,
    "last_at": pl.Int64,
}
CHANGING = tuple(column.name for column in CLAIMS.columns if column.may_change)
"""What a later row may change of a claim."""


class TablesBuilder:
    """Takes typed batches of every table and makes tables of them: people and values as numbers."""

    def __init__(self, key: PseudonymKey) -> None:
        self._key = key
        self._buyers = Dictionary(key.seed("buyers"))
        self._merchants = Dictionary(key.seed("merchants"))
        self._values = {kind: Dictionary(key.seed(f"{kind} values")) for kind in IdentifierKind}
        self._schemas: dict[str, dict[str, Any]] = {
            name: _IDENTIFIED if name == IDENTIFIERS.name else SCHEMAS[name] for name in TABLES
        }
        self._rows: dict[str, list[pl.DataFrame]] = {name: [] for name in TABLES}

    def add(self, table: Table, frame: pl.DataFrame) -> None:
        """Add the good rows of a batch."""
        columns = [frame[name] for name in frame.columns if name in self._schemas[table.name]]
        made = {column.name: column for column in columns}
        if "buyer_id" in frame.columns:
            made["buyer"] = pl.Series("buyer", self._buyers.encode(frame["buyer_id"]))
        if "merchant_id" in frame.columns:
            made["merchant"] = pl.Series("merchant", self._merchants.encode(frame["merchant_id"]))
        if table is IDENTIFIERS:
            made |= self._identified(frame)
        for kind in IdentifierKind:
            if table.column_content(kind.value) is Content.TEXT and kind.value in frame.columns:
                made[kind.value] = nullable(kind.value, self._values[kind].encode(frame[kind.value]))
        if "high_value" in made:
            made["high_value"] = made["high_value"] == "true"
        if "rate" in made:
            made["rate"] = made["rate"].cast(pl.String)
        self._rows[table.name].append(pl.DataFrame([column.alias(name) for name, column in made.items()]))

    def build(
        self, verdicts: Mapping[str, Verdict], step: Callable[[str], None]
    ) -> tuple[MarketTables, pl.DataFrame]:
        """Make the tables of the rows that the verdicts (by table) let stand, and `identified`.

        Rows stand in the order they came; `identified` are those of identifiers files. `step` is told of
        each step.
        """
        rows = {name: self._table(name) for name in TABLES}
        rows["identified"] = rows.pop(IDENTIFIERS.name)
        claims = rows["claims"]
        for name, verdict in verdicts.items():
            if not verdict.is_kept.all():
                rows[name] = rows[name].filter(pl.Series(verdict.is_kept))
        rows["changes"] = _last_words(claims, verdicts.get("claims"))
        rows["rates"] = rows["rates"].unique(("currency", "date"), keep="last", maintain_order=True)
        values = []
        for kind in IdentifierKind:
            made = self._pseudonymise(kind, rows, step)
            if made is not None:
                values.append(made)
        step("number rows")
        return tables_of_rows(self._buyers.texts(), self._merchants.texts(), tuple(values), rows)

    def _identified(self, frame: pl.DataFrame) -> dict[str, pl.Series]:
        numbers = np.full(len(frame), -1, np.int32)
        for kind in IdentifierKind:
            texts = frame.select(pl.when(pl.col("kind") == kind.value).then(pl.col("value")))["value"]
            codes = self._values[kind].encode(texts)
            numbers = np.where(codes >= 0, codes, numbers)
        seen = [name for name in ("first_seen", "last_seen") if name in frame.columns]
        times = frame.select(
            first_at=pl.min_horizontal(seen) if seen else pl.lit(None, pl.Int64),
            last_at=pl.max_horizontal(seen) if seen else pl.lit(None, pl.Int64),
        )
        return {
            "value": nullable("value", numbers),
            "first_at": times["first_at"],
            "last_at": times["last_at"],
        }

    def _table(self, name: str) -> pl.DataFrame:
        schema = self._schemas[name]
        batches = self._rows.pop(name)
        return pl.concat([pl.DataFrame(schema=schema), *batches], how="diagonal")

    def _pseudonymise(
        self, kind: IdentifierKind, rows: dict[str, pl.DataFrame], step: Callable[[str], None]
    ) -> IdentifierValues | None:
        """Pseudonymise what the rows name of one kind, and let them name the pseudonyms."""
        texts = self._values.pop(kind).texts()
        is_kind = {"identified": pl.col("kind") == kind.value}
        columns = {"identified": "value", "claims": kind.value, "orders": kind.value}
        columns = {name: column for name, column in columns.items() if column in rows[name].columns}
        is_used = np.zeros(len(texts), np.bool_)
        for name, column in columns.items():
            of_kind = rows[name].filter(is_kind.get(name, pl.lit(value=True)))
            is_used[of_kind[column].drop_nulls().to_numpy()] = True
        made = None
        place: NDArray[np.int32] = np.full(len(texts), -1, np.int32)
        if is_used.any():
            step(f"pseudonymise {kind}")
            made = pseudonyms_of(kind, texts, is_used, self._key, shared_only=False)
            place = made.place if made is not None else place
        for name, column in columns.items():
            moved = renumbered(rows[name][column], place)
            is_here = is_kind.get(name, pl.lit(value=True))
            rows[name] = rows[name].with_columns(
                pl.when(is_here).then(moved).otherwise(pl.col(column)).alias(column)
            )
        return made.values if made is not None else None


def _last_words(claims: pl.DataFrame, verdict: Verdict | None) -> pl.DataFrame:
    """Give what holds of the claims that later rows changed, one row a claim; an empty cell says nothing."""
    if verdict is None or not verdict.is_updated.any():
        return pl.DataFrame(schema=SCHEMAS["changes"])
    changed = claims.filter(pl.Series(verdict.is_updated))["claim_id"].unique()
    accepted = claims.filter(pl.Series(~verdict.is_conflicting)).filter(
        pl.col("claim_id").is_in(changed.implode())
    )
    return (
        accepted.group_by("claim_id", maintain_order=True)
        .agg(pl.col(name).drop_nulls().last() for name in CHANGING)
        .select(list(SCHEMAS["changes"]))
    )
