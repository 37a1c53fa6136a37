"""A merchant's statement as CSV and as what JSON can hold."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from ringfence.domain.currencies import amount_text
from ringfence.domain.statements import Statement, StatementLine
from ringfence.export.tables import write_table

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCHEMA = {
    "date": pl.Datetime("us", "UTC"),
    "merchant_id": pl.String(),
    "what": pl.String(),
    "claim_id": pl.String(),
    "amount": pl.String(),
    "currency": pl.String(),
    "reference": pl.String(),
    "recovery_id": pl.String(),
    "verification_id": pl.String(),
}


def statement_as_csv(statement: Statement) -> bytes:
    """Write a line a payment or return, oldest first, amounts as decimals; cells escaped as in all tables."""
    rows = [
        (
            _EPOCH + timedelta(microseconds=line.move.at),
            statement.merchant_id,
            line.move.kind.value,
            line.move.claim_id,
            _decimal(line.move.amount, line.move.currency),
            line.move.currency,
            line.move.reference,
            line.recovery_id,
            line.verification_id,
        )
        for line in statement.lines
    ]
    content = io.BytesIO()
    write_table("statement", pl.DataFrame(rows, schema=_SCHEMA, orient="row"), content)
    return content.getvalue()


def statement_as_document(statement: Statement) -> dict[str, Any]:
    """Tell a statement in what JSON can hold; amounts as decimals, and in minor units beside them."""
    return {
        "merchant_id": statement.merchant_id,
        "month": statement.month,
        "is_complete": statement.is_complete,
        "lines": [_line(line) for line in statement.lines],
        "totals": {
            currency: {
                "paid": _decimal(total.paid, currency),
                "returned": _decimal(total.returned, currency),
                "net": _decimal(total.net, currency),
                "net_minor": total.net,
            }
            for currency, total in statement.totals().items()
        },
    }


def _line(line: StatementLine) -> dict[str, Any]:
    move = line.move
    return {
        "date": f"{_EPOCH + timedelta(microseconds=move.at):%Y-%m-%dT%H:%M:%SZ}",
        "what": move.kind.value,
        "claim_id": move.claim_id,
        "amount": _decimal(move.amount, move.currency),
        "amount_minor": move.amount,
        "currency": move.currency,
        "reference": move.reference,
        "recovery_id": line.recovery_id,
        "verification_id": line.verification_id,
    }


def _decimal(minor: int, currency: str) -> str:
    return amount_text(minor, currency).partition(":")[2]
