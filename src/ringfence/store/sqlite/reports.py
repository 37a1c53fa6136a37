"""Merchants' reports in SQLite."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import polars as pl

from ringfence.domain.buyers import Report, ReportRef
from ringfence.domain.pages import Key, Page
from ringfence.domain.scope import PLATFORM, Scope
from ringfence.market.reports import ReportColumns
from ringfence.store.columnar.report_columns import REPORTS, read_reports
from ringfence.store.reports import FiledReport, NobodyToReportError, ReportDiffersError, place_of
from ringfence.store.sqlite.columns import read_columns
from ringfence.store.sqlite.database import Database
from ringfence.store.sqlite.numbers import SqliteNumbering
from ringfence.store.sqlite.scope import SEES_BUYER, VERSION, scope_values

SEES_REPORT = "coalesce(r.load, 0) <= :version"
"""Report `r` was filed by call, or came with a load that is complete."""
_COLUMNS = "r.report_id, m.merchant_id, b.buyer_id, r.reported_at, r.claim_id, r.reason, r.evidence_count"
_PEOPLE = "JOIN buyers AS b ON b.buyer = r.buyer JOIN merchants AS m ON m.merchant = r.merchant"
_FIND = f"""
    SELECT {_COLUMNS} FROM json_each(:refs) AS asked
    CROSS JOIN merchants AS m ON m.merchant_id = asked.value ->> 0
    CROSS JOIN reports AS r ON r.report_id = asked.value ->> 1 AND r.merchant = m.merchant
    JOIN buyers AS b ON b.buyer = r.buyer
    WHERE {SEES_REPORT} AND {SEES_BUYER} AND (:merchant_id IS NULL OR m.merchant_id = :merchant_id)
    ORDER BY asked.key
"""
_AFTER = """
    AND r.reported_at <= :reported_at
    AND (r.reported_at < :reported_at OR (r.report_id, m.merchant_id) > (:report_id, :of_merchant))
"""
_LATEST_FIRST = "ORDER BY r.reported_at DESC, r.report_id, m.merchant_id LIMIT :first"
_MERCHANTS_OF = f"""
    SELECT m.merchant_id FROM reports AS r JOIN merchants AS m USING (merchant)
    WHERE r.report_id = :report_id AND {SEES_REPORT} ORDER BY m.merchant_id
"""
_COUNT_ALL = "SELECT (SELECT count(*) FROM reports) - (SELECT count(*) FROM reports WHERE report > :last)"
_FIRST = -(2**62)
_NUMBERS = f"""
    SELECT (SELECT buyer FROM buyers WHERE buyer_id = :buyer_id AND load <= {VERSION}),
        (SELECT merchant FROM merchants WHERE merchant_id = :merchant_id AND load <= {VERSION})
"""
_FILE = """
    INSERT INTO reports (
        report, report_id, merchant, buyer, reported_at, claim_id, reason, evidence_count, filed_at
    ) VALUES (
        (SELECT min(coalesce(min(report), 0), 0) - 1 FROM reports),
        :report_id, :merchant, :buyer, :reported_at, :claim_id, :reason, :evidence_count, :now
    )
"""


class SqliteReports:
    """The port of reports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def file(self, report: Report, now: int) -> bool:
        """Keep a report; tell whether it is new."""
        with self._database.transaction():
            for known in self.find((report.ref,), PLATFORM):
                if known != report:
                    raise ReportDiffersError(known, report)
                return False
            cells = asdict(report)
            ((buyer, merchant),) = self._database.all(_NUMBERS, cells)
            if buyer is None or merchant is None:
                raise NobodyToReportError(report, "merchant" if buyer is not None else "buyer")
            # What a load under way has written of it is not seen yet.
            self._database.run(
                "DELETE FROM reports WHERE report_id = ? AND merchant = ?", (report.report_id, merchant)
            )
            self._database.run(_FILE, cells | {"buyer": buyer, "merchant": merchant, "now": now})
            return True

    def of_buyer(self, buyer_id: str, scope: Scope) -> tuple[Report, ...]:
        """List the reports that accuse a buyer, latest first."""
        with self._database.snapshot():
            seen, values = self._seen(scope, buyer_id)
            rows = self._database.all(f"SELECT {_COLUMNS} {seen} {_LATEST_FIRST}", values | {"first": -1})
        return tuple(Report(*row) for row in rows)

    def find(self, refs: Sequence[ReportRef], scope: Scope) -> tuple[Report, ...]:
        """Find reports, in the order asked for."""
        asked = {"refs": json.dumps([(ref.merchant_id, ref.report_id) for ref in dict.fromkeys(refs)])}
        with self._database.snapshot():
            rows = self._database.all(_FIND, scope_values(self._database, scope) | asked)
        return tuple(Report(*row) for row in rows)

    def merchants_of(self, report_id: str) -> tuple[str, ...]:
        """Name the merchants who have a report of this id, sorted."""
        with self._database.snapshot():
            values = scope_values(self._database, PLATFORM) | {"report_id": report_id}
            return tuple(merchant_id for (merchant_id,) in self._database.all(_MERCHANTS_OF, values))

    def page(self, first: int, after: Key | None, scope: Scope, buyer_id: str | None = None) -> Page[Report]:
        """List reports, all or those about a buyer, latest first."""
        place = {} if after is None else place_of(after)
        with self._database.snapshot():
            seen, values = self._seen(scope, buyer_id)
            rows = self._database.all(
                f"SELECT {_COLUMNS} {seen} {_AFTER if place else ''} {_LATEST_FIRST}",
                values | place | {"first": first + 1},
            )
            if buyer_id is None and scope.merchant_id is None:
                values, count = {"last": self._last(values["version"])}, _COUNT_ALL
            else:
                count = f"SELECT count(*) {seen}"
            total = self._database.one(count, values)
        reports = tuple(Report(*row) for row in rows[:first])
        return Page(
            items=reports,
            keys=tuple(Key(report.reported_at, report.ref.name) for report in reports),
            has_next=len(rows) > first,
            total=int(total[0]) if total else 0,
        )

    def read(self) -> ReportColumns:
        """Give all reports as columns."""
        with self._database.snapshot():
            row = self._database.one(f"SELECT {VERSION}")
            version = int(row[0]) if row else 0
            last = self._last(version)
            return read_reports(
                partial(read_columns, self._database, version),
                self._rows(_FIRST, 0),
                int(self._database.all(_COUNT_ALL, {"last": last})[0][0]),
                partial(self._rows, _FIRST, last),
            )

    def filed(self) -> tuple[FiledReport, ...]:
        """List the reports that were filed by call, by report_id, then by merchant_id."""
        rows = self._database.all(
            f"SELECT {_COLUMNS}, r.filed_at FROM reports AS r {_PEOPLE}"
            " WHERE r.report < 0 ORDER BY r.report_id, m.merchant_id"
        )
        return tuple(FiledReport(Report(*row[:-1]), row[-1]) for row in rows)

    def _seen(self, scope: Scope, buyer_id: str | None) -> tuple[str, dict[str, Any]]:
        """Say which reports `r` a scope sees, or those about a buyer; call it in a snapshot."""
        values = scope_values(self._database, scope)
        conditions = [SEES_REPORT, SEES_BUYER]
        if scope.merchant_id is not None:
            conditions.append("r.merchant = :merchant")
        if buyer_id is not None:
            conditions.append("r.buyer = (SELECT buyer FROM buyers WHERE buyer_id = :buyer_id)")
            values["buyer_id"] = buyer_id
        # Where the statement begins is said by whoever asks, not by what SQLite knows of the tables.
        people = _PEOPLE.replace("JOIN", "CROSS JOIN")
        return f"FROM reports AS r {people} WHERE {' AND '.join(conditions)}", values

    def _last(self, version: int) -> int:
        """Give the number of the last report that a load brought; those of a load under way come after it."""
        return SqliteNumbering(self._database).last("reports", version + 1)

    def _rows(self, after: int, last: int) -> pl.DataFrame:
        """Give the reports of these numbers, people by theirs."""
        rows = self._database.all(
            f"SELECT {', '.join(REPORTS)} FROM reports WHERE report > ? AND report <= ?", (after, last)
        )
        columns = zip(*rows, strict=True) if rows else [()] * len(REPORTS)
        named = zip(REPORTS.items(), columns, strict=True)
        return pl.DataFrame([pl.Series(name, cells, dtype) for (name, dtype), cells in named])
