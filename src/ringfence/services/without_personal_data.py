"""A history for people to browse: whom they may act on stays, what else tells of persons is left out."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from ringfence.domain.audit import Head, SealedEntry
from ringfence.domain.errors import InvalidError
from ringfence.domain.loads import BROWSING_KEY_ID, Load
from ringfence.domain.records import RecordKind, RecordState
from ringfence.domain.ring_decisions import fold
from ringfence.domain.runs import Run
from ringfence.market import Ints
from ringfence.market.canonical import order_of_values
from ringfence.market.rows import renumbered
from ringfence.market.tables import IdentifierValues, MarketTables
from ringfence.services.detect_in_store import PUBLISHED_ANYWAY
from ringfence.store import PastRun
from ringfence.store.history import History, PastRecord
from ringfence.store.reports import FiledReport

LEFT_OUT = "(left out)"
_OF_MERCHANTS = ("name", "owner", "return_address")
_FREE_TEXTS = ("reason", "text")


class WithoutPersonalData:
    """Another history without pseudonyms, sketches, API keys, the audit, merchants' names, and people's names
    and words.

    Each value, and each person who decided, gets a name that this history alone can give again, since it is
    made under the digest of the first load, which is left out too.
    """

    def __init__(self, history: History) -> None:
        """Raises InvalidError for a history without loads: there is nothing to browse."""
        if not history.loads:
            raise InvalidError("Nothing is loaded in the store, so there is nothing to browse in a copy.")
        self._history = history
        self._secret = _hash("pseudonyms", history.loads[0].source.digest)
        self._loads = {_copied(load).load_id: load for load in history.loads}
        self._runs = {run.run_id: run for run in history.runs}
        self._records = {
            state.record: state for state in history.records if state.record.kind is RecordKind.RING_DECISION
        }
        self.loads = tuple(map(_copied, history.loads))
        self.reports = tuple(map(_filed, history.reports))
        self.runs = tuple(map(_without_texts, history.runs))
        self.chains: tuple[Head, ...] = ()
        self.records = tuple(self.past_record(state).current for state in self._records.values())

    def tables_of(self, load: Load) -> MarketTables:
        """Give what one of the loads brought, its values under other names."""
        tables = self._history.tables_of(self._loads[load.load_id])
        claims, orders, uses, values = tables.claims, tables.orders, tables.uses, []
        for each in tables.values:
            renamed, place = self._renamed(each)
            values.append(renamed)
            kind = each.kind.value
            claims = claims.with_columns(renumbered(claims[kind], place))
            if kind in orders.columns:
                orders = orders.with_columns(renumbered(orders[kind], place))
            is_kind = pl.col("kind") == kind
            moved = renumbered(uses["value"], place)
            uses = uses.with_columns(pl.when(is_kind).then(moved).otherwise("value").alias("value"))
        kinds = {each.kind.value: number for number, each in enumerate(values)}
        return replace(
            tables,
            values=tuple(values),
            claims=claims,
            orders=orders,
            uses=uses.sort(pl.col("kind").replace_strict(kinds, return_dtype=pl.Int8), "buyer", "value"),
            reports=tables.reports.with_columns(
                pl.when(pl.col("reason").is_not_null()).then(pl.lit(LEFT_OUT)).alias("reason")
            ),
            merchants=tables.merchants.with_columns(
                pl.lit(None, pl.String).alias(column) for column in _OF_MERCHANTS
            ),
        )

    def entries(self, head: Head, after: int = 0) -> Iterator[tuple[SealedEntry, ...]]:
        """Give nothing: the audit is left out."""
        yield from ()

    def past_run(self, run: Run) -> PastRun:
        """Tell all there is of one of the runs."""
        past = self._history.past_run(self._runs[run.run_id])
        return replace(past, run=_without_texts(past.run))

    def past_record(self, state: RecordState) -> PastRecord:
        """Tell all there is of one of the records, but for what people wrote and who they are."""
        past = self._history.past_record(self._records[state.record])
        events = tuple(
            replace(event, actor=self._named(event.actor), data=self._without_texts(event.data))
            for event in past.events
        )
        current = replace(past.current, state=fold(events).to_state())
        return PastRecord(current, events, past.concerns)

    def _renamed(self, values: IdentifierValues) -> tuple[IdentifierValues, Ints]:
        """Give values under other names, and the new place of each."""
        width = values.exact.shape[1]
        names = b"".join(hmac.digest(self._secret, bytes(row), "sha256") for row in values.exact)
        exact = np.frombuffer(names, np.uint8).reshape(-1, width)
        order = order_of_values(exact)
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        return IdentifierValues(values.kind, np.ascontiguousarray(exact[order])), place

    def _without_texts(self, data: Mapping[str, Any]) -> dict[str, Any]:
        kept = {name: LEFT_OUT if name in _FREE_TEXTS else value for name, value in data.items()}
        if kept.get("owner") is not None:
            kept["owner"] = self._named(kept["owner"])
        return kept

    def _named(self, person: str) -> str:
        """Give the number a person has in this copy."""
        return f"person {hmac.digest(self._secret, person.encode(), 'sha256').hex()[:8]}"


def _copied(load: Load) -> Load:
    source = load.source
    digest = _hash("load", source.digest).hex()
    return replace(load, source=replace(source, digest=digest, key_id=BROWSING_KEY_ID))


def _filed(told: FiledReport) -> FiledReport:
    report = told.report
    return replace(told, report=replace(report, reason=None if report.reason is None else LEFT_OUT))


def _without_texts(run: Run) -> Run:
    return replace(
        run,
        reasons=tuple(
            f"{PUBLISHED_ANYWAY}: {LEFT_OUT}" if reason.startswith(PUBLISHED_ANYWAY) else reason
            for reason in run.reasons
        ),
    )


def _hash(what: str, digest: str) -> bytes:
    return hashlib.sha256(f"ringfence copy: {what} {digest}".encode()).digest()
