"""Merchants' reports in Neo4j: `(:Merchant)-[:FILED_REPORT]->(:Report)-[:ACCUSES]->(:Buyer)`."""

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
from ringfence.store.neo4j.columns import read_columns
from ringfence.store.neo4j.database import Database
from ringfence.store.neo4j.scope import scope_values
from ringfence.store.reports import FiledReport, NobodyToReportError, ReportDiffersError, place_of

_MOST = 2**63 - 1
_BEGINNING: dict[str, Any] = {"reported_at": _MOST, "report_id": "", "of_merchant": ""}
"""The place that all reports follow."""


class Neo4jReports:
    """The port of reports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def file(self, report: Report, now: int) -> bool:
        """Keep a report; tell whether it is new."""
        return self._database.write(partial(self._file, report, now))

    def of_buyer(self, buyer_id: str, scope: Scope) -> tuple[Report, ...]:
        """List the reports that accuse a buyer, latest first."""
        values = self._values(scope, buyer_id=buyer_id, first=_MOST)
        rows = self._database.all("list_reports", **values, **_BEGINNING)
        return tuple(Report(*row) for row in rows)

    def find(self, refs: Sequence[ReportRef], scope: Scope) -> tuple[Report, ...]:
        """Find reports, in the order asked for."""
        asked = [[ref.merchant_id, ref.report_id] for ref in dict.fromkeys(refs)]
        rows = self._database.all("find_reports", **self._values(scope, refs=asked))
        return tuple(Report(*row) for row in rows)

    def merchants_of(self, report_id: str) -> tuple[str, ...]:
        """Name the merchants who have a report of this id, sorted."""
        values = self._values(PLATFORM, report_id=report_id)
        return tuple(
            merchant_id for (merchant_id,) in self._database.all("list_merchants_of_report", **values)
        )

    def page(self, first: int, after: Key | None, scope: Scope, buyer_id: str | None = None) -> Page[Report]:
        """List reports, all or those about a buyer, latest first."""
        place = _BEGINNING if after is None else place_of(after)
        if buyer_id is not None:
            listing, counting = "list_reports", "count_reports"
        elif scope.merchant_id is not None:
            listing, counting = "list_merchant_reports", "count_merchant_reports"
        else:
            listing, counting = "list_all_reports", "count_all_reports"
        with self._database.snapshot():
            values = self._values(scope, buyer_id=buyer_id)
            rows = self._database.all(listing, **values, **place, first=first + 1)
            total = self._database.one(counting, **values)
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
            values = self._values(PLATFORM)
            ((version,),) = self._database.all("find_version", version=values["version"])
            ((total,),) = self._database.all("count_all_reports", **values)
            return read_reports(
                partial(read_columns, self._database, version),
                self._rows("read_filed_reports", write=self._last_write()),
                total,
                partial(self._rows, "read_reports", **values),
            )

    def filed(self) -> tuple[FiledReport, ...]:
        """List the reports that were filed by call, by report_id, then by merchant_id."""
        rows = self._database.all("list_filed_reports", write=self._last_write())
        return tuple(FiledReport(Report(*row[:-1]), row[-1]) for row in rows)

    def _file(self, report: Report, now: int) -> bool:
        for known in self.find((report.ref,), PLATFORM):
            if known != report:
                raise ReportDiffersError(known, report)
            return False
        cells = asdict(report)
        ((is_buyer, is_merchant),) = self._database.all("find_report_people", **cells, version=None)
        if not (is_buyer and is_merchant):
            raise NobodyToReportError(report, "merchant" if is_buyer else "buyer")
        self._database.all("file_report", **cells, filed_at=now, write=self._database.write_number)
        return True

    def _last_write(self) -> int:
        """Give the last transaction that is seen."""
        write = self._database.pins.write
        return _MOST if write is None else write

    def _rows(self, statement: str, **values: Any) -> pl.DataFrame:
        return pl.DataFrame(self._database.all(statement, **values), REPORTS, orient="row")

    def _values(self, scope: Scope, **more: Any) -> dict[str, Any]:
        return scope_values(self._database, scope) | {"write": self._database.pins.write} | more
