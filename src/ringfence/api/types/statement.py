"""Merchants' monthly statements."""

import strawberry

from ringfence.api.loaders import Asking
from ringfence.api.types.connections import After, Connection, First, connection_of_all
from ringfence.api.types.recovery import RecoveryMove
from ringfence.api.types.scalars import Money, money_of
from ringfence.domain import statements
from ringfence.services import tell_statements


@strawberry.type
class StatementTotal:
    """The sums of one currency."""

    currency: str = strawberry.field(description="Code by ISO 4217.")
    paid: Money = strawberry.field(description="What the merchant was paid.")
    returned: Money = strawberry.field(description="What it gave back.")
    net: Money = strawberry.field(
        description="What is left with it; below zero where more was returned than paid that month."
    )


@strawberry.type
class StatementLine:
    """One payment or return, and what it rests on."""

    move: RecoveryMove = strawberry.field(description="The payment or return.")
    recovery_id: strawberry.ID = strawberry.field(description="The recovery it belongs to.")
    verification_id: strawberry.ID = strawberry.field(description="The verification that rests on.")


@strawberry.type
class RecoveryStatement:
    """Every cent that a merchant was paid or gave back in one calendar month, UTC."""

    merchant_id: strawberry.ID = strawberry.field(description="The marketplace's own id of the merchant.")
    month: str = strawberry.field(description="The month, such as 2027-01.")
    is_complete: bool = strawberry.field(description="Whether the month is over.")
    totals: list[StatementTotal] = strawberry.field(description="The sums, by currency.")
    _lines: strawberry.Private[tuple[statements.StatementLine, ...]]

    @strawberry.field
    def lines(self, first: First, after: After = None) -> Connection[StatementLine]:
        """The payments and returns, oldest first."""
        return connection_of_all(
            f"RecoveryStatement.lines {self.merchant_id} {self.month}",
            self._lines,
            lambda line: f"{line.recovery_id}\n{line.move.claim_id}\n{line.move.kind}\n{line.move.at}",
            lambda chosen: [
                StatementLine(
                    move=RecoveryMove.of(line.move),
                    recovery_id=strawberry.ID(line.recovery_id),
                    verification_id=strawberry.ID(line.verification_id),
                )
                for line in chosen
            ],
            first,
            after,
            0,
        )


def one_statement(asking: Asking, merchant_id: str, month: str) -> RecoveryStatement:
    """Answer a merchant's statement of a month, as far as whoever asks may know of it."""
    found = tell_statements.statement(asking.store, asking.principal, merchant_id, month, asking.now)
    return RecoveryStatement(
        merchant_id=strawberry.ID(found.merchant_id),
        month=found.month,
        is_complete=found.is_complete,
        totals=[
            StatementTotal(
                currency=currency,
                paid=money_of(total.paid, currency),
                returned=money_of(total.returned, currency),
                net=money_of(total.net, currency),
            )
            for currency, total in found.totals().items()
        ],
        _lines=found.lines,
    )
