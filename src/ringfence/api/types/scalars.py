"""Times and money as they are answered."""

from datetime import UTC, datetime, timedelta
from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from ringfence.domain.currencies import amount_text
from ringfence.domain.errors import InvalidError

Time = NewType("Time", int)
"""µs since 1970-01-01 UTC."""
Decimal = NewType("Decimal", str)
"""A number with all its decimals."""
Json = NewType("Json", object)
"""What JSON can hold."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_text(time: int) -> str:
    """Write a time as RFC 3339 in UTC, such as 2026-05-01T12:00:00Z."""
    return (_EPOCH + timedelta(microseconds=time)).isoformat().replace("+00:00", "Z")


def read_time(text: object) -> Time:
    """Read a time in RFC 3339. Raises InvalidError for anything else."""
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise InvalidError("A DateTime is written as 2026-05-01T12:00:00Z, or with another offset from UTC.")
    return Time((time - _EPOCH) // timedelta(microseconds=1))


def _no_input(value: object) -> Any:
    raise InvalidError("This is answered only, never asked for.")


SCALARS: dict[object, ScalarDefinition] = {
    Time: strawberry.scalar(
        name="DateTime",
        description="A time in UTC as RFC 3339 writes it, such as 2026-05-01T12:00:00Z; to the microsecond.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=time_text,
        parse_value=read_time,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description="A decimal number as text, such as 120.50, so that no digit of it is lost.",
        serialize=str,
        parse_value=_no_input,
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="An object as JSON writes it, whose fields are not told by the schema.",
        serialize=lambda value: value,
        parse_value=_no_input,
    ),
}
"""How they are named and written, by Python type."""


@strawberry.type
class Money:
    """An amount in one currency; amounts of different currencies are never added up."""

    amount: Decimal = strawberry.field(
        description="In units of the currency, with as many decimals as it has: 120.50 for USD, 500 for JPY."
    )
    currency: str = strawberry.field(
        description="Code by ISO 4217; XXX if nobody told the currency of the amount."
    )


def money_of(minor: int, currency: str) -> Money:
    """Give an amount of minor units."""
    return sums_of(amount_text(minor, currency))[0]


def sums_of(text: str) -> list[Money]:
    """Read sums as they are kept, `EUR:3.00;USD:120.50`."""
    sums = []
    for one in filter(None, text.split(";")):
        currency, _, amount = one.partition(":")
        sums.append(Money(amount=Decimal(amount), currency=currency))
    return sums
