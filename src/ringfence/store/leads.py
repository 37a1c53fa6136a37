"""Leads, the same over every store: a policy bounds how many a run has, so their tables are read whole."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any

import polars as pl
from polars import selectors

from ringfence.domain.errors import NotFoundError
from ringfence.domain.leads import Lead, LeadBuyer, LeadClaim, LeadKind, LeadQuery
from ringfence.domain.pages import Key, Page
from ringfence.domain.runs import RunState
from ringfence.domain.scope import Scope
from ringfence.market.results import SCHEMAS
from ringfence.store.rings import Rings

_RUNS_A_PAGE = 100
_LEAD = tuple(field.name for field in fields(Lead) if field.name != "run_id")
_BUYER = tuple(field.name for field in fields(LeadBuyer))
_CLAIM = tuple(field.name for field in fields(LeadClaim))


class Leads:
    """What there is of leads. A scope that is a merchant's holds none: they are the platform's alone.

    Where `run_id` is None the published run is meant; without one, there are no leads. Another run may be
    named while its findings are kept, a withheld one too; NotFoundError for all others.
    """

    def __init__(self, rings: Rings) -> None:
        self._rings = rings

    def page(
        self, query: LeadQuery, scope: Scope, first: int, after: Key | None = None, run_id: int | None = None
    ) -> Page[Lead]:
        """List leads, strongest first, ties by lead id."""
        run, leads = self._table("leads", scope, run_id)
        listed = choose_leads(leads, query, lambda: self._table("lead_members", scope, run)[1])
        onward = listed
        if after is not None:
            is_tied = (pl.col("score") == after.value) & (pl.col("lead_id") > after.id)
            onward = listed.filter((pl.col("score") < after.value) | is_tied)
        found = _leads(onward.head(first), run)
        keys = tuple(Key(lead.score, lead.lead_id) for lead in found)
        return Page(found, keys, len(onward) > first, len(listed))

    def leads(self, lead_ids: Sequence[str], scope: Scope, run_id: int | None = None) -> tuple[Lead, ...]:
        """Find leads by id in a run, in the order asked for; those that are not there are left out."""
        run, leads = self._table("leads", scope, run_id)
        return _leads(_asked(leads, lead_ids), run)

    def last_known(self, lead_id: str, scope: Scope) -> Lead | None:
        """Find a lead as of the last published run that had it and whose findings are kept."""
        if scope.merchant_id is not None:
            return None
        found = (_leads(_asked(leads, (lead_id,)), run_id) for run_id, leads in self._published())
        return next((leads[0] for leads in found if leads), None)

    def buyers(
        self, lead_ids: Sequence[str], scope: Scope, run_id: int | None = None
    ) -> tuple[LeadBuyer, ...]:
        """List the buyers of leads, lead by lead as asked for, best first."""
        rows = _asked(self._table("lead_members", scope, run_id)[1], lead_ids)
        ordered = rows.sort(["asked", "score", "buyer_id"], descending=[False, True, False])
        return tuple(LeadBuyer(*row) for row in ordered.select(_BUYER).iter_rows())

    def joint_claims(
        self, lead_ids: Sequence[str], scope: Scope, run_id: int | None = None
    ) -> tuple[LeadClaim, ...]:
        """List the claims that leads rest on, lead by lead as asked for, by event, then time."""
        rows = _asked(self._table("lead_evidence", scope, run_id)[1], lead_ids)
        ordered = _in_numbers(rows).sort("asked", "event", "filed_at", "claim_id")
        return tuple(LeadClaim(*row) for row in ordered.select(_CLAIM).iter_rows())

    def past(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Give the tables `leads` and `lead_members` of the published runs that are kept, latest first."""
        for run_id, leads in self._published():
            yield leads, self._rings.lead_table("lead_members", run_id)[1]

    def _table(self, table: str, scope: Scope, run_id: int | None) -> tuple[int, pl.DataFrame]:
        if scope.merchant_id is not None:
            return 0, pl.DataFrame(schema=SCHEMAS[table])
        return self._rings.lead_table(table, run_id)

    def _published(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """Give the published runs whose findings are kept, latest first, each with its table `leads`."""
        after = None
        while True:
            page = self._rings.runs(_RUNS_A_PAGE, after, RunState.PUBLISHED)
            for run in page.items:
                try:
                    found = self._rings.lead_table("leads", run.run_id)
                except NotFoundError:
                    # The oldest are forgotten first.
                    return
                yield found
            if not page.has_next:
                return
            after = page.keys[-1]


def choose_leads(leads: pl.DataFrame, query: LeadQuery, members: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """Choose the leads that a query asks for, strongest first; `members` gives the table `lead_members`."""
    if query.kind is not None:
        leads = leads.filter(pl.col("kind") == query.kind.value)
    if query.ring_id is not None:
        leads = leads.filter(pl.col("ring_id") == query.ring_id)
    if query.buyer_id is not None and not leads.is_empty():
        leads = leads.join(members().filter(pl.col("buyer_id") == query.buyer_id), on="lead_id", how="semi")
    if query.without:
        down = pl.Series(sorted(query.without), dtype=pl.String).implode()
        leads = leads.filter(~pl.col("lead_id").is_in(down))
    return leads.sort(["score", "lead_id"], descending=[True, False])


def _asked(rows: pl.DataFrame, lead_ids: Sequence[str]) -> pl.DataFrame:
    """Choose the rows of leads, in the order asked for, each lead once; `asked` is its place there."""
    wanted = pl.DataFrame({"lead_id": list(dict.fromkeys(lead_ids))}, schema={"lead_id": pl.String})
    return wanted.with_row_index("asked").join(rows, on="lead_id", maintain_order="left_right")


def _leads(rows: pl.DataFrame, run_id: int) -> tuple[Lead, ...]:
    found: list[Lead] = []
    for row in _in_numbers(rows).select(_LEAD).iter_rows(named=True):
        told: dict[str, Any] = {**row, "kind": LeadKind(row["kind"]), "ring_id": row["ring_id"] or None}
        found.append(Lead(run_id=run_id, **told))
    return tuple(found)


def _in_numbers(rows: pl.DataFrame) -> pl.DataFrame:
    """Give times as µs since 1970-01-01 UTC."""
    return rows.with_columns(selectors.temporal().cast(pl.Int64))
