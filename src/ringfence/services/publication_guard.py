"""What speaks against publishing a run: a result that broken input would explain better than fraud."""

from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np
import polars as pl

from ringfence.detection.invariants import violations
from ringfence.detection.parameters import Parameters
from ringfence.domain.loads import LoadSource
from ringfence.market import Market

LAST_RUNS = 7
"""So many published runs say how many rings are usual."""
_MOST_TIMES = 3.0
_MOST_SHARE = 0.05
_LEAST_HOLDERS = 20
_FULL = 0.9
_EMPTY = 0.01
_LEAST_ROWS = 20


def object_to_contradictions(
    tables: Mapping[str, pl.DataFrame], market: Market, parameters: Parameters
) -> tuple[str, ...]:
    """Object to findings that contradict themselves, and to all that is said on them."""
    return tuple(
        f"What was found contradicts itself: {violation}"
        for violation in violations(tables, market, parameters)
    )


def object_to_number(rings: int, former: Sequence[int]) -> tuple[str, ...]:
    """Object to more rings than three times the median of the last published runs (`former`).

    That median counts as one at least; without former runs nothing is unusual.
    """
    if not former:
        return ()
    usual = float(median(former))
    if rings <= _MOST_TIMES * max(usual, 1.0):
        return ()
    runs = "run has" if len(former) == 1 else f"{len(former)} runs have a median of"
    return (
        f"{rings:,} rings are more than {_MOST_TIMES:g} times the usual number: the last published {runs} "
        f"{usual:,g}.",
    )


def object_to_sharing(market: Market) -> tuple[str, ...]:
    """Object to one value of an identifier that more than 5 % of the buyers use, and more than 20 of them.

    Such a value is a placeholder, or the column was mixed up; it is never told.
    """
    objections = []
    buyers = len(market.buyer_ids)
    for identifiers in market.identifiers:
        holders = int(np.bincount(identifiers.value).max()) if len(identifiers) else 0
        if holders > _LEAST_HOLDERS and holders > _MOST_SHARE * buyers:
            objections.append(
                f"One {identifiers.kind} is used by {holders:,} of {buyers:,} buyers "
                f"({100 * holders / buyers:.1f} %), more than {100 * _MOST_SHARE:g} %."
            )
    return tuple(objections)


def object_to_empty_columns(before: Sequence[LoadSource], since: Sequence[LoadSource]) -> tuple[str, ...]:
    """Object to a column that was full in the loads `before` the last published run, and is empty `since`.

    Full is 90 % of the cells, empty less than 1 %, of 20 rows or more.
    """
    objections = []
    for table in sorted({file.table for source in since for file in source.files}):
        earlier, later = _rows(before, table), _rows(since, table)
        if earlier == 0 or later < _LEAST_ROWS:
            continue
        columns = {column for source in before for column in source.filled.get(table, {})}
        for column in sorted(columns):
            was = _filled(before, table, column) / earlier
            now = _filled(since, table, column) / later
            if was >= _FULL and now < _EMPTY:
                objections.append(
                    f"The column {column} of {table} was filled in {100 * was:.0f} % of the rows up to the "
                    f"last published run, and in {100 * now:.1f} % of the {later:,} rows loaded since."
                )
    return tuple(objections)


def _rows(sources: Sequence[LoadSource], table: str) -> int:
    return sum(file.kept for source in sources for file in source.files if file.table == table)


def _filled(sources: Sequence[LoadSource], table: str, column: str) -> int:
    return sum(source.filled.get(table, {}).get(column, 0) for source in sources)
