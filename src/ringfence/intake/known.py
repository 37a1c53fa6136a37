"""Rows that were read held against what a store knows: new, repeated, updated, or in contradiction."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.domain.identifiers import IdentifierKind
from ringfence.intake.account import FileAccount, check_rejected, enter_verdict, rejected_rows
from ringfence.intake.build_tables import CHANGING
from ringfence.intake.load_tables import IntakeTables
from ringfence.intake.repeats import Verdict
from ringfence.intake.tables import TABLES, Table
from ringfence.market.rows import tables_of_rows
from ringfence.market.tables import SCHEMAS, KnownRows, MarketTables

Bools = NDArray[np.bool_]
Longs = NDArray[np.int64]
_WORD_BYTES, _WORDS = 8, 4


@dataclass(frozen=True)
class _Met:
    """The rows of one table whose ids are known, R of them, beside what is known."""

    row: Longs
    """int64[R], their positions in the table."""
    is_updated: Bools
    """bool[R]: differ in what may change."""
    conflicts: tuple[tuple[str, Longs], ...]
    """By column, which of the R contradict what is known in it."""
    changes: pl.DataFrame
    """What holds from now on of claims that the rows change."""
    unheard: tuple[str, ...]
    """Columns that may not change, are empty in what is known, and are filled in some row."""

    @property
    def is_conflicting(self) -> Bools:
        """bool[R]."""
        found = np.zeros(len(self.row), np.bool_)
        for _, rows in self.conflicts:
            found[rows] = True
        return found


def hold_against(intake: IntakeTables, known: KnownRows, max_rejected: float) -> IntakeTables:
    """Leave the rows that are new, and what is new about known claims; account for all others.

    An empty cell says nothing: it neither contradicts nor changes. Raises TooManyRejectedError if the share
    of a file's rows that are bad, or contradict what is known, is more than `max_rejected`.
    """
    tables, warnings = intake.tables, list(intake.warnings)
    accounts = [replace(account, bad=list(account.bad)) for account in intake.accounts]
    rows = {
        name: getattr(tables, name)
        for name in ("claims", "changes", "orders", "reports", "merchants", "buyers", "rates")
    }
    for name in ("claims", "orders", "reports"):
        frame = getattr(known, name)
        if frame.is_empty() or rows[name].is_empty():
            continue
        table = TABLES[name]
        met = _meet(table, tables, frame)
        _account(accounts, table, intake.verdicts[name], met)
        is_new = np.ones(len(rows[name]), np.bool_)
        is_new[met.row] = False
        if name == "claims":
            about_known = rows[name].filter(pl.Series(~is_new))["claim_id"].implode()
            own = rows["changes"].filter(~pl.col("claim_id").is_in(about_known))
            rows["changes"] = pl.concat([own, met.changes])
        rows[name] = rows[name].filter(pl.Series(is_new))
        if met.unheard:
            warnings.append(
                f"{name} that are known came with more columns than before ({', '.join(met.unheard)}); what "
                "was empty stays empty"
            )
    check_rejected(accounts, max_rejected)
    rows["identified"] = intake.identified
    left, identified = tables_of_rows(tables.buyer_ids, tables.merchant_ids, tables.values, rows)
    return IntakeTables(
        tables=left,
        files=tuple(account.count() for account in accounts),
        warnings=tuple(warnings),
        rejected=rejected_rows(accounts),
        identified=identified,
        accounts=tuple(accounts),
        verdicts=intake.verdicts,
    )


def _meet(table: Table, tables: MarketTables, known: pl.DataFrame) -> _Met:
    """Compare the rows whose ids are known with what is known."""
    rows: pl.DataFrame = getattr(tables, table.name)
    named = {name: rows[name] if name in rows.columns else _people(name, rows, tables) for name in table.key}
    beside = (
        pl.DataFrame(named)
        .with_row_index("row")
        .join(known, on=table.key, how="inner", maintain_order="left")
    )
    places = beside["row"].cast(pl.Int64).to_numpy()
    mine = rows[places]
    is_open = np.ones(len(places), np.bool_)
    conflicts: list[tuple[str, Longs]] = []
    unheard: list[str] = []
    for column in table.columns:
        if column.name in table.key or column.may_change:
            continue
        differs, fills = _compare(column.name, mine, beside, tables)
        found = np.flatnonzero(differs & is_open)
        if len(found):
            conflicts.append((column.name, found))
            is_open[found] = False
        if (fills & is_open).any():
            unheard.append(column.name)
    is_updated = np.zeros(len(places), np.bool_)
    changes = pl.DataFrame(schema=SCHEMAS["changes"])
    if table.name == "claims":
        before = beside.select(CHANGING)
        is_updated = _differ(_over(mine, before), before)
        last = _over(
            mine.select("claim_id").join(tables.changes, on="claim_id", how="left", maintain_order="left"),
            _over(mine, before),
        )
        is_changed = _differ(last, before) & is_open
        changes = mine.select("claim_id").hstack(last).select(list(SCHEMAS["changes"]))
        changes = changes.filter(pl.Series(is_changed))
    return _Met(places, is_updated & is_open, tuple(conflicts), changes, tuple(unheard))


def _compare(name: str, mine: pl.DataFrame, known: pl.DataFrame, tables: MarketTables) -> tuple[Bools, Bools]:
    """Tell where two filled cells differ, and where a filled cell meets an empty one."""
    theirs = known[name]
    is_kind = any(name == kind.value for kind in IdentifierKind)
    ours = mine[name] if name in mine.columns else _people(name, mine, tables)
    fills = (ours.is_not_null() & theirs.is_null()).to_numpy()
    both = (ours.is_not_null() & theirs.is_not_null()).to_numpy()
    if not is_kind:
        return both & (ours != theirs).fill_null(value=False).to_numpy(), fills
    differs = np.zeros(len(both), np.bool_)
    places = np.flatnonzero(both)
    if len(places):
        (exact,) = (each.exact for each in tables.values if each.kind.value == name)
        mine_words = exact[ours.gather(places).to_numpy()].view(">u8")
        known_bytes = theirs.gather(places)
        for word in range(_WORDS):
            piece = known_bytes.bin.slice(word * _WORD_BYTES, _WORD_BYTES)
            known_word = piece.bin.reinterpret(dtype=pl.UInt64, endianness="big").to_numpy()
            differs[places] |= mine_words[:, word] != known_word
    return differs, fills


def _people(name: str, rows: pl.DataFrame, tables: MarketTables) -> pl.Series:
    """Give the ids, buyer_id or merchant_id, of whom rows name by their places."""
    ids = {"buyer_id": tables.buyer_ids, "merchant_id": tables.merchant_ids}[name]
    return ids.gather(rows[name.removesuffix("_id")])


def _over(rows: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Give what may change as `rows` say it, or else as it was `before`."""
    return pl.DataFrame([rows[name].zip_with(rows[name].is_not_null(), before[name]) for name in CHANGING])


def _differ(now: pl.DataFrame, before: pl.DataFrame) -> Bools:
    """Tell in which rows anything that may change differs."""
    found = np.zeros(len(now), np.bool_)
    for name in CHANGING:
        found |= now[name].ne_missing(before[name]).to_numpy()
    return found


def _account(accounts: list[FileAccount], table: Table, verdict: Verdict, met: _Met) -> None:
    """Tell each file which of its rows repeat, update or contradict what is known.

    Whatever else the files said of a claim that contradicts what is known is rejected with it.
    """
    kept = np.flatnonzero(verdict.is_kept)
    first = verdict.first if verdict.first is not None else np.arange(len(verdict.is_kept))
    is_repeated, is_updated = verdict.is_repeated.copy(), verdict.is_updated.copy()
    is_repeated[kept[met.row[~met.is_updated]]] = True
    is_updated[kept[met.row[met.is_updated]]] = True
    is_conflicting = np.zeros(len(first), np.bool_)
    conflicts: list[tuple[str, Longs]] = []
    for column, rows in met.conflicts:
        is_head = np.zeros(len(first), np.bool_)
        is_head[kept[met.row[rows]]] = True
        found = np.flatnonzero(is_head[first] & ~verdict.is_conflicting)
        is_conflicting[found] = True
        conflicts.append((column, found))
    together = Verdict(
        is_kept=verdict.is_kept,
        is_repeated=is_repeated & ~is_conflicting,
        is_updated=is_updated & ~is_conflicting,
        is_conflicting=is_conflicting,
        conflicts=tuple(conflicts),
    )
    mine = [account for account in accounts if account.table == table.name]
    enter_verdict(mine, together, f"differs from what is known of the same {' and '.join(table.key)}")
