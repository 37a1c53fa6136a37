"""A merchant's monthly statement: every cent that it was paid or gave back."""

from dataclasses import dataclass

from ringfence.domain.recoveries import Move, MoveKind


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One payment or return, and what it rests on."""

    move: Move
    recovery_id: str
    verification_id: str


@dataclass(frozen=True, slots=True)
class StatementTotal:
    """The sums of one currency, in its minor units."""

    paid: int
    returned: int

    @property
    def net(self) -> int:
        """What is left with the merchant; below zero where more was returned than paid that month."""
        return self.paid - self.returned


@dataclass(frozen=True, slots=True)
class Statement:
    """What a merchant was paid and gave back in one calendar month, UTC."""

    merchant_id: str
    month: str
    """`2027-01`"""
    is_complete: bool
    """Whether the month is over."""
    lines: tuple[StatementLine, ...]
    """Oldest first."""

    def totals(self) -> dict[str, StatementTotal]:
        """Sum the lines by currency."""
        sums: dict[str, dict[MoveKind, int]] = {}
        for line in self.lines:
            by_kind = sums.setdefault(line.move.currency, dict.fromkeys(MoveKind, 0))
            by_kind[line.move.kind] += line.move.amount
        return {
            currency: StatementTotal(by_kind[MoveKind.PAID], by_kind[MoveKind.RETURNED])
            for currency, by_kind in sorted(sums.items())
        }
